"""The MLflow run of an entry: found by its identity, made, described, and marked as current or not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from src.config.tree import read_snapshot
from src.foundation.schema import flatten, plain, show
from src.recording.entry import Entry
from src.recording.outbox import Outbox
from src.recording.store import Store
from src.runs.folder import RunFolder, runs_folder

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

PARENT = "mlflow.parentRunId"
ATTEMPT = "attempt"  # another one has other metrics
CURRENT = "current"
MOST_RUNS = 50_000  # that MLflow returns for one search
_LONGEST_TAG = 5000  # characters that MLflow accepts
_SHOWN_OF_DIGEST = 12  # characters that the UI has room for; the tag data.sha256 holds all
_NOTE = "mlflow.note.content"  # which the UI shows as the run's description


def find(store: Store, entry: Entry, attempt: str | None = None) -> "Run | None":
    """The entry's MLflow run, if there is one; one of an earlier attempt than `attempt` is deleted.

    A lost reply may have left several: one is kept, and the others are deleted.
    """
    client, experiment = store
    found = client.search_runs([experiment], f"tags.identity = '{entry.identity}'")
    # All were made with the same start. The one that is known here may be known to people, too.
    found.sort(key=lambda run: (run.info.run_id != entry.run_id, run.info.start_time, run.info.run_id))
    kept = [run for run in found if attempt in (None, run.data.tags.get(ATTEMPT, ""))][:1]
    for run in found:
        if run not in kept:
            client.delete_run(run.info.run_id)
    return kept[0] if kept else None


def run_id_of_parent(store: Store, outbox: Outbox, entry: Entry) -> str | None:
    """The id of the parent's MLflow run, which is made if it is not there."""
    parent = outbox.find(replace(entry, identity=entry.parent)) if entry.parent else None
    if parent is None:
        return None
    if parent.run_id and parent.owner == outbox.owner:  # a pass opens its own parents first
        return parent.run_id
    return str((find(store, parent) or create_parent(store, parent)).info.run_id)


def create_parent(store: Store, parent: Entry) -> "Run":
    """Makes the MLflow run of a parent."""
    tags = {"study": parent.study, "identity": parent.identity, CURRENT: "true" if parent.supersedes else None}
    return _create(store, parent.name, parent.started, tags)


def create(store: Store, entry: Entry, folder: RunFolder, parent: str | None) -> "Run":
    """Makes the MLflow run of an entry, below the one with the id `parent`."""
    about = folder.run()
    digests, lineage = about["digests"], about["lineage"]
    tags = {
        "identity": entry.identity,
        ATTEMPT: str(about.get("attempt", "")),
        CURRENT: "true",
        "fingerprint": digests["fingerprint"],
        "data.sha256": digests["data"],
        "code.sha256": digests["code"],
        "env.sha256": digests["env"],
        "study": entry.study or "none",
        "variant": entry.variant or entry.name,
        "folder": str(folder.path),
        "mlflow.source.name": "python -m src.train",
        "mlflow.source.git.commit": lineage["git.commit"],
        **lineage,
        PARENT: parent,
        **about.get("tags", {}),  # a replay's verdict
    }
    return _create(store, entry.name, folder.status()["started"], tags)


def describe(store: Store, run: "Run", folder: RunFolder) -> None:
    """Adds to an MLflow run what can't be set as it is made: its parameters, its data, and how to replay it."""
    from mlflow.entities import Dataset, DatasetInput, Param, RunTag

    run_id, config = run.info.run_id, read_snapshot(folder.path / "config.yaml")
    if not run.data.params or _NOTE not in run.data.tags:
        params = [Param(key, show(value)) for key, value in flatten(config.semantic(complete=True))]
        note = RunTag(_NOTE, f"Train this run again, and compare:\n\n```\npython -m src.replay {run_id}\n```")
        store.client.log_batch(run_id, params=params, tags=[] if _NOTE in run.data.tags else [note])
    if not (run.inputs and run.inputs.dataset_inputs):
        recipe = str(plain(config.data, semantic_only=True))
        digest = folder.run()["digests"]["data"][:_SHOWN_OF_DIGEST]
        _log_input(store, run_id, DatasetInput(Dataset(config.data.name, digest, "recipe", recipe)))


def mark_current(store: Store, parent: Entry) -> None:
    """Tags the runs below a study's parent `current=true`, and earlier ones of this study and checkout `false`."""
    study = (parent.study or "").replace("'", "")
    runs = store.client.search_runs([store.experiment_id], f"tags.study = '{study}'", max_results=MOST_RUNS)
    here = f"{runs_folder()}/"
    current = {run.info.run_id for run in runs if run.data.tags.get(PARENT) == parent.run_id} | {parent.run_id}
    earlier = [r for r in runs if r.info.run_id not in current and r.data.tags.get("folder", "").startswith(here)]
    superseded = {run.info.run_id for run in earlier} | {run.data.tags.get(PARENT) for run in earlier}
    for run in runs:
        run_id = run.info.run_id
        value = "true" if run_id in current else "false" if run_id in superseded else None
        if value not in (None, run.data.tags.get(CURRENT)):
            store.client.set_tag(run_id, CURRENT, value)


def cut(value: str) -> str:
    """A tag's value, as long as MLflow accepts it."""
    return value if len(value) <= _LONGEST_TAG else value[: _LONGEST_TAG - 1] + "…"


def _create(store: Store, name: str, started: float, tags: Mapping[str, str | None]) -> "Run":
    kept = {tag: cut(value) for tag, value in tags.items() if value is not None}
    return store.client.create_run(store.experiment_id, start_time=int(started * 1000), tags=kept, run_name=name)


def _log_input(store: Store, run_id: str, dataset_input: "DatasetInput") -> None:
    from mlflow.exceptions import MlflowException

    try:
        store.client.log_inputs(run_id, [dataset_input])
    except MlflowException:
        # MLflow looks a data set up, then inserts it: another command may have been faster, and a retry finds it.
        store.client.log_inputs(run_id, [dataset_input])
