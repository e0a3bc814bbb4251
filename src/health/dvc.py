"""DVC's own files. It rewrites them in place, so that `kill -9` can leave half of one, which then stops every repro."""

import itertools
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from src.foundation.errors import UserError
from src.foundation.files import read_capped, write_json
from src.foundation.locks import is_free
from src.health.finding import Finding, owned, repair

_LARGEST = 16 << 20  # bytes
_RWLOCKS = (".dvc/tmp/rwlock", ".dvc/tmp/exps/rwlock")


def stale_locks(root: Path) -> Iterator[Finding]:
    """DVC's table of who reads and writes what: damaged, or with entries of dead processes."""
    for file in (root / name for name in _RWLOCKS):
        if not file.exists() or not is_free(_guard(file)):
            continue
        mend, table = partial(_mend_table, file), _table(file)
        if table is None:
            yield Finding("damaged, so no `dvc repro` starts", file, mend, "replaced by a new one")
            continue
        entries = [*table["write"].values(), *itertools.chain(*table["read"].values())]
        if gone := {entry["pid"] for entry in entries if not _lives(entry)}:
            who = "process " + ", ".join(map(str, sorted(gone)))
            yield Finding(f"it has entries of {who}, gone", file, mend, "entries removed")


def torn_lockfile(root: Path) -> Iterator[Finding]:
    """A dvc.lock that was cut off while DVC wrote it."""
    file, lock = root / "dvc.lock", root / ".dvc/tmp/lock"
    # While `dvc` works, it may be writing the file.
    if file.exists() and is_free(lock) and (reason := _torn(file)):
        if b"<<<<<<< " in read_capped(file, _LARGEST):
            yield Finding("it has merge conflicts", file, None, "`git checkout --theirs dvc.lock`, then `dvc repro`")
            return
        mend = partial(repair, owned(lock, f"DVC, which works in {root}"), partial(_torn, file), file.unlink)
        advice = "removed; `dvc repro` writes a new one, with outs from its cache"
        yield Finding(f"damaged: {reason}", file, mend, advice)


def _guard(file: Path) -> Path:
    return file.with_name("rwlock.lock")  # which DVC holds while it reads and writes the table


def _table(file: Path) -> dict[str, Any] | None:
    """The table as DVC's schema has it; None for anything else, which DVC rejects."""
    from dvc.rwlock import SCHEMA
    from voluptuous import Invalid

    try:
        table: dict[str, Any] = SCHEMA(json.loads(read_capped(file, _LARGEST)))
    except (UserError, ValueError, RecursionError, Invalid):
        return None
    return table


def _lives(entry: Mapping[str, Any]) -> bool:
    """Whether the process exists. DVC checks only its number, which another process may have by now."""
    try:
        command = " ".join(psutil.Process(entry["pid"]).cmdline())
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True
    _, _, arguments = entry["cmd"].partition(" ")
    return "dvc" in command and command.endswith(arguments)


def _mend_table(file: Path) -> None:
    with owned(_guard(file), f"DVC, which is writing {file}"):
        table = _table(file) or {"write": {}, "read": {}}
        write = {path: entry for path, entry in table["write"].items() if _lives(entry)}
        read = {path: list(filter(_lives, entries)) for path, entries in table["read"].items()}
        write_json(file, {"write": write, "read": {path: alive for path, alive in read.items() if alive}})


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
        # DVC treats an entry without a digest as changed; one with half the name of a hash is an error.
        if any(entry.get("hash", "md5") != "md5" for entry in [*stage.get("deps", []), *stage.get("outs", [])]):
            return f"it breaks off within the stage {name}"
    return ""
