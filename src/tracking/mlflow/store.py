"""The MLflow store: where it is, and opening it safely.

By default it is `mlflow.db` in the repository, with artifacts in `mlartifacts/`, which is also where a plain
`mlflow ui` in the repository looks. MLflow's own first opening of an SQLite file is not safe: two processes at once, or
one that is killed, leave a database that never opens again. So ours is made under a lock, beside its name, and renamed.
"""

import logging
import os
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from filelock import FileLock

from src.errors import UserError, machine_error
from src.files import home
from src.tracking.tracker import Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"


def store_uri(tracking: Tracking) -> str:
    """The store that is used: `tracking.uri`, else MLFLOW_TRACKING_URI, else the repository's own."""
    return tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{home() / 'mlflow.db'}"


class Store(NamedTuple):
    """A client of the store, and the id of the experiment that runs are recorded in."""

    client: "MlflowClient"
    experiment_id: str


def open_store(tracking: Tracking) -> Store:
    """Opens the store and its experiment, and makes what is not there.

    Raises `UserError` where the store can't be written, reached or understood.
    """
    import mlflow.exceptions

    uri = store_uri(tracking)
    try:
        if uri.startswith(_SQLITE):
            _make_once(Path(unquote(uri.removeprefix(_SQLITE))))
        client = _client(uri)
        return Store(client, _experiment_id(client, tracking))
    except OSError as error:
        raise UserError(f"the MLflow store {uri} can't be written: {machine_error(error)}") from None
    except (sqlite3.Error, mlflow.exceptions.MlflowException) as error:
        raise UserError(
            f"the MLflow store {uri} can't be opened: {one_line(error)}; tracking=off does without"
        ) from None


def one_line(error: Exception) -> str:
    """What an error of MLflow's is about; SQLAlchemy's are long, and have the database's own words in the middle."""
    lines = str(error).splitlines() or [type(error).__name__]
    return next((line for line in lines if "Error) " in line), lines[0])


def _experiment_id(client: "MlflowClient", tracking: Tracking) -> str:
    import mlflow.exceptions

    if experiment := client.get_experiment_by_name(tracking.experiment):
        return str(experiment.experiment_id)
    # A server keeps artifacts where it was told to; a database would keep them in whatever folder we are in.
    local = store_uri(tracking).startswith(_SQLITE)
    try:
        return client.create_experiment(tracking.experiment, (home() / "mlartifacts").as_uri() if local else None)
    except mlflow.exceptions.MlflowException:
        if experiment := client.get_experiment_by_name(tracking.experiment):  # another process was faster
            return str(experiment.experiment_id)
        raise


def _make_once(path: Path) -> None:
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if not path.exists():
            for stale in path.parent.glob(f".{path.name}.init*"):
                stale.unlink()
            beside = path.with_name(f".{path.name}.init")
            _create_tables(beside)
            beside.replace(path)
    # SQLite says so only at the first write, and MLflow then only after a while.
    if not os.access(path, os.W_OK):
        raise PermissionError(13, "permission denied", str(path))
    with closing(sqlite3.connect(path, timeout=20)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.rollback()


def _create_tables(path: Path) -> None:
    _client(f"{_SQLITE}{path}").search_experiments()


def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    # It announces each table that it makes, warns of how it maps them, and logs errors that we tell in one line.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"mlflow\.")
    return MlflowClient(tracking_uri=uri)
