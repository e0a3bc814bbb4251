"""Which character separates the cells of a table."""

import csv
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from src.data.recipe import SEPARATORS
from src.foundation.errors import UserError

_SAMPLE = 1000  # rows

Rows = Sequence[Sequence[str]]  # their cells


def separator_of(path: Path) -> str:
    """The separator that gives each of the first rows equally many cells; of several, the one that gives the most.

    Raises:
        UserError: none gives more than one cell, or all rows have one more than the names of columns.
    """
    with path.open("rb") as file:
        if file.readline(16).removeprefix(b"\xef\xbb\xbf").startswith(b"sep="):
            raise UserError(f"{path}: its first line, sep=, is for a spreadsheet; remove it")
    samples = {}
    for separator in SEPARATORS:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                rows = [cells for cells in itertools.islice(csv.reader(file, delimiter=separator), _SAMPLE) if cells]
        except UnicodeDecodeError as error:
            convert = f"iconv -f WINDOWS-1252 -t UTF-8 {quote(str(path))} > {quote(f'{path.stem}-utf8{path.suffix}')}"
            raise UserError(
                f"{path}: not UTF-8: it has the byte 0x{error.object[error.start]:02x}; save it as UTF-8, or, "
                f"if it is from Windows: {convert}"
            ) from None
        except csv.Error:  # a cell of more than 131 072 characters
            continue
        samples[separator] = rows
    widths = {
        mark: (len({*map(len, rows)}) == 1, len(rows[0])) for mark, rows in samples.items() if rows and rows[0][1:]
    }
    if not widths:
        allowed = "names of columns, separated by , ; a tab, or |"
        raise UserError(f"{path}: its first line has one cell; allowed: {allowed}{_what_it_is(samples)}")
    best = max(widths, key=lambda separator: widths[separator])
    _refuse_another_width(path, samples[best])
    return best


def _what_it_is(samples: Mapping[str, Rows]) -> str:
    """What a file may be whose first line has one cell, as the end of a message."""
    if any(len(cells) > 1 for rows in samples.values() for cells in rows[1:3]):
        return "; remove titles and comments above it"
    lines = [re.findall(r'"[^"]*"|\S+', cells[0]) for cells in samples.get("|", ())]
    if lines[1:] and len(lines[0]) > 1 and {*map(len, lines[1:])} <= {len(lines[0]), len(lines[0]) + 1}:
        return "; with spaces between its cells, save it as CSV, in R by write.csv(..., row.names=FALSE)"
    return ""


def _refuse_another_width(path: Path, rows: Rows) -> None:
    """Raises `UserError` if each line ends with a separator, or only the rows have a first or a last cell more."""
    header, *others = rows
    wider = others and {*map(len, others)} == {len(header) + 1}
    if (
        others
        and {*map(len, others)} <= {len(header), len(header) + 1}
        and not any(cells[-1].strip() for cells in (*others, *(() if wider else (header,))))
    ):
        raise UserError(f"{path}: each line ends with one more separator; remove it there")
    if wider:
        raise UserError(
            f"{path}: each row has {len(header) + 1} cells, the first line {len(header)}; give each column a name. "
            "Names of rows in R: write without them, by row.names=FALSE"
        )
