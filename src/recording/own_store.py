"""The repository's own store as files: a database, which goes along with a checkout that is moved, and artifacts."""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

from src.foundation.files import home
from src.foundation.kernel_lock import KernelLock, kernel_lock

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


def opening(path: Path) -> KernelLock:
    """The lock of a database that is being made, or changed as a whole."""
    return kernel_lock(path.with_name(f".{path.name}.lock"))


@contextlib.contextmanager
def writable(path: Path) -> Iterator[sqlite3.Connection]:
    """A database in a transaction that could write, and does not."""
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.rollback()


def prepare_to_open(path: Path) -> None:
    """Does what MLflow does not care about, and tells the user. Hold `opening(path)`."""
    _copy_before_migration(path)
    if path == own_store() and (former := former_places(path)):
        bring_along(path)
        print(f"MLflow's records name this folder now; the checkout was at {former[0].parent}", file=sys.stderr)


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


def made_beside(path: Path) -> Path:
    """The name of a database until it is whole, without what a killed process left of it. Hold `opening(path)`."""
    for stale in path.parent.glob(f".{path.name}.init*"):
        stale.unlink()
    return path.with_name(f".{path.name}.init")


def _copy_before_migration(path: Path) -> None:
    """Copies a database that an older MLflow made, for this one changes it as soon as it opens it."""
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    with contextlib.closing(sqlite3.connect(path)) as database:
        revision = None
        with contextlib.suppress(sqlite3.Error):  # it is something else: MLflow says what is wrong with it
            (revision,) = database.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
        known = ScriptDirectory(str(files("mlflow.store") / "db_migrations"))
        with contextlib.suppress(CommandError):  # of a newer MLflow
            if revision is None or revision == known.get_current_head() or known.get_revision(revision) is None:
                return
            if not (copy := path.with_name(f"{path.name}.{revision}")).exists():
                beside = made_beside(path)
                with contextlib.closing(sqlite3.connect(beside)) as target:
                    database.backup(target)
                beside.replace(copy)
                print(
                    f"an older MLflow made {path}; this one changes it, and a copy is kept: {copy.name}",
                    file=sys.stderr,
                )
