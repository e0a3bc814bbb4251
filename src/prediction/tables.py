"""Examples in a table of comma-separated values.

With a header, the features' columns are found by name, in any order; other columns, such as a label, are ignored.
Without one there are as many columns as features, in their order. A first line with a cell that is not a number is a
header.
"""

import csv
import io
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.foundation.errors import UserError
from src.prediction.raw import RawExamples, content, number
from src.prediction.signature import Signature

LARGEST_FILE = 32 << 20  # bytes
_SHOWN = 5


class Line(NamedTuple):
    """A line of a table."""

    place: str  # "points.csv:2"
    cells: list[str]


def read_table(path: Path, signature: Signature) -> RawExamples:
    """The examples of a table, one per line; `UserError` names file, line and column of a mistake."""
    lines = list(_lines(path))
    if not lines:
        raise UserError(f"{path}: no lines")
    columns, width = list(range(signature.count)), signature.count
    if any(number(cell) is None for cell in lines[0].cells):
        header = lines.pop(0)
        columns, width = _columns(header, signature), len(header.cells)
        if not lines:
            raise UserError(f"{path}: no line after the header")
    for line in lines:
        if len(line.cells) != width:
            raise UserError(f"{line.place}: {len(line.cells)} columns; {width} are expected")
    rows = [[_value(line, column, signature.value(k)) for k, column in enumerate(columns)] for line in lines]
    return RawExamples([line.place for line in lines], np.array(rows, np.float64))


def _lines(path: Path) -> Iterator[Line]:
    """The lines that are not blank."""
    try:
        text = content(path, LARGEST_FILE).decode("utf-8-sig")  # some programs begin a file with a mark
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error})") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield Line(f"{path}:{reader.line_num}", [cell.strip() for cell in cells])
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not comma-separated values ({error})") from None


def _columns(header: Line, signature: Signature) -> list[int]:
    """The column of each feature."""
    if signature.features is None:
        raise UserError(
            f"{header.place}: {_listed(header.cells)} are not numbers; the values of this model have no names: "
            f"it takes {signature.count} columns without a header"
        )
    for name in signature.features:
        if (count := header.cells.count(name)) != 1:
            there = f"{count} columns named {name}" if count else f"no column named {name}"
            raise UserError(
                f"{header.place}: {there}, among {_listed(header.cells)}; this model takes {signature.words}"
            )
    return [header.cells.index(name) for name in signature.features]


def _value(line: Line, column: int, name: str) -> float:
    if (value := number(line.cells[column])) is None:
        raise UserError(f"{line.place}: column {column + 1}, {name}: {_listed([line.cells[column]])} is not a number")
    return value


def _listed(cells: list[str]) -> str:
    more = ", ..." if len(cells) > _SHOWN else ""
    return ", ".join(repr(textwrap.shorten(cell, 40)) for cell in cells[:_SHOWN]) + more
