"""Examples in tables of one's own: columns by name, in any order, encoded as those that the model was trained on."""

import contextlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.columns import Codes, Layout, rows
from src.data.encoding import Encoding
from src.data.recipe import SEPARATORS
from src.data.table import is_parquet, lines, names
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import show

_SHOWN = 8  # names in a message
_START = 4096  # bytes


class TableExamples(NamedTuple):
    """Examples of a table."""

    names: list[str]  # "new.csv:2"
    x: NDArray[np.float64]  # [n, features], before scaling
    y: NDArray[np.int64] | None  # [n], indices of the labels that were asked for


class OwnTable(NamedTuple):
    """The table that a model was trained on: its columns, and how its files are read."""

    encoding: Encoding
    label: str | None
    group: str | None
    missing: str
    separator: str
    decimal: str

    @classmethod
    def of(cls, header: Mapping[str, Any]) -> "OwnTable | None":
        """The table of a model's header; None if it has none. Raises `ValueError` for a damaged one."""
        if (encoding := Encoding.of(header["scaling"])) is None:
            return None
        recipe = header["recipe"]
        texts = {key: recipe.get(key) for key in ("label", "group")}
        marks = {"missing": "refuse", "separator": ",", "decimal": "."}
        marks |= {key: recipe[key] for key in marks if key in recipe}
        if not all(isinstance(text, str | None) for text in texts.values()):
            raise ValueError("its recipe does not describe a table")
        return cls(encoding, **texts, **marks)

    @property
    def words(self) -> str:
        """What the model takes, with an example."""
        columns = self.encoding.columns
        values = (column.categories[:1] if column.categories else ("0.1",) for column in columns)
        one = [f"{column.name}={value[0]}" for column, value in zip(columns, values, strict=True)]
        listed = listing([column.name for column in columns])
        return f"the columns {listed}: as {' '.join(one[:3])}{' ...' if one[3:] else ''}, or in a .csv file"

    def read(self, path: Path, labels: Sequence[str] | None = None) -> TableExamples:
        """The examples of a file; with `labels`, also their labels.

        Prints the names of columns that are not used, and how many categories the training set lacked.

        Raises:
            UserError: the file can't be read, lacks columns, or has a value that is not what the column has.
        """
        label = None if labels is None else self.label
        missing = "mean" if self.missing == "mean" else "refuse"
        kinds = self.encoding.kinds
        separator = self._separator(path)
        layout = Layout(kinds, label, tuple(labels or ()), None, missing, separator, self.decimal)
        codes = {name: Codes() for name, kind in kinds.items() if kind == "category"}
        parts, y, unknown = list[NDArray[np.float64]](), list[NDArray[np.int64]](), Counter[str]()
        empty = list[Any]()  # [rows] each
        for batch in rows(path, layout, [*kinds], codes):
            categories = {k: tuple(codes[name]) for k, name in enumerate(kinds) if name in codes}
            features, new = self.encoding.encoded(batch.x, categories)
            parts.append(features)
            empty.append(np.isnan(batch.x).all(axis=1))
            unknown.update(new)
            if batch.y is not None:
                y.append(batch.y)
        if not parts or not sum(map(len, parts)):
            raise UserError(f"{path}: no line after the header")
        if others := [n for n in names(path, separator) if n not in kinds and n not in (self.label, self.group)]:
            print(f"{path}: not used: {listing(others)}", file=sys.stderr)
        for name, count in unknown.items():
            print(f"{path}: {count:,} with a {name} that the training set lacked; its features are 0", file=sys.stderr)
        x = np.concatenate(parts)
        where = range(1, len(x) + 1) if is_parquet(path) else lines(path, separator)
        examples = [f"{path}:{line}" for line in where]
        blank = np.flatnonzero(np.concatenate(empty))
        if labels is None and blank.size:  # it would be the mean of the training set
            raise UserError(f"{examples[blank[0]]}: all cells of the model's columns are empty; remove this line")
        return TableExamples(examples, x, np.concatenate(y) if y else None)

    def _separator(self, path: Path) -> str:
        """What separates the cells of a file: as in the model's table, unless only another one gives its columns.

        Raises `UserError` for a file that is no text.
        """
        with path.open("rb") as file:
            no_text = b"\0" in file.read(_START)
        if no_text and not is_parquet(path):
            raise UserError(
                f"{path}: not a table that can be read; this model takes {self.words}. Save a workbook, or a table in "
                "UTF-16, as CSV in UTF-8"
            )
        kinds = self.encoding.kinds
        separators: tuple[str, ...] = () if is_parquet(path) else tuple(SEPARATORS)
        for separator in (self.separator, *separators):
            with contextlib.suppress(UserError):  # names of columns that it does not give
                if kinds.keys() <= {*names(path, separator)}:
                    return separator
        found = names(path, self.separator)
        missing = [name for name in kinds if name not in found]
        near = suggestion(missing[0], found[:_SHOWN]).replace("allowed: ", "it has ")
        raise UserError(f"{path}: no column {listing(missing)}, which this model takes; {near}")

    def typed(self, arguments: Sequence[str]) -> NDArray[np.float64]:
        """[1, features], the features of the example that `name=value` arguments give, each column once."""
        kinds, values = self.encoding.kinds, dict[str, str]()
        for argument in arguments:
            found = [name for name in kinds if argument.startswith(f"{name}=")]  # a name may have a = of its own
            if not found:
                raise UserError(f"{argument}: not a column of this model; {suggestion(argument.split('=')[0], kinds)}")
            name = max(found, key=len)
            if name in values:
                raise UserError(f"{argument}: a second value of {name}; put several examples into a .csv file")
            values[name] = argument[len(name) + 1 :]
        if missing := [name for name in kinds if name not in values]:
            raise UserError(f"{' '.join(arguments)}: {listing(missing)} missing; this model takes {self.words}")
        x, categories = np.zeros((1, len(kinds))), dict[int, tuple[str, ...]]()
        for k, (name, kind) in enumerate(kinds.items()):
            if kind == "category":
                categories[k] = (values[name],)
                continue
            text = values[name].replace(",", ".") if self.decimal == "," else values[name]
            try:
                x[0, k] = float(text) if text.strip() or self.missing != "mean" else np.nan
            except ValueError:
                raise UserError(f"{name}={values[name]}: not a number, like 0.5") from None
        features, unknown = self.encoding.encoded(x, categories)
        for name in unknown:
            print(f"{name}={values[name]}: the training set lacked it; its features are 0", file=sys.stderr)
        return features


def listing(texts: Sequence[str]) -> str:
    """Names for a message, the first ones of many."""
    more = f", ... ({len(texts)} in all)" if len(texts) > _SHOWN else ""
    return ", ".join(map(show, texts[:_SHOWN])) + more
