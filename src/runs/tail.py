"""Reads what is new in a run's journal, and not again what was read before."""

import json
import os
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError


class Tail:
    """The lines that were added to a journal since the last look; all of them where it was made anew."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0  # bytes
        self._inode = 0

    def rewind(self) -> None:
        """Has the next look start at the beginning."""
        self._read = 0

    def new(self) -> list[dict[str, Any]]:
        """The epochs that are new, but for a line that is still being written; `UserError` for a damaged one."""
        try:
            opened = self._file.open("rb")
        except FileNotFoundError:
            return []
        with opened as journal:
            there = os.fstat(journal.fileno())
            if there.st_ino != self._inode or there.st_size < self._read:
                self._inode, self._read = there.st_ino, 0
            journal.seek(self._read)
            whole = journal.read(there.st_size - self._read).rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise UserError(f"{self._file}: damaged ({error})") from None
