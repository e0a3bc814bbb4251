"""Removes runs from the stores that this machine recorded them in: MLflow run, logged models, artifacts, together.

`mlflow gc` does that only for what is in the trash; it leaves the logged model and an empty folder, and does not ask
whether a registered model cites the run.
"""

import contextlib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from src.foundation.errors import UserError
from src.recording.entry import Entry
from src.recording.outbox import Outbox
from src.recording.store import Store, open_store, store_uri, tracking_of, whereabouts
from src.recording.store_errors import as_user_errors

if TYPE_CHECKING:
    from mlflow.entities import Run


class Removal:
    """The records of some runs. Making the object contacts no store.

    folders: of the runs, below runs/.
    """

    def __init__(self, folders: Collection[str]) -> None:
        self._outbox = Outbox()
        self._all = self._outbox.entries()
        self._entries = [entry for entry in self._all if entry.folder in folders]

    def busy(self) -> set[str]:
        """The folders of runs that another command is recording, or waits to record."""
        return {str(entry.folder) for entry in self._entries if not self._outbox.is_free(entry)}

    def registered(self) -> dict[str, str]:
        """The folders of runs that a registered model cites, each with the model's name and version.

        Raises:
            UserError: a store can't be used.
        """
        found = dict[str, str]()
        for place in self._stores:
            versions = self._versions(place)
            for entry in [entry for entry in self._entries if entry.place == place and versions]:
                with as_user_errors(tracking_of(entry.uri, entry.experiment)):
                    ids = {i for run in self._runs(entry) for i in (run.info.run_id, *self._models(place, run))}
                for name, source in versions.items():
                    if any(known in source for known in ids):
                        found[str(entry.folder)] = name
        return found

    def remove(self, folder: str) -> int:
        """Removes all records of a run, and a sweep's own run if this was its last; returns how many MLflow runs.

        Can be repeated after an interruption.

        Raises:
            UserError: a store can't be used; the records that are left stay.
        """
        number, entries = 0, [entry for entry in self._entries if entry.folder == folder]
        for entry in entries:  # before any of them is removed
            if not self._outbox.is_free(entry):
                raise UserError(f"{entry.name}: another command is recording this run")
        for entry in entries:
            number += self._remove(entry)
            self._entries.remove(entry)
            self._all.remove(entry)
            same = [other for other in self._all if other.place == entry.place]
            for parent in [other for other in same if entry.parent == other.identity and other.folder is None]:
                needed = parent.supersedes or parent.reused or any(e.parent == parent.identity for e in same)
                if not needed and self._outbox.is_free(parent):
                    number += self._remove(parent)
                    self._all.remove(parent)
        return number

    def _remove(self, entry: Entry) -> int:
        runs = self._runs(entry)
        with as_user_errors(tracking_of(entry.uri, entry.experiment)):
            for run in runs:
                self._delete(entry.place, run)
        if not self._outbox.remove(entry):
            raise UserError(f"{entry.name}: another command is recording this run")
        return len(runs)

    @cached_property
    def _stores(self) -> dict[tuple[str, str], Store]:
        """Those that still exist, by their places."""
        stores = dict[tuple[str, str], Store]()
        for uri, experiment in {entry.place for entry in self._entries}:
            tracking = tracking_of(uri or None, experiment)
            if whereabouts(tracking) is not None:
                try:
                    with as_user_errors(tracking):
                        stores[uri, experiment] = open_store(tracking)
                except UserError as error:
                    cure = "; if it is gone for good: `python -m src.sync --all --forget`" if uri else ""
                    raise UserError(f"{error}{cure}") from None
        return stores

    def _runs(self, entry: Entry) -> "list[Run]":
        """The entry's runs in its store, those in the trash included."""
        from mlflow.entities import ViewType

        if (store := self._stores.get(entry.place)) is None:
            return []
        query = f"tags.identity = '{entry.identity}'"
        with as_user_errors(tracking_of(entry.uri, entry.experiment)):
            return list(store.client.search_runs([store.experiment_id], query, ViewType.ALL))

    def _versions(self, place: tuple[str, str]) -> dict[str, str]:
        """The versions of all registered models, such as `mlp version 3`, each with what it was made from."""
        found, token = dict[str, str](), None
        with as_user_errors(tracking_of(place[0] or None, place[1])):
            while True:
                page = self._stores[place].client.search_model_versions(page_token=token)
                found |= {f"{v.name} version {v.version}": f"{v.run_id} {v.source}" for v in page}
                if not (token := page.token):
                    return found

    def _models(self, place: tuple[str, str], run: "Run") -> dict[str, str]:
        """The ids of a run's logged models, with the locations of their artifacts."""
        client, experiment = self._stores[place]
        found = client.search_logged_models([experiment], f"source_run_id = '{run.info.run_id}'")
        return {str(model.model_id): str(model.artifact_location) for model in found}

    def _delete(self, place: tuple[str, str], run: "Run") -> None:
        client = self._stores[place].client
        uri, run_id = store_uri(tracking_of(place[0] or None, place[1])), run.info.run_id
        backend: Any = client._tracking_client.store  # only a database deletes for good; a server has a trash
        for model_id, location in self._models(place, run).items():
            _delete_artifacts(location, uri)
            client.delete_logged_model(model_id)
            if hasattr(backend, "_hard_delete_logged_model"):
                backend._hard_delete_logged_model(model_id)
        _delete_artifacts(run.info.artifact_uri, uri)
        if run.info.lifecycle_stage == "active":
            client.delete_run(run_id)
        if hasattr(backend, "_hard_delete_run"):
            backend._hard_delete_run(run_id)


def _delete_artifacts(location: str, uri: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    parts = urlsplit(location)
    folder = Path(unquote(parts.path)) if parts.scheme in ("", "file") else None
    if folder is None or folder.is_dir():
        repository: Any = get_artifact_repository(location, tracking_uri=uri)
        repository.delete_artifacts()
    if folder is not None:
        with contextlib.suppress(OSError):  # of the run, which has nothing else in it
            folder.parent.rmdir()
