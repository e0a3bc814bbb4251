"""A run's journal: a line an epoch, only ever added to, so that a line that stands is never another one later."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import write_text

Record = dict[str, Any]


def append(file: Path, epoch: Mapping[str, Any]) -> Record:
    """Adds an epoch, with the time; returns the record as it stands there."""
    record = {**epoch, "time": time.time()}
    with file.open("a", encoding="utf-8") as journal:
        journal.write(_line(record))
    return record


def read(file: Path) -> list[Record]:
    """The records so far; `UserError` for a damaged line. A last line that was left torn is not there yet."""
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    records: list[Record] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if type(record["epoch"]) is not int or record["epoch"] < 0:
                raise ValueError(f"it tells of epoch {record['epoch']}")
            if records and record["epoch"] <= records[-1]["epoch"]:
                raise ValueError(f"it tells of epoch {record['epoch']} after {records[-1]['epoch']}")
            if len(records) > 1 and records[-1]["epoch"] - records[-2]["epoch"] < _apart(records):
                raise ValueError(f"it tells of epoch {record['epoch']} after an end, that of {records[-1]['epoch']}")
            if len(records) > 1 and record["epoch"] - records[-1]["epoch"] > _apart(records):
                raise ValueError(f"it tells of epoch {record['epoch']} after {records[-1]['epoch']}: there is a gap")
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise UserError(f"{file}: line {number} is damaged ({error})") from None
        records.append(record)
    return records


def rewrite(file: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Puts whole lines in the place of whatever stands there."""
    write_text(file, "".join(map(_line, records)))


def _apart(records: list[Record]) -> int:
    """How far apart evaluations are; the last one may come early."""
    first: int = records[0]["epoch"]
    return first or int(records[1]["epoch"])


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"
