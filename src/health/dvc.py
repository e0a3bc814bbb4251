"""DVC's own files. It rewrites them in place, so that `kill -9` can leave half of one, which then stops every repro."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from src.foundation.errors import UserError
from src.foundation.files import read_capped, write_json
from src.foundation.locks import is_free, locked
from src.health.finding import Finding

Table = dict[str, dict[str, Any]]
_LARGEST = 16 << 20  # bytes
_RWLOCKS = (".dvc/tmp/rwlock", ".dvc/tmp/exps/rwlock")


def stale_locks(root: Path) -> Iterator[Finding]:
    """DVC's table of who reads and writes what: damaged, or with entries of processes that are gone."""
    for file in (root / name for name in _RWLOCKS):
        if not file.exists() or not is_free(_guard(file)):
            continue
        table = _table(file)
        if table is None:
            yield Finding("damaged, so that no `dvc repro` starts", file, partial(_mend_table, file), "made anew")
        elif gone := {entry["pid"] for _, _, entry in _entries(table) if not _lives(entry)}:
            who = "process " + ", ".join(map(str, sorted(gone)))
            yield Finding(f"it has entries of {who}, gone", file, partial(_mend_table, file), "entries removed")


def torn_lockfile(root: Path) -> Iterator[Finding]:
    """A dvc.lock that was cut off while DVC wrote it."""
    file = root / "dvc.lock"
    # While `dvc` works, it may be at writing the file.
    if file.exists() and is_free(root / ".dvc/tmp/lock") and (reason := _torn(file)):
        if b"<<<<<<< " in read_capped(file, _LARGEST):
            yield Finding("two branches meet in it", file, None, "`git checkout --theirs dvc.lock`, then `dvc repro`")
            return
        advice = "removed; `dvc repro` writes it anew, with outs from its cache"
        yield Finding(f"damaged: {reason}", file, partial(_remove_lockfile, root), advice)


def _guard(file: Path) -> Path:
    return file.with_name("rwlock.lock")  # which DVC holds while it reads and writes the table


def _table(file: Path) -> Table | None:
    """The table as DVC's schema has it; None for anything else, which DVC refuses."""
    try:
        table: Table = json.loads(read_capped(file, _LARGEST))
        whole = table.keys() <= {"read", "write"} and all(map(_is_entry, _entries(table)))
    except (UserError, ValueError, AttributeError, TypeError, RecursionError):
        return None
    return table if whole else None


def _entries(table: Table) -> Iterator[tuple[str, str, Any]]:
    """Each entry, with its mode and its path."""
    yield from (("write", path, entry) for path, entry in table.get("write", {}).items())
    yield from (("read", path, entry) for path, entries in table.get("read", {}).items() for entry in entries)


def _is_entry(found: tuple[str, str, Any]) -> bool:
    match found[2]:
        case {"pid": int(), "cmd": str(), **more}:
            return not more
    return False


def _lives(entry: Mapping[str, Any]) -> bool:
    """Whether the process is there. DVC looks at its number alone, which another process may have by now."""
    try:
        command = " ".join(psutil.Process(entry["pid"]).cmdline())
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True
    _, _, arguments = entry["cmd"].partition(" ")
    return "dvc" in command and command.endswith(arguments)


def _mend_table(file: Path) -> None:
    with locked(_guard(file), lambda: f"DVC, which is writing {file}"):
        mended: Table = {"write": {}, "read": {}}
        for mode, path, entry in _entries(_table(file) or {}):
            if _lives(entry) and mode == "write":
                mended["write"][path] = entry
            elif _lives(entry):
                mended["read"].setdefault(path, []).append(entry)
        write_json(file, mended)


def _torn(file: Path) -> str:
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import parse_yaml
    from voluptuous import Invalid

    try:
        lockfile = COMPILED_LOCKFILE_SCHEMA(parse_yaml(read_capped(file, _LARGEST).decode(), file.name))
    except (UserError, UnicodeDecodeError, RecursionError, DvcException, Invalid) as error:
        return " ".join(str(error).split())[:100]
    for name, stage in lockfile.get("stages", {}).items():
        # An entry without a digest is one that has changed, to DVC; one with half the name of a hash is an error.
        if any(entry.get("hash", "md5") != "md5" for entry in [*stage.get("deps", []), *stage.get("outs", [])]):
            return f"it breaks off within the stage {name}"
    return ""


def _remove_lockfile(root: Path) -> None:
    with locked(root / ".dvc/tmp/lock", lambda: f"DVC, which works in {root}"):
        if _torn(root / "dvc.lock"):
            (root / "dvc.lock").unlink()
