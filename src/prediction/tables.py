"""Examples in files of numbers: tables of comma-separated values, and arrays in .npy files; never pickle.

A table's header names its columns, in any order; other columns, such as a label, are ignored. Without a header there
are as many columns as features, in their order. A first line with a cell that is not a number is a header.
"""

import csv
import io
import math
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError
from src.prediction.signature import RawExamples, Signature

_SHOWN = 5
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class Line(NamedTuple):
    """A line of a table."""

    place: str  # "points.csv:2"
    cells: list[str]


def read_table(path: Path, data: bytes, signature: Signature) -> RawExamples:
    """The examples of a table, one per line; `UserError` names file, line and column of a mistake."""
    lines = list(_lines(path, data))
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


def read_array(path: Path, data: bytes, signature: Signature) -> RawExamples:
    """The examples of an array: [features], [n, features], or images [height, width], [n, height, width].

    Raises:
        UserError: it does not hold numbers, or its shape does not fit the model.
    """
    array = _array(path, data)
    one = signature.image if signature.image is not None and array.shape[-2:] == signature.image else (signature.count,)
    if array.shape[-len(one) :] != one or array.ndim - len(one) not in (0, 1) or not array.size:
        allowed = [f"[{signature.count}]", f"[n, {signature.count}]"]
        if signature.image is not None:
            height, width = signature.image
            allowed += [f"[{height}, {width}]", f"[n, {height}, {width}]"]
        raise UserError(f"{path}: its shape is {list(array.shape)}; this model takes {', '.join(allowed)}")
    x = array.reshape(-1, signature.count)
    alone = array.ndim == len(one)
    return RawExamples([str(path)] if alone else [f"{path}[{row}]" for row in range(len(x))], x.astype(np.float64))


def number(text: str) -> float | None:
    """A number as people write it, or None. `nan` and `inf` are numbers here; they are rejected later, by name."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _lines(path: Path, data: bytes) -> Iterator[Line]:
    """The lines that are not blank."""
    try:
        text = data.decode("utf-8-sig")  # some programs begin a file with a mark
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


def _array(path: Path, data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    try:
        shape, fortran_order, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # whatever NumPy's header parser raises
        raise UserError(f"{path}: not a .npy file of numbers ({type(error).__name__}: {error})") from None
    if dtype.kind not in "uif":
        raise UserError(f"{path}: its dtype is {dtype}; integers or floats are expected")
    length = len(data) - file.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != length:
        raise UserError(f"{path}: damaged: {length} bytes of values do not make the shape {list(shape)} in its header")
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return values.reshape(shape, order="F" if fortran_order else "C")
