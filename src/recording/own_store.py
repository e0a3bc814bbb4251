"""The repository's own store as files: a database, which goes along with a checkout that is moved, and artifacts."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from src.foundation.files import home

_LOCATIONS = (
    *(("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location")),
    *(("model_versions", "source"), ("model_versions", "storage_location")),
)


def own_store() -> Path:
    """The repository's own database."""
    return home() / "mlflow.db"


def own_artifacts() -> Path:
    """The folder for the artifacts of its runs."""
    return home() / "mlartifacts"


def opening(path: Path) -> FileLock:
    """The lock of a database that is being made, or changed as a whole."""
    return FileLock(path.with_name(f".{path.name}.lock"))


@contextlib.contextmanager
def writable(path: Path) -> Iterator[sqlite3.Connection]:
    """A database in a transaction that could write, and does not."""
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.rollback()


def former_places(path: Path) -> list[Path]:
    """Where the experiments of the repository's own database keep artifacts, if in an `mlartifacts/` elsewhere."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=20)) as database:
        found = database.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        places = [Path(unquote(urlsplit(str(location)).path)) for (location,) in found if location]
        return sorted({place for place in places if place.name == own_artifacts().name} - {own_artifacts()})
    return []


def bring_along(path: Path) -> None:
    """Has the database name the present folder wherever it names a former one. Hold `opening(path)`."""
    new = own_artifacts().as_uri()
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        database.execute("BEGIN IMMEDIATE")
        for old in (place.as_uri() for place in former_places(path)):
            for table, column in _LOCATIONS:
                if table in tables:
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                        (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                    )
        database.commit()
