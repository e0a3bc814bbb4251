"""The MLflow store: where it is, and opening it safely.

By default it is `mlflow.db` in the repository, with artifacts in `mlartifacts/`, which is also where a plain
`mlflow ui` in the repository looks. MLflow's own first opening of an SQLite file is not safe: two processes at once, or
one that is killed, leave a database that never opens again. So ours is made under a lock, beside its name, and renamed.
"""

import contextlib
import errno
import functools
import logging
import os
import re
import sqlite3
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from src.config.tracking import Tracking
from src.foundation.errors import UserError, lost_link
from src.recording.descriptions import NOTE, OF_EXPERIMENT
from src.recording.own_store import made_beside, opening, own_artifacts, own_store, prepare_to_open, writable

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"


class Store(NamedTuple):
    """A client of the store, and the id of the experiment that runs are recorded in."""

    client: "MlflowClient"
    experiment_id: str


def store_uri(tracking: Tracking) -> str:
    """The store that is used: `tracking.uri`, else MLFLOW_TRACKING_URI, else the repository's own."""
    return tracking.uri or os.environ.get("MLFLOW_TRACKING_URI") or _own_store()


def is_server(uri: str) -> bool:
    """Whether the store is a server, which may be unreachable for a while through no fault of the user."""
    return uri.startswith(("http://", "https://"))


def noted_uri(tracking: Tracking) -> str | None:
    """How a record on the disk names the store: without credentials; None where it is the repository's own."""
    uri = store_uri(tracking)
    return None if uri == _own_store() else without_credentials(uri)


def tracking_of(uri: str | None, experiment: str) -> Tracking:
    """The settings that open a store by what a record on the disk calls it; credentials are the environment's."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri is None:
        return Tracking(uri=_own_store(), experiment=experiment)
    return Tracking(uri=None if without_credentials(given) == uri else uri, experiment=experiment)


def without_credentials(text: str) -> str:
    """A URI, or a message that has URIs in it, without names and passwords of users."""
    return re.sub(r"(?<=://)[^/\s@]*@", "", text)


def open_store(tracking: Tracking) -> Store:
    """Opens the store and its experiment, and makes what is not there.

    Raises the errors of files, SQLite and MLflow as they are; `as_user_errors` puts them into words.
    """
    uri = store_uri(tracking)
    if uri in ("sqlite:", "sqlite://", _SQLITE) or ":memory:" in uri:
        raise UserError(f"the MLflow store {uri} is in memory and keeps nothing; allowed: a file, as sqlite:////a/b.db")
    if "%" in sys.prefix and not is_server(uri):  # which its migrations take for an interpolation
        raise UserError(f"{sys.prefix}: MLflow can't work with % in the path of its code; rename the folder")
    if path := database(uri):
        _make_once(path)
    client = _client(uri)
    return Store(client, _experiment_id(client, tracking))


def holds_experiment(tracking: Tracking) -> bool:
    """Whether the store is a database that can be written and has the experiment: then opening it can wait.

    Found without MLflow, whose import takes a second or more. False is no verdict: opening the store gives that.
    """
    path = database(store_uri(tracking))
    if path is None or not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK)):
        return False
    artifacts, _ = _experiment(path, tracking.experiment) or (None, None)
    return artifacts is not None and not _belongs_elsewhere(tracking, artifacts)


def whereabouts(tracking: Tracking) -> dict[str, Any] | None:
    """Which store it is, found without opening it; None where there is none yet."""
    uri = store_uri(tracking)
    path = database(uri)
    if path is None:
        return {"uri": without_credentials(uri), "experiment": tracking.experiment}
    if not path.exists():
        return None
    # A store that was removed and made again has the same name, and may get the same inode.
    _, made = _experiment(path, tracking.experiment) or (None, None)
    return {"uri": uri, "experiment": tracking.experiment, "file": path.stat().st_ino, "made": made}


def trashed(tracking: Tracking, run_ids: Iterable[str]) -> dict[str, str]:
    """Which of these runs are in the trash of a store that is a database; each with the command that restores it."""
    path, found = database(store_uri(tracking)), dict[str, str]()
    if path is not None and path.exists():
        query = "SELECT 1 FROM runs WHERE run_uuid = ? AND lifecycle_stage = 'deleted'"
        with contextlib.suppress(sqlite3.Error), writable(path) as opened:
            there = [run_id for run_id in run_ids if opened.execute(query, [run_id]).fetchone()]
            found = {run_id: restores(tracking, f"runs restore --run-id {run_id}") for run_id in there}
    return found


def restores(tracking: Tracking, command: str) -> str:
    """The command of MLflow that restores something of a store, in backquotes."""
    uri = store_uri(tracking)
    where = "" if uri == _own_store() else f"MLFLOW_TRACKING_URI={without_credentials(uri)} "
    return f"`{where}mlflow {command}`"


def _experiment(path: Path, name: str) -> tuple[str, int] | None:
    """Where a database's experiment keeps artifacts, and when it was made [ms]; None if it has none."""
    query = "SELECT artifact_location, creation_time FROM experiments WHERE name = ? AND lifecycle_stage = 'active'"
    found: tuple[str, int] | None = None
    with contextlib.suppress(sqlite3.Error), writable(path) as opened:
        found = opened.execute(query, [name]).fetchone()
    return found


