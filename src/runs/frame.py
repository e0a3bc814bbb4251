"""Runs as a pandas DataFrame, for notebooks: `from src.runs.frame import runs_frame`."""

from typing import Any

from src.runs.listing import meeting, rows


def runs_frame(where: str | None = None) -> Any:
    """A `pandas.DataFrame` with a line for each run, newest first, indexed by its id.

    Columns are named as in `python -m src.runs --columns '?'`: `model.act`, `test/accuracy`, `seconds`. Accuracies are
    fractions; `started` and `ended` are times with the zone UTC. What a run lacks is missing (None, NaN or NaT).

    where: a condition, as of `python -m src.runs --where`; None: all runs.

    Raises:
        UserError: the condition can't be read, or names no column.
    """
    import pandas as pd  # takes a second

    found = meeting(rows(), where)
    frame = pd.DataFrame(found, columns=list(dict.fromkeys(name for row in found for name in row)) or ["id"])
    for name in frame.columns.intersection(["started", "ended"]):
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame.set_index("id")
