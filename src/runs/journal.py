"""A run's journal: one line per evaluated epoch, its epoch record. Lines are only ever appended."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import write_text

EpochRecord = dict[str, Any]


class Journal:
    """Reads a journal: all of it at the first look, then what is new. A torn last line is not there yet."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._inode = 0
        self.rewind()

    def rewind(self) -> None:
        """Makes the next look start at the first line."""
        self._read = self._lines = 0  # bytes and lines
        self._epochs: list[int] = []  # the first two and the last two

    def new(self) -> list[EpochRecord]:
        """The epoch records since the last look; all of them if the file was replaced. Empty if there is no file.

        Raises `UserError` for a damaged line, or for epochs out of order. The next look continues after it.
        """
        try:
            opened = self._file.open("rb")
        except FileNotFoundError:
            return []
        with opened as journal:
            found = os.fstat(journal.fileno())
            if found.st_ino != self._inode or found.st_size < self._read:
                self._inode = found.st_ino
                self.rewind()
            journal.seek(self._read)
            whole, newline, _ = journal.read(found.st_size - self._read).rpartition(b"\n")
        self._read += len(whole) + len(newline)
        lines = whole.split(b"\n") if newline else []
        first = self._lines + 1
        self._lines += len(lines)
        return [self._record(number, line) for number, line in enumerate(lines, start=first)]

    def _record(self, number: int, line: bytes) -> EpochRecord:
        try:
            record: EpochRecord = json.loads(line)
            _check(record["epoch"], self._epochs)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise UserError(f"{self._file}: line {number} is damaged ({error})") from None
        self._epochs = [*self._epochs[:2], *self._epochs[2:][-1:], record["epoch"]]
        return record


def append(file: Path, epoch: Mapping[str, Any]) -> EpochRecord:
    """Adds an epoch, with the time; returns its record."""
    record = {**epoch, "time": time.time()}
    with file.open("a", encoding="utf-8") as journal:
        journal.write(_line(record))
    return record


def rewrite(file: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Replaces the journal by these records."""
    write_text(file, "".join(map(_line, records)))


def _check(epoch: Any, before: Sequence[int]) -> None:
    """Raises `ValueError` unless epochs are evenly spaced; only the last one may come early."""
    if type(epoch) is not int or epoch < 0:
        raise ValueError(f"its epoch is {epoch}")
    if before and epoch <= before[-1]:
        raise ValueError(f"epoch {epoch} follows {before[-1]}")
    if len(before) > 1:
        apart = before[0] or before[1]
        if before[-1] - before[-2] < apart:
            raise ValueError(f"epoch {epoch} follows {before[-1]}, which was the last")
        if epoch - before[-1] > apart:
            raise ValueError(f"epoch {epoch} follows {before[-1]}: there is a gap")


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"