def _experiment_id(client: "MlflowClient", tracking: Tracking) -> str:
    from mlflow.exceptions import MlflowException

    # A server keeps artifacts where it is configured to; a database would keep them in the current folder.
    artifacts = (own_artifacts()).as_uri() if database(store_uri(tracking)) else None
    experiment = client.get_experiment_by_name(tracking.experiment)
    if experiment is None:
        try:
            return client.create_experiment(tracking.experiment, artifacts, {NOTE: OF_EXPERIMENT})
        except MlflowException:
            experiment = client.get_experiment_by_name(tracking.experiment)  # another process was faster
            if experiment is None:
                raise
    if experiment.lifecycle_stage == "deleted":  # making a run in it would fail (mlflow#2690)
        raise UserError(
            f"tracking.experiment={tracking.experiment}: this experiment is in MLflow's trash; give another name, or "
            f"restore it: {restores(tracking, f'experiments restore --experiment-id {experiment.experiment_id}')}"
        )
    if NOTE not in experiment.tags:  # made by an earlier version, or by hand
        with contextlib.suppress(MlflowException):  # it may be somebody else's, on a server
            client.set_experiment_tag(experiment.experiment_id, NOTE, OF_EXPERIMENT)
    if elsewhere := _belongs_elsewhere(tracking, experiment.artifact_location):
        raise UserError(
            f"tracking.experiment={tracking.experiment}: its artifacts belong in {elsewhere}; give tracking.experiment "
            "another name"
        )
    return str(experiment.experiment_id)


def _belongs_elsewhere(tracking: Tracking, artifact_location: str) -> Path | None:
    """Where an experiment of the repository's own store keeps its artifacts, if not in this repository."""
    place = Path(unquote(urlsplit(artifact_location).path))
    return place if store_uri(tracking) == _own_store() and place != own_artifacts() else None


def database(uri: str) -> Path | None:
    """The file of a store that is one."""
    return Path(unquote(uri.removeprefix(_SQLITE))) if uri.startswith(_SQLITE) else None


def absolute(uri: str) -> str:
    """The address of a store that is a database by its whole path; of another one, as it is."""
    path = database(uri)
    return uri if path is None or path.is_absolute() or not path.name else _sqlite(path.absolute())


def _own_store() -> str:
    return _sqlite(own_store())


def _sqlite(path: Path) -> str:
    # SQLAlchemy decodes %41 and the like, MLflow does not: of what could be encoded, only these must be.
    return _SQLITE + str(path).translate({ord(letter): quote(letter) for letter in "%?#"})


def _make_once(path: Path) -> None:
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with opening(path):
        if lost_link(path):  # a new database in the place of the link would part the history
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        if not path.exists():
            beside = made_beside(path)
            _client(_sqlite(beside)).search_experiments()  # which creates its tables
            beside.replace(path)
        prepare_to_open(path)
    # SQLite reports this only at the first write, and MLflow only after a while.
    if not os.access(path, os.W_OK):
        raise PermissionError(13, "permission denied", str(path))
    with writable(path):
        pass


def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    # It announces each table that it makes, warns of how it maps them, and logs errors that we report in one line.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"mlflow\.")
    if database(uri):
        _wait_less_for_the_disk()
    return MlflowClient(tracking_uri=uri)


@functools.cache  # once for a process
def _wait_less_for_the_disk() -> None:
    """Has SQLite sync once or twice for each of a run's 11 commits, not four times; whatever dies, the file is whole.

    After a power cut it may lack the last runs, which `src.sync --all` records again.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
