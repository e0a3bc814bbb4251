"""The MLflow database of the checkout, looked at and never written: what its first opening left half made, damage."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from src.foundation.locks import is_free, locked
from src.health.finding import Finding

_NAME = "mlflow.db"
_ADVICE = f"put a backup in its place; or move {_NAME} away, and `python -m src.sync --all` fills a new one"


def half_made_store(root: Path) -> Iterator[Finding]:
    """An MLflow database whose making was cut off, so that it never opens; or one that is damaged."""
    lock = root / f".{_NAME}.lock"
    if not is_free(lock):  # it is being made
        return
    for file in sorted(root.glob(f".{_NAME}.init*")):
        yield Finding("left by a first opening that was cut off", file, partial(_remove, lock, file), "removed")
    file = root / _NAME
    if not file.exists():
        return
    if _holds_nothing(file):
        advice = f"put aside as {_aside(file).name}; made anew when it is used"
        yield Finding("half made, and without a run", file, partial(_put_aside, lock, file), advice)
    elif reason := _damage(file):
        yield Finding(f"damaged: {reason}", file, None, _ADVICE)


def _holds_nothing(file: Path) -> bool:
    """Whether the file is empty, or a database that MLflow had not yet finished when it was cut off, with no run."""
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
    except sqlite3.OperationalError:  # another process writes, or SQLite has a transaction to undo: it will
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


def _put_aside(lock: Path, file: Path) -> None:
    with locked(lock, lambda: f"another process, which opens {file}"):
        if _holds_nothing(file):
            aside = _aside(file)
            for journal in _journals(file):
                journal.rename(journal.with_name(aside.name + journal.name.removeprefix(file.name)))
            file.rename(aside)


def _remove(lock: Path, file: Path) -> None:
    with locked(lock, lambda: f"another process, which makes {file}"):
        file.unlink(missing_ok=True)
