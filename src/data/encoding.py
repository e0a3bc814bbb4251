"""The encoding of a table's columns as features: numbers as they are, categories one-hot; fitted on the training set.

A category column becomes one feature for each of its categories in the training set, in their order, `colour=red`. A
category that the training set lacks, or a missing one, makes all of them 0. A missing number becomes the mean of its
column in the training set, if the recipe says so. One-hot features are not scaled.
"""

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.raw import Raw
from src.data.scaling import of_numbers
from src.foundation.errors import UserError
from src.foundation.schema import show

MOST_CATEGORIES = 1000  # of a column
_BLOCK = 64 << 20  # bytes of columns that are in memory together
_ROWS = 512  # of a memory map that are read together: a page that is read brings its neighbours along
_NEIGHBOURS = 8192  # rows in order, which share pages


class Column(NamedTuple):
    """A column: a number, with what fills a missing one; or a category, with the categories of the training set."""

    name: str
    fill: float | None = None
    categories: tuple[str, ...] | None = None

    @property
    def features(self) -> list[str]:
        """The names of its features."""
        return [self.name] if self.categories is None else [f"{self.name}={text}" for text in self.categories]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name} | (
            {"fill": self.fill} if self.categories is None else {"categories": list(self.categories)}
        )


class Encoding(NamedTuple):
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, plain: Any) -> "Encoding | None":
        """The encoding in the JSON of a scaling; None if it has none. Raises `ValueError` if it is damaged."""
        if (entries := plain.get("encoding")) is None:
            return None
        if not isinstance(entries, list):
            raise ValueError("its encoding is no list of columns")
        columns = []
        for entry in entries:
            match entry:
                case {"name": str(name), "fill": float() | int() | None as fill}:
                    columns.append(Column(name, fill))
                case {"name": str(name), "categories": [*texts]} if all(isinstance(text, str) for text in texts):
                    columns.append(Column(name, None, tuple(texts)))
                case _:
                    raise ValueError(f"its encoding has the entry {show(entry)}")
        return cls(tuple(columns))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return tuple(name for column in self.columns for name in column.features)

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of the columns by name, as in a recipe."""
        return {column.name: "number" if column.categories is None else "category" for column in self.columns}

    def encoded(
        self, x: NDArray[Any], categories: Mapping[int, Sequence[str]]
    ) -> tuple[NDArray[np.float64], dict[str, int]]:
        """Features [m, features] of raw columns x [m, columns], and how many unknown categories each column has.

        categories: the texts that the codes of a column stand for, by the column's index.
        """
        features, unknown, at = np.zeros((len(x), len(self.features))), dict[str, int](), 0
        for k, column in enumerate(self.columns):
            values = x[:, k]
            missing = np.isnan(values)
            if column.categories is None:
                features[:, at] = values if column.fill is None else np.where(missing, column.fill, values)
                at += 1
                continue
            place = {text: index for index, text in enumerate(column.categories)}
            places = np.array([place.get(text, -1) for text in categories[k]] or [-1])
            found = places[np.where(missing, 0, values).astype(np.int64)]
            here = np.flatnonzero(~missing & (found >= 0))
            features[here, at + found[here]] = 1
            if count := int(np.count_nonzero(~missing & (found < 0))):
                unknown[column.name] = count
            at += len(column.categories)
        return features, unknown


def fit_table(kind: str, raw: Raw, rows: NDArray[np.int64], missing: str) -> dict[str, Any]:
    """Fits the encoding and the scaling of a table on these rows: a scaling as `fit` returns it, with `encoding`.

    Args:
        kind: none, standard or per_feature.
        raw: the table; its categories are known by the codes in x.
        rows: those to fit on.
        missing: the recipe's; mean: missing numbers are filled.

    Raises:
        UserError: a column has no values in these rows, or too many categories.
    """
    columns: list[Column] = []
    pairs: list[tuple[float, float]] = []
    for k, (name, values) in enumerate(zip(raw.columns, _columns(raw.x, rows), strict=True)):
        present = values[~np.isnan(values)]
        if not len(present):
            raise UserError(f"data.columns.{show(name)}: no value in the training set; leave it out of data.columns")
        if k not in raw.categories:
            fill = of_numbers([present])[0] if missing == "mean" else None
            values = values if fill is None else np.where(np.isnan(values), fill, values)
            columns.append(Column(name, fill))
            pairs.append(of_numbers([values]) if kind == "per_feature" else (0.0, 1.0))
            continue
        found = tuple(sorted(raw.categories[k][int(code)] for code in np.unique(present)))
        if len(found) > MOST_CATEGORIES:
            raise UserError(
                f"data.columns.{show(name)}=category: {len(found):,} categories; allowed: at most {MOST_CATEGORIES:,}, "
                "number, or leave it out of data.columns"
            )
        columns.append(Column(name, None, found))
        pairs += [(0.0, 1.0)] * len(found)
    encoding = Encoding(tuple(columns))
    features = encoding.features
    if len({*features}) < len(features):
        twice = next(name for name in features if features.count(name) > 1)
        raise UserError(f"data.columns: two features would be called {show(twice)}; rename a column")
    if kind == "standard":  # one pair for all numbers
        one = of_numbers(_Numbers(raw.x, rows, columns)) if len(columns) > len(raw.categories) else (0.0, 1.0)
        pairs = [one if c.categories is None else (0.0, 1.0) for c in columns for _ in c.features]
    center, scale = zip(*pairs, strict=True)
    plain = [column.plain() for column in columns]
    return {"kind": kind, "center": list(center), "scale": list(scale), "encoding": plain}


@dataclass(frozen=True, eq=False)
class _Numbers:
    """The values of the number columns in some rows, missing ones filled; may be gone through several times."""

    x: NDArray[Any]
    rows: NDArray[np.int64]
    columns: Sequence[Column]

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        for column, values in zip(self.columns, _columns(self.x, self.rows), strict=True):
            if column.categories is None:
                yield values if column.fill is None else np.where(np.isnan(values), column.fill, values)


def _columns(x: NDArray[Any], rows: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    """The columns of x [n, columns] in these rows, each [rows], of which few are in memory at a time."""
    rows, together = np.sort(rows), max(1, _BLOCK // (8 * len(rows)))
    block = np.empty((min(together, x.shape[1]), len(rows)))
    for start in range(0, x.shape[1], together):
        columns = block[: x.shape[1] - start]
        for at in range(0, len(rows), _NEIGHBOURS):
            batch = rows[at : at + _NEIGHBOURS]
            columns[:, at : at + len(batch)] = take(x, batch, _NEIGHBOURS)[:, start : start + together].T
        yield from columns


def take(x: NDArray[Any], rows: NDArray[np.int64], together: int = _ROWS) -> NDArray[Any]:
    """x[rows]; of a memory map, pages that have been read are dropped, since they count as memory of the process."""
    if (mapped := getattr(x, "_mmap", None)) is None:
        return x[rows]
    taken = np.empty((len(rows), *x.shape[1:]), x.dtype)
    for at in range(0, len(rows), together):
        taken[at : at + together] = x[rows[at : at + together]]
        mapped.madvise(mmap.MADV_DONTNEED)
    return taken
