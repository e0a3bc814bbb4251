"""Tables: CSV, TSV and Parquet files, read as streams by pyarrow.

pandas is not used: it shifts columns in silence where rows are long, and reads NA and short rows as missing.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.schema import show

_BLOCK = 1 << 20  # bytes that are parsed at a time; no row may be longer
_ROWS = 1 << 14  # of a Parquet file, at a time
_MAGIC = b"PAR1"


def names(path: Path, separator: str = ",") -> list[str]:
    """The names of a table's columns, in its order. Raises `UserError` for duplicates, and for a file without any."""
    if is_parquet(path):
        found = list(_parquet(path).schema_arrow.names)
    else:
        try:
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                found = next(csv.reader(file, delimiter=separator), [])
        except csv.Error as error:
            raise UserError(f"{path}: its first line can't be read ({error})") from None
        if any("\udc80" <= letter <= "\udcff" for name in found for letter in name):
            raise UserError(f"{path}: its first line is not UTF-8; save the file as UTF-8")
    if not any(found):
        raise UserError(f"{path}: an empty file, or an empty first line; the first line must have the names of columns")
    counts = Counter(found)
    for name in found:
        if not name or counts[name] > 1:
            reason = f"two columns are called {show(name)}" if name else f"column {found.index(name) + 1} has no name"
            index = " (pandas leaves its index without one: to_csv(..., index=False))" if not found[0] else ""
            raise UserError(f"{path}: {reason}; each column needs a name of its own{index}")
    return found


def texts(path: Path, separator: str, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Batches of a table, each a pyarrow array by name: of a CSV file, of texts; of a Parquet file, with its types.

    Raises:
        UserError: the file is not a table: a row is short or long, or it is not UTF-8.
    """
    import pyarrow as pa

    try:
        if is_parquet(path):
            batches: Any = _parquet(path).iter_batches(_ROWS, columns=list(wanted), use_threads=False)
        else:
            from pyarrow import csv as reader

            batches = reader.open_csv(
                path,
                read_options=reader.ReadOptions(use_threads=False, block_size=_BLOCK),
                parse_options=reader.ParseOptions(delimiter=separator, newlines_in_values=True),
                convert_options=reader.ConvertOptions(
                    column_types={name: pa.string() for name in wanted},
                    strings_can_be_null=False,
                    include_columns=list(wanted),
                ),
            )
        batch = None
        for batch in batches:
            yield dict(zip(batch.schema.names, batch.columns, strict=True))
        if batch is not None and not is_parquet(path) and not _is_closed(path, batch):
            raise UserError(f"{path}: a quotation mark is never closed, so the last cell has several lines")
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: {_explained(path, separator, str(error))}") from None


def place(path: Path, separator: str, row: int) -> str:
    """Where a row is, `row` from 0: its line in a CSV file, where a cell may have several lines."""
    line = None if is_parquet(path) else next(itertools.islice(lines(path, separator), row, None), None)
    return f"row {row + 1:,}" if line is None else f"line {line:,}"


def lines(path: Path, separator: str) -> Iterator[int]:
    """The line in which each row of a CSV file begins, from 1: empty lines are skipped, a cell may have several."""
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        next(reader, None)
        line = reader.line_num
        for cells in reader:
            if cells:
                yield line + 1
            line = reader.line_num


def _explained(path: Path, separator: str, error: str) -> str:
    """An error of pyarrow, in words of the file."""
    if found := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", error):
        where = place(path, separator, int(found[1]) - 2)
        return f"{where} has {found[3]} cells, the first line has {found[2]}; allowed: as many in each line"
    if found := re.search(r"In CSV column #(\d+): (?:Row #(\d+): )?.*invalid UTF8", error):
        where = f"{place(path, separator, int(found[2]) - 2)}: " if found[2] else ""
        return f"{where}it is not UTF-8; save the file as UTF-8"
    if "straddling" in error:
        return f"a row is longer than {_BLOCK:,} bytes; is a quotation mark never closed?"
    return error.partition("\n")[0]


def _is_closed(path: Path, batch: Any) -> bool:
    """Whether the last cell of a CSV file ends: one that was opened by a quotation mark reaches to the last byte."""
    last = [str(column[-1].as_py()) for column in batch.columns if len(column)]
    if not any(text.endswith("\n") for text in last):
        return True
    with path.open("rb") as file:
        file.seek(-1, io.SEEK_END)
        end = file.read()
        while end in b"\r\n" and file.tell() > 1:
            file.seek(-2, io.SEEK_CUR)
            end = file.read(1)
    return end == b'"'


def is_parquet(path: Path) -> bool:
    """Whether a file is a Parquet file, whatever its name: it starts with PAR1."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _parquet(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a valid Parquet file ({str(error).partition(chr(10))[0]})") from None
