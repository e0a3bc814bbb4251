"""Checks of MLflow, which are read-only: its database is incomplete or damaged, or it lacks runs."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from src.foundation.errors import RunFailed
from src.foundation.locks import is_free
from src.health.finding import Finding, owned, repair
from src.recording.outbox import Outbox
from src.recording.own_store import bring_along, former_places, own_store

_NAME = "mlflow.db"
_ADVICE = f"restore a backup; or move {_NAME} away, and `python -m src.sync --all` fills a new one"


def half_made_store(root: Path) -> Iterator[Finding]:
    """An MLflow database that is damaged, or whose creation was interrupted, so that it never opens."""
    path = root / f".{_NAME}.lock"
    if not is_free(path):  # it is being created
        return
    for left in sorted(root.glob(f".{_NAME}.init*")):
        lock = owned(path, f"another process that is creating {left}")
        mend = partial(repair, lock, left.exists, left.unlink)
        yield Finding("left by an interrupted first opening", left, mend, "removed")
    file = root / _NAME
    if not file.exists():
        return
    if _holds_nothing(file):
        lock = owned(path, f"another process that is opening {file}")
        mend = partial(repair, lock, partial(_holds_nothing, file), partial(_put_aside, file))
        advice = f"moved to {_aside(file).name}; created again when it is used"
        yield Finding("incomplete, and without runs", file, mend, advice)
    elif reason := _damage(file):
        yield Finding(f"damaged: {reason}", file, None, _ADVICE)


def moved_store(root: Path) -> Iterator[Finding]:
    """An MLflow database that names the folder where the checkout was, before it was moved or copied."""
    path = root / _NAME
    if path.exists() and path == own_store() and is_free(root / f".{_NAME}.lock") and (places := former_places(path)):
        lock = owned(root / f".{_NAME}.lock", f"another process that is opening {path}")
        mend = partial(repair, lock, partial(former_places, path), partial(bring_along, path))
        yield Finding(f"it names {places[0]}", path, mend, "it names this checkout's mlartifacts/")


def unrecorded_runs(root: Path) -> Iterator[Finding]:
    """Runs that MLflow may lack, and that no living command is recording."""
    folder = root / "runs" / ".records"
    if not folder.is_dir():
        return
    # A run that has outlived the command that recorded it is recorded when it has ended.
    if lacking := [entry for entry in Outbox().orphans() if entry.idle()]:
        names = ", ".join(entry.name for entry in lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        what = f"MLflow may lack {len(lacking)} run{'s'[: len(lacking) != 1]} ({names})"
        yield Finding(what, folder, _sync, "recorded, as by `python -m src.sync`")


def _holds_nothing(file: Path) -> bool:
    """Whether the file is empty, or a database without runs whose creation was interrupted."""
    if file.stat().st_size == 0:
        return not _journals(file)
    try:
        with contextlib.closing(_opened(file)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            migrated = "alembic_version" in tables and database.execute("SELECT 1 FROM alembic_version").fetchone()
            return not migrated and not ("runs" in tables and database.execute("SELECT 1 FROM runs").fetchone())
    except sqlite3.Error:
        return False


def _damage(file: Path) -> str:
    try:
        with contextlib.closing(_opened(file)) as database:
            found = [text for (text,) in database.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError:  # another process is writing, or SQLite will roll back a transaction
        return ""
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == ["ok"] else " ".join("; ".join(found).split())[:200]


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)


def _journals(file: Path) -> list[Path]:
    beside = (file.with_name(file.name + suffix) for suffix in ("-journal", "-wal", "-shm"))
    return [journal for journal in beside if journal.exists()]


def _aside(file: Path) -> Path:
    names = (file.with_name(f"{file.name}.damaged-{number}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def _put_aside(file: Path) -> None:
    aside = _aside(file)
    for journal in _journals(file):
        journal.rename(journal.with_name(aside.name + journal.name.removeprefix(file.name)))
    file.rename(aside)


def _sync() -> None:
    from src.recording.outbox_mirror import sync

    if failures := sync(everything=False).failures:
        raise RunFailed("; ".join(failures))
