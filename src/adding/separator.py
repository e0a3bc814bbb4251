"""Which character separates the cells of a table."""

import csv
import itertools
from pathlib import Path

from src.foundation.errors import UserError

_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE = 1000  # rows


def separator_of(path: Path) -> str:
    """The separator that gives each of the first rows equally many cells; of several, the one that gives the most.

    Raises:
        UserError: none gives more than one cell.
    """
    with path.open("rb") as file:
        if file.readline(16).removeprefix(b"\xef\xbb\xbf").startswith(b"sep="):
            raise UserError(f"{path}: its first line, sep=, is for a spreadsheet; remove it")
    widths = {}
    for separator in _SEPARATORS:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                first = itertools.islice(csv.reader(file, delimiter=separator), _SAMPLE)
                rows = [len(cells) for cells in first if cells]
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not UTF-8 ({error}); save it as UTF-8") from None
        except csv.Error:  # a cell of more than 131 072 characters
            continue
        if rows and rows[0] > 1:
            widths[separator] = (len({*rows}) == 1, rows[0])
    if not widths:
        raise UserError(f"{path}: its first line has one cell; allowed: names of columns, separated by , ; a tab, or |")
    return max(widths, key=lambda separator: widths[separator])
