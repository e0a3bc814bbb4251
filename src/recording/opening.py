"""What an MLflow run says of a run from its beginning: its identity, configuration, data, and how to replay it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from src.config.tree import read_snapshot
from src.foundation.schema import flatten, plain, show
from src.recording.entries import ATTEMPT, PARENT, cut
from src.recording.records import Record
from src.recording.store import Store
from src.runs.folder import RunFolder

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput, Run

_SHOWN_OF_DIGEST = 12  # characters that the UI has room for; the tag data.sha256 holds all
_NOTE = "mlflow.note.content"  # which the UI shows as the run's description


def create(store: Store, record: Record, folder: RunFolder, parent: str | None) -> "Run":
    """Makes the MLflow run of a record, below the one with the id `parent`."""
    about = folder.run()
    digests, lineage = about["digests"], about["lineage"]
    tags = {
        "identity": record.identity,
        ATTEMPT: str(about.get("attempt", "")),
        "fingerprint": digests["fingerprint"],
        "data.sha256": digests["data"],
        "code.sha256": digests["code"],
        "env.sha256": digests["env"],
        "study": record.study or "none",
        "variant": record.variant or record.name,
        "folder": str(folder.path),
        "mlflow.source.name": "python -m src.train",
        "mlflow.source.git.commit": lineage["git.commit"],
        **lineage,
        **({PARENT: parent} if parent else {}),
        **about.get("tags", {}),  # what a replay has to say
    }
    return store.client.create_run(
        store.experiment_id,
        start_time=int(folder.status()["started"] * 1000),
        tags={tag: cut(value) for tag, value in tags.items()},
        run_name=record.name,
    )


def described(store: Store, run: "Run", folder: RunFolder) -> Iterator[None]:
    """Adds to an MLflow run what can't be given as it is made, as far as it lacks it; yields after each call."""
    from mlflow.entities import Dataset, DatasetInput, Param, RunTag

    run_id, config = run.info.run_id, read_snapshot(folder.path / "config.yaml")
    if not run.data.params or _NOTE not in run.data.tags:
        params = [Param(key, show(value)) for key, value in flatten(config.semantic())]
        note = RunTag(_NOTE, f"Train this run again, and compare:\n\n```\npython -m src.replay {run_id}\n```")
        store.client.log_batch(run_id, params=params, tags=[] if _NOTE in run.data.tags else [note])
        yield
    if not (run.inputs and run.inputs.dataset_inputs):
        recipe = str(plain(config.data, semantic_only=True))
        digest = folder.run()["digests"]["data"][:_SHOWN_OF_DIGEST]
        _log_input(store, run_id, DatasetInput(Dataset(config.data.name, digest, "recipe", recipe)))
        yield


def _log_input(store: Store, run_id: str, dataset_input: "DatasetInput") -> None:
    from mlflow.exceptions import MlflowException

    try:
        store.client.log_inputs(run_id, [dataset_input])
    except MlflowException:
        # MLflow looks a data set up, then inserts it: another command may have been faster, and once more finds it.
        store.client.log_inputs(run_id, [dataset_input])
