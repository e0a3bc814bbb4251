"""Finds the MLflow run of a record. A lost reply may have left several: one is kept, and the others are deleted."""

from typing import TYPE_CHECKING

from src.recording.records import Record, Records
from src.recording.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

_LONGEST_TAG = 5000  # characters that MLflow takes
PARENT = "mlflow.parentRunId"
ATTEMPT = "attempt"  # of a training anew, whose metrics are other rows


def find(store: Store, record: Record, attempt: str | None = None) -> "Run | None":
    """The record's MLflow run, if there is one; of an earlier attempt than `attempt`, it is deleted."""
    client, experiment = store
    found = client.search_runs([experiment], f"tags.identity = '{record.identity}'")
    # All were made with the same start. The one that is known here may be known to people, too.
    found.sort(key=lambda run: (run.info.run_id != record.run_id, run.info.start_time, run.info.run_id))
    kept = [run for run in found if attempt in (None, run.data.tags.get(ATTEMPT, ""))][:1]
    for run in found:
        if run not in kept:
            client.delete_run(run.info.run_id)
    return kept[0] if kept else None


def run_id_of_parent(store: Store, records: Records, record: Record) -> str | None:
    """The id of the MLflow run below which a record stands, which is made if it is not there."""
    parent = records.parent_of(record)
    if parent is None:
        return None
    if parent.run_id and parent.owner == records.owner:  # who looks at parents first
        return parent.run_id
    run = find(store, parent)
    return run.info.run_id if run else create_parent(store, parent)


def create_parent(store: Store, parent: Record) -> str:
    """Makes the MLflow run of a parent."""
    given = {"study": parent.study, "identity": parent.identity}
    tags = {tag: cut(value) for tag, value in given.items() if value}
    created = store.client.create_run(
        store.experiment_id, start_time=int(parent.started * 1000), tags=tags, run_name=parent.name
    )
    return str(created.info.run_id)


def cut(value: str) -> str:
    """A tag's value, as long as MLflow takes it."""
    return value if len(value) <= _LONGEST_TAG else value[: _LONGEST_TAG - 1] + "…"
