"""runs/.intact.jsonl: the runs whose files are known to be whole, so that the doctor need not read them again.

A run adds a line for itself when it has finished; `python -m src.doctor` adds those that it has read, and leaves out
what no longer holds. A line has the run's fingerprint; its version, which differs as soon as the size, time or inode of
one of its files does, or the code; and whether this code would reuse it. A line that was torn counts for nothing.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from src.foundation.errors import UserError
from src.foundation.files import read_capped, sha256, write_text

_FILE = ".intact.jsonl"
_LARGEST = 1 << 30  # bytes: millions of runs
FILES = (
    *("status.json", "run.json", "config.yaml", "result.json", "timing.json", "history.csv", "journal.jsonl"),
    *("model.npz", "predictions.npz", "start.npz"),
)


class Intact(NamedTuple):
    """What is known of a run whose files are whole."""

    version: str
    reused: bool  # whether this code would reuse it


def version(run: Path) -> str:
    """What differs as soon as one of the files in a run folder does, or the code that computes."""
    from src.runs.fingerprint import code_digest

    files: list[tuple[str, int, int, int]] = []
    for name in FILES:
        with contextlib.suppress(FileNotFoundError):
            there = os.stat(run / name)
            files.append((name, there.st_size, there.st_mtime_ns, there.st_ino))
    return sha256(f"{code_digest()} {files}".encode())


def note(runs: Path, run: Path) -> None:
    """Adds a run that has just been written, under its lock, by this code, if it is in the folder of all runs.

    It is left out where the disk is full, or its files can't be looked at: that must not fail a run that has finished.
    """
    if run.parent != runs:
        return
    with contextlib.suppress(OSError):
        line = _line(run.name, Intact(version(run), True)).encode()
        file = os.open(runs / _FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(file, line)  # in one piece, beside other processes
        finally:
            os.close(file)


def read(runs: Path) -> dict[str, Intact]:
    """What is known of the runs in a folder, by fingerprint; of what can't be read, nothing."""
    known = {}
    with contextlib.suppress(OSError, UserError):
        for line in read_capped(runs / _FILE, _LARGEST).splitlines():
            with contextlib.suppress(ValueError, RecursionError):
                match json.loads(line):
                    case [str(name), str(at), bool(reused)]:
                        known[name] = Intact(at, reused)
    return known


def write(runs: Path, known: Mapping[str, Intact]) -> None:
    """Replaces what is known. On a disk that is full, or can only be read, it stays as it was."""
    with contextlib.suppress(OSError):
        write_text(runs / _FILE, "".join(_line(name, intact) for name, intact in known.items()))


def _line(name: str, intact: Intact) -> str:
    return json.dumps([name, *intact]) + "\n"
