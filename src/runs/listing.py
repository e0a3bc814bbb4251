"""All runs of this repository as rows of one table, read from their folders. There is no index that could be stale."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path

from src.config.changes import remembered
from src.config.groups import choices
from src.foundation.errors import UserError
from src.foundation.files import read_capped
from src.foundation.locks import locked_if_free
from src.runs.annotations import read_annotations
from src.runs.cited import studies_by_run
from src.runs.described import described, differences
from src.runs.folder import RunFolder, runs_folder
from src.runs.summary import NOTES, SUMMARY, Row, configuration, summarized, write_summary
from src.runs.where import condition

# Of the table, unless others are asked for. They are known even if no run has one.
COLUMNS = (
    *("id", "name", "differs", "data", "status", "kept/epoch", "valid/accuracy", "test/accuracy", "seconds", "ended"),
)
_STATUSES = ("running", "finished", "failed", "killed", "damaged")
_LARGEST = 1 << 20  # bytes
_MANY = 200  # summaries that take a second or more to make


def rows() -> list[Row]:
    """A row for each run folder, newest first, as `summarized` makes them; `tags`, `note`, `studies`; what `differs`.

    What people noted is read from notes.json, and is none if that is damaged. `differs`: from the default, in words.

    Unfinished runs have fewer columns. Of a finished run only summary.json is read. It is written for one that lacks
    it, of an earlier version.

    Raises:
        UserError: `conf/` has an error, so that the default is not known.
    """
    found, made = list[Row](), 0
    for path in run_paths():
        if (row := _known(path)) is None:
            made += 1
            if made == _MANY:
                print("reading the configurations of many runs; the next time is quick", file=sys.stderr, flush=True)
            row = _made(path)
        if row:
            row.update(_noted(path))
            found.append(row)
    studies = studies_by_run()
    with remembered(runs_folder() / ".defaults.json"):
        for row in found:
            row["studies"] = studies.get(row["id"], [])
            if "data.name" in row:  # else its configuration is damaged
                row["differs"] = described(differences(configuration(row)), without=("data", "seed"))
    return sorted(found, key=lambda row: (row.get("ended", ""), row["id"]), reverse=True)


def columns(found: Sequence[Row]) -> list[str]:
    """The names of all columns that rows have, and of those that a table shows."""
    return [*dict.fromkeys(chain(COLUMNS, *dict.fromkeys(map(tuple, found))))]  # most rows have the same ones


def meeting(found: Sequence[Row], where: str | None) -> list[Row]:
    """The rows that meet a condition; all of them without one.

    Raises:
        UserError: the condition can't be read, names no column, or compares one with what it can't be.
    """
    if where is None:
        return [*found]

    def possible(name: str, text: str) -> Collection[str]:
        """The texts that a column can have, where they are listed, unless `text` is one of them."""
        there = {row[name] for row in found if isinstance(row.get(name), str)}
        if text in there:
            return ()
        listed: Collection[str] = _STATUSES if name == "status" else choices(name.removesuffix(".name"))
        if not listed:
            from src.config.reference import keys  # late: it imports all that can be configured

            listed = keys()[name].names if name in keys() else ()
        return {*listed, *there} if listed and text not in listed else ()

    return [*filter(condition(where, columns(found), possible), found)]


def run_paths() -> Iterator[Path]:
    """The paths of all run folders."""
    with contextlib.suppress(FileNotFoundError), os.scandir(runs_folder()) as entries:
        for entry in entries:
            if re.fullmatch("[0-9a-f]{64}", entry.name) and entry.is_dir():
                yield Path(entry.path)


def _noted(path: Path) -> Row:
    if os.path.exists(f"{path}/{NOTES}"):  # few runs have it
        with contextlib.suppress(UserError, OSError):
            noted = read_annotations(path)
            return {"tags": noted.words(), "note": noted.note}
    return {"tags": [], "note": None}


def _known(path: Path) -> Row | None:
    """The row in a summary; None if there is no whole one."""
    try:
        row = json.loads(read_capped(path / SUMMARY, _LARGEST))
        if isinstance(row, dict) and row.get("id") == path.name:
            return row
    except (OSError, ValueError, UserError):  # not there, or damaged
        pass
    return None


def _made(path: Path) -> Row | None:
    """A row from the files of a run; its summary is written, if it has finished."""
    folder, status = RunFolder(path), None
    with contextlib.suppress(UserError, OSError):
        status = folder.living_status()
        if not status:
            return None  # emptied for another attempt at this moment, or what a killed process had begun
        if status.get("status") == "finished":
            with locked_if_free(path / "lock") as free:  # or it may be trained again just now
                if free and folder.finished():
                    return write_summary(path)
    return summarized(path)
