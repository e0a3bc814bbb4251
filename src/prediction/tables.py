"""Examples in files of numbers: tables, as text, and arrays in .npy and IDX files; never pickle.

A table's header names its columns, in any order; other columns, such as a label, are ignored. Without a header there
are as many columns as features, in their order; images may have a label before or after them. A first line with a cell
that is not a number is a header. Cells are separated by commas, semicolons, tabs, bars or blanks.
"""

import contextlib
import csv
import io
import math
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
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
    lines = list(_lines(path, data, signature.count))
    if not lines:
        raise UserError(f"{path}: no lines")
    cells, names = lines[0].cells, list[str]()
    # Of images, the names may be numbers, as pandas gives them.
    numbered = signature.features is None and cells == [str(k) for k in range(len(cells))]
    if numbered or any(number(cell) is None for cell in cells):
        columns, width, names = _columns(lines.pop(0), signature), len(cells), cells
        if not lines:
            raise UserError(f"{path}: no line after the header")
    else:
        columns, width = _unnamed(lines, signature)
    for line in lines:
        if len(line.cells) != width:
            raise UserError(f"{line.place}: {len(line.cells)} columns; {width} are expected")
    if signature.features is None and len(columns) < width:
        unused = [(names and names[k]) or f"column {k + 1}" for k in range(width) if k not in columns]
        print(f"{path}: not used: {', '.join(unused[:_SHOWN])}", file=sys.stderr)
    x = np.empty((len(lines), signature.count))
    for row, line in enumerate(lines):
        x[row] = _values(line, columns, signature)
    return RawExamples([line.place for line in lines], x)


def read_array(path: Path, data: bytes, signature: Signature) -> RawExamples:
    """The examples of a .npy file: see `of_array`."""
    return of_array(path, _array(path, data), signature)


def of_array(path: Path, array: NDArray[Any], signature: Signature) -> RawExamples:
    """The examples of an array: [features], [n, features], or images [height, width], [n, height, width].

    Images may have one channel, [n, 1, height, width] or [..., height, width, 1], and be of truth values.

    Raises:
        UserError: it does not hold numbers, or its shape does not fit the model.
    """
    image, largest = signature.image, signature.largest
    if array.dtype.kind not in ("uifb" if largest is not None else "uif"):
        raise UserError(f"{path}: its dtype is {array.dtype}; integers or floats are expected")
    shape = array.shape
    if image is not None and shape[-3:] == (*image, 1):
        shape = shape[:-1]
    elif image is not None and len(shape) == 4 and shape[1] == 1:
        shape = (shape[0], *shape[2:])
    one = image if image is not None and shape[-2:] == image else (signature.count,)
    if shape[-len(one) :] != one or len(shape) - len(one) not in (0, 1) or not array.size:
        allowed = [f"[{signature.count}]", f"[n, {signature.count}]"]
        if image is not None:
            height, width = image
            allowed += [f"[{height}, {width}]", f"[n, {height}, {width}]"]
        raise UserError(f"{path}: its shape is {list(array.shape)}; this model takes {', '.join(allowed)}")
    x = array.reshape(-1, signature.count).astype(np.float64)
    if array.dtype.kind == "b" and largest is not None:
        x *= largest
    alone = len(shape) == len(one)
    return RawExamples([str(path)] if alone else [f"{path}[{row}]" for row in range(len(x))], x)


def number(text: str) -> float | None:
    """A number as people write it, or None. `nan` and `inf` are numbers here; they are rejected later, by name."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _lines(path: Path, data: bytes, count: int) -> Iterator[Line]:
    """The lines that are not blank, of a table of so many features."""
    try:
        text = data.decode("utf-8-sig")  # some programs begin a file with a mark
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error})") from None
    text = text.removeprefix("# ")  # as NumPy begins a header
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = next((mark for mark in ("\t", ";", "|", ",") if mark in first.strip()), " " if count > 1 else ",")
    if separator == " ":
        text = re.sub("[ \t]+$", "", text, flags=re.MULTILINE)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if cells in ([], [""]):
                continue
            if not any(cells):
                raise UserError(f"{path}:{reader.line_num}: all cells are empty; remove this line")
            yield Line(f"{path}:{reader.line_num}", cells)
    except csv.Error as error:
        raise UserError(f"{path}:{reader.line_num}: not comma-separated values ({error})") from None


def _columns(header: Line, signature: Signature) -> list[int]:
    """The column of each feature."""
    if signature.features is None:
        # Pixels are numbered, as in pixel0 or 1x1, and programs that sort by name sort them as pixel0, pixel1, pixel10.
        numbers = {k: [*map(int, re.findall(r"\d+", cell))] for k, cell in enumerate(header.cells)}
        numbered = sorted((k for k in numbers if numbers[k]), key=numbers.__getitem__)
        if len(numbered) == signature.count:
            return numbered
        raise UserError(
            f"{header.place}: {_listed(header.cells)} are not numbers; the values of this model have no names: "
            f"it takes {signature.count} columns without a header, or with numbers in their names"
        )
    for name in signature.features:
        if (count := header.cells.count(name)) != 1:
            there = f"{count} columns named {name}" if count else f"no column named {name}"
            raise UserError(
                f"{header.place}: {there}, among {_listed(header.cells)}; this model takes {signature.words}"
            )
    return [header.cells.index(name) for name in signature.features]


def _unnamed(lines: Sequence[Line], signature: Signature) -> tuple[list[int], int]:
    """The column of each feature in lines without a header, where images may have a label in front or at the end.

    Also the number of columns.
    """
    count, labels = signature.count, {*signature.labels}
    if signature.image is not None and len(lines[0].cells) == count + 1:
        first, last = ({line.cells[end] for line in lines if line.cells} for end in (0, -1))
        if first <= labels and len(first) >= len(last):  # a corner that is always blank could be a label, too
            return list(range(1, count + 1)), count + 1
        if last <= labels:
            return list(range(count)), count + 1
    return list(range(count)), count


def _values(line: Line, columns: Sequence[int], signature: Signature) -> list[float]:
    cells = [line.cells[column] for column in columns]
    if "_" not in "".join(cells):  # quick, for Kaggle's 22 million pixels
        with contextlib.suppress(ValueError):
            return [*map(float, cells)]
    k = next(k for k, cell in enumerate(cells) if number(cell) is None)
    point = "; the decimal mark is a point" if number(cells[k].replace(",", ".")) is not None else ""
    column = f"column {columns[k] + 1}, {signature.value(k)}"
    raise UserError(f"{line.place}: {column}: {_listed([cells[k]])} is not a number{point}")


def _listed(cells: list[str]) -> str:
    more = ", ..." if len(cells) > _SHOWN else ""
    return ", ".join(repr(textwrap.shorten(cell, 40)) for cell in cells[:_SHOWN]) + more


def _array(path: Path, data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    try:
        shape, fortran_order, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    except Exception as error:  # whatever NumPy's header parser raises
        raise UserError(f"{path}: not a .npy file of numbers ({type(error).__name__}: {error})") from None
    if dtype.kind not in "uifb":
        raise UserError(f"{path}: its dtype is {dtype}; integers or floats are expected")
    length = len(data) - file.tell()
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != length:
        raise UserError(f"{path}: damaged: {length} bytes of values do not make the shape {list(shape)} in its header")
    values = np.frombuffer(data, dtype, math.prod(shape), file.tell())
    return values.reshape(shape, order="F" if fortran_order else "C")
