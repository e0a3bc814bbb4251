"""Counts what a table has in it: in one pass over its rows, and one over the lines of a CSV file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.adding.column import Column
from src.data.columns import strings
from src.data.table import is_parquet, texts
from src.foundation.errors import UserError
from src.foundation.schema import show

_MOST_LINES = 50_000_000  # among which equal ones are counted


@dataclass(frozen=True)
class Asked:
    """What a user says about a table, because the file does not."""

    label: str | None = None  # these are columns
    group: str | None = None
    missing: str = "refuse"
    decimal: str = "."
    category: Sequence[str] = ()  # columns whose numbers are names
    leave_out: Sequence[str] = ()

    def named_in(self, header: Sequence[str]) -> "Asked":
        """The same with the columns' names as the file has them: spaces around a name need not be typed."""
        trimmed = Counter(name.strip() for name in header)
        full = {name.strip(): name for name in header if trimmed[name.strip()] == 1}

        def known(name: str) -> str:
            return name if name in header else full.get(name.strip(), name)

        return replace(
            self,
            label=self.label and known(self.label),
            group=self.group and known(self.group),
            category=[*map(known, self.category)],
            leave_out=[*map(known, self.leave_out)],
        )


@dataclass
class Marks:
    """The texts of a column of labels, groups or categories: how often each appears, and in which row first."""

    where: str  # the file and the column, for messages
    rows: int = 0
    missing: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    first_missing: int | None = None

    def add(self, array: Any, left_out: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Counts the values of a batch [m], but for rows that are left out. Returns which are missing."""
        try:
            coded = strings(array).dictionary_encode()
        except UserError as error:
            raise UserError(f"{self.where}: {error}") from None
        indices, found = np.asarray(coded.indices), coded.dictionary.to_pylist()
        empty = np.array([not text.strip() for text in found], bool)
        missing: NDArray[np.bool_] = empty[indices] if found else np.zeros(0, bool)
        kept = ~missing if left_out is None else ~missing & ~left_out
        codes, rows, counts = np.unique(indices[kept], return_index=True, return_counts=True)
        for code, row, count in zip(codes.tolist(), np.flatnonzero(kept)[rows].tolist(), counts.tolist(), strict=True):
            self.counts[found[code]] += count
            self.first.setdefault(found[code], self.rows + row)
        if missing.any() and self.first_missing is None:
            self.first_missing = self.rows + int(missing.argmax())
        self.rows += len(indices)
        self.missing += int(np.count_nonzero(missing))
        return missing


@dataclass
class Tally:
    """What was counted in a file."""

    columns: dict[str, Column]  # features: their values as they are
    categories: dict[str, Marks]  # features that are categories because the user says so
    label: Marks
    group: Marks | None
    rows: int = 0
    dropped: int = 0  # rows with a missing value, with missing=drop
    repeated: int | None = None  # lines that are equal to an earlier one; None: not counted

    @property
    def features(self) -> dict[str, Column | Marks]:
        """The counts of all features, by name."""
        return {**self.columns, **self.categories}

    @property
    def missing(self) -> dict[str, int]:
        """The columns with missing values, and how many each has."""
        return {name: column.missing for name, column in self.features.items() if column.missing}


def tally(path: Path, separator: str, used: Sequence[str], label: str, asked: Asked) -> Tally:
    """Counts what the columns `used`, the label and the group of a table have in them.

    Raises:
        UserError: a row is short or long, the file is not UTF-8, or a column has values that are no texts.
    """
    counted = Tally(
        {name: Column(name, asked.decimal) for name in used if name not in asked.category},
        {name: Marks(f"{path}: {show(name)}") for name in used if name in asked.category},
        Marks(f"{path}: {show(label)}"),
        Marks(f"{path}: {show(asked.group)}") if asked.group else None,
    )
    for batch in texts(path, separator, [*used, label, *([asked.group] if asked.group else [])]):
        missing: NDArray[np.bool_] = np.zeros(len(batch[label]), bool)
        for name, column in counted.features.items():
            missing |= column.add(batch[name])
        if counted.group is not None and asked.group is not None:
            missing |= counted.group.add(batch[asked.group])
        left_out = missing if asked.missing == "drop" else None
        missing |= counted.label.add(batch[label], left_out)
        counted.rows += len(missing)
        counted.dropped += int(np.count_nonzero(missing)) if asked.missing == "drop" else 0
    if not is_parquet(path):
        counted.repeated = _repeated(path, counted.rows)
    return counted


def _repeated(path: Path, rows: int) -> int | None:
    """How many lines are equal to an earlier one; None if lines are not rows, or too many to remember."""
    if rows > _MOST_LINES:
        return None
    with path.open("rb") as file:
        next(file, None)
        lines = (line.rstrip(b"\r\n") for line in file)
        digests = np.fromiter((hash(line) for line in lines if line), np.int64)
    return rows - len(np.unique(digests)) if len(digests) == rows else None
