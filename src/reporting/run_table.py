"""The table of runs that `python -m src.runs` prints."""

import datetime
from collections.abc import Sequence
from typing import Any

from src.foundation.schema import written
from src.reporting.tables import plain_table
from src.runs.metric import SETS, Metric
from src.runs.summary import Row

_HEADS = {"kept/epoch": "epoch", "valid/accuracy": "valid", "test/accuracy": "test"}  # a table is as wide as a screen
_WIDTHS = {"name": 22, "data": 12}  # characters, at most
_DIGITS = 8
_NARROWEST, _WIDEST = 16, 60  # of the column that gets what is left
_FILLS = "differs"


def run_table(rows: Sequence[Row], columns: Sequence[str], width: int) -> str:
    """Rows as a table of `width` characters, if that is possible."""
    heads = [_HEADS.get(name, name) for name in columns]
    lines = [heads, *([_shown(row.get(name), name) for name in columns] for row in rows)]
    limits = [_WIDTHS.get(name, _WIDEST) for name in columns]
    sizes = [min(max(map(len, cells)), limit) for cells, limit in zip(zip(*lines, strict=True), limits, strict=True)]
    if _FILLS in columns:
        place = columns.index(_FILLS)
        limits[place] = min(max(width - sum(sizes) - 2 * len(sizes) + 2 + sizes[place], _NARROWEST), _WIDEST)
    cut = [
        [_cut(cell, name, limit) for cell, name, limit in zip(line, columns, limits, strict=True)] for line in lines[1:]
    ]
    return plain_table(heads, cut, _WIDEST)


def ordered(rows: Sequence[Row], column: str, backwards: bool = False) -> list[Row]:
    """Rows by a column: metrics best first, all else ascending; or the other way round. Those without it come last.

    Numbers come before texts, where a column has both.
    """
    metric = Metric(column)
    best_first = metric.part in (*SETS, "unit") and not metric.is_loss
    known = [row for row in rows if row.get(column) is not None]
    keyed = sorted(known, key=lambda row: _sort_key(row[column]), reverse=best_first != backwards)
    return keyed + [row for row in rows if row.get(column) is None]


def _sort_key(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "-"
    if name == "id":  # its beginning is an id, too
        return str(value)[:_DIGITS]
    if isinstance(value, float) and Metric(name).quantity.startswith("accuracy"):
        return f"{value:.2%}"
    if name in ("started", "ended"):
        return _when(datetime.datetime.fromisoformat(value).astimezone())
    if name.endswith("seconds"):
        return f"{value:.1f}"
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else written(value)


def _cut(cell: str, name: str, limit: int) -> str:
    end = f" {cell.rpartition(' ')[2]}" if name == "name" else ""  # a name ends with the seed
    return cell if len(cell) <= limit or len(end) >= limit else f"{cell[: limit - 1 - len(end)]}…{end}"


def _when(time: datetime.datetime) -> str:
    recent = datetime.datetime.now(datetime.UTC) - time < datetime.timedelta(days=300)
    return time.strftime("%m-%d %H:%M" if recent else "%Y-%m-%d")
