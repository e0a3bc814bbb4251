"""Records a run in MLflow from its folder: whatever the folder holds and the store does not, is written.

So recording may be repeated, cut short, or done long after the run, and comes to the same: each metric once.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.config import Config, read_snapshot
from src.errors import interrupts_wait
from src.files import sha256
from src.runs.store import RunFolder
from src.schema import flatten, plain, show
from src.tracking.mlflow.store import Store, open_store, store_errors_told, warning_only
from src.tracking.tracker import Tracking

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

_SECONDS_BETWEEN_WRITES = 1.0
_CURVES = {
    "train/loss": "train_loss",
    "train/accuracy": "train_accuracy",
    "valid/loss": "valid_loss",
    "valid/accuracy": "valid_accuracy",
    "train/lr": "lr",
    "train/images_per_second": "images_per_second",
}
_LARGEST_BATCH = 1000  # metrics that MLflow takes in one call
_STATUS = {"running": "RUNNING", "finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
_SHOWN_OF_DIGEST = 12  # characters that the UI has room for; the tag data.sha256 holds all
_ARTIFACTS = ("config.yaml", "history.csv", "result.json", "timing.json", "model.npz", "predictions.npz", "figures")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run stands among others in the store: a run is recorded once in each of its places."""

    parent: str | None = None  # the MLflow run below which it stands
    variant: str | None = None  # what tells it from the others there
    study: str | None = None  # what they are called together


class Recorder:
    """A tracker that keeps one MLflow run level with one run folder."""

    def __init__(self, tracking: Tracking, name: str, place: Place | None = None, store: Store | None = None) -> None:
        self._tracking = tracking
        self._name = name
        self._place = place or Place(study=tracking.study)
        self._client, self._experiment = store or open_store(tracking)
        self.run_id: str | None = None
        self._recorded = 0  # epochs
        self._written = 0.0  # when, on the monotonic clock

    def started(self, folder: Path) -> None:
        """Finds the run's record, or makes it; `UserError` where the store does not let us."""
        run = RunFolder(folder)
        about, config, status = run.run(), read_snapshot(folder / "config.yaml"), run.status()
        with interrupts_wait(), store_errors_told(self._tracking):
            run_id = self._find(folder) or self._create(folder, about, config, status)
            history = self._client.get_metric_history(run_id, "train/loss")
            self._recorded = max((metric.step for metric in history), default=0)
            if status["status"] == "running":  # whatever an earlier attempt left in the record, it is open again
                self._forget(run_id, "weights.sha256", "reason")
                self._client.update_run(run_id, status=_STATUS["running"], name=self._name)
                for key, value in about["lineage"].items():
                    self._client.set_tag(run_id, key, value)
            else:
                self._client.update_run(run_id, name=self._name)
        self.run_id = run_id

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self._written >= _SECONDS_BETWEEN_WRITES:
            self._written = now
            with interrupts_wait(), warning_only("the metrics follow when the run ends"):
                self._written = math.inf  # if this fails, it is tried no more until the run ends
                self._record_epochs(folder)
                self._written = now

    def ended(self, folder: Path) -> None:
        if self.run_id is None:  # the run never stood in the store
            return
        with interrupts_wait(), warning_only("the run folder holds everything, and the same command records it again"):
            # The digest of the weights is the last thing to be written of a finished run.
            if "weights.sha256" not in self._client.get_run(self.run_id).data.tags:
                self._record_end(folder)

    def _record_end(self, folder: Path) -> None:
        assert self.run_id is not None
        run = RunFolder(folder)
        status = run.status()
        self._record_epochs(folder)
        if status["reason"]:
            self._client.set_tag(self.run_id, "reason", status["reason"])
        for name in _ARTIFACTS:
            if (folder / name).exists():
                self._log_artifact(folder / name)
        if run.finished():
            self._record_result(run)
        self._client.set_terminated(self.run_id, _STATUS[status["status"]], int(status["time"] * 1000))

    def _identity(self, folder: Path) -> str:
        # A run is recorded once under each parent and variant, however often it is reused there.
        return sha256("/".join((folder.name, self._place.parent or "", self._place.variant or "")).encode())

    def _forget(self, run_id: str, *tags: str) -> None:
        present = self._client.get_run(run_id).data.tags
        for tag in tags:
            if tag in present:
                self._client.delete_tag(run_id, tag)

    def _find(self, folder: Path) -> str | None:
        identity = self._identity(folder)
        found = self._client.search_runs([self._experiment], f"tags.identity = '{identity}'", max_results=1)
        return str(found[0].info.run_id) if found else None

    def _create(self, folder: Path, about: Mapping[str, Any], config: Config, status: Mapping[str, Any]) -> str:
        from mlflow.entities import Dataset, DatasetInput, Param

        digests, lineage = about["digests"], about["lineage"]
        tags = {
            "identity": self._identity(folder),
            "fingerprint": digests["fingerprint"],
            "data.sha256": digests["data"],
            "code.sha256": digests["code"],
            "env.sha256": digests["env"],
            "study": self._place.study or "none",
            "variant": self._place.variant or self._name,
            "folder": str(folder),
            "mlflow.source.name": "python -m src.train",
            "mlflow.source.git.commit": lineage["git.commit"],
            **lineage,
        }
        if self._place.parent:
            tags["mlflow.parentRunId"] = self._place.parent
        created = self._client.create_run(
            self._experiment, start_time=int(status["started"] * 1000), tags=tags, run_name=self._name
        )
        run_id = str(created.info.run_id)
        params = [Param(key, show(value)) for key, value in flatten(config.semantic())]
        self._client.log_batch(run_id, params=params)
        recipe = str(plain(config.data, semantic_only=True))
        dataset = Dataset(config.data.name, digests["data"][:_SHOWN_OF_DIGEST], "recipe", recipe)
        self._log_input(run_id, DatasetInput(dataset))
        return run_id

    def _log_input(self, run_id: str, dataset_input: "DatasetInput") -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.log_inputs(run_id, [dataset_input])
        except MlflowException:
            # MLflow looks a data set up, then inserts it: a parallel job may have been faster, and once more finds it.
            self._client.log_inputs(run_id, [dataset_input])

    def _record_epochs(self, folder: Path) -> None:
        from mlflow.entities import Metric

        assert self.run_id is not None
        new = [record for record in RunFolder(folder).journal() if record["epoch"] > self._recorded]
        metrics = [
            Metric(key, record[column], int(record["time"] * 1000), record["epoch"])
            for record in new
            for key, column in _CURVES.items()
        ]
        for start in range(0, len(metrics), _LARGEST_BATCH):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + _LARGEST_BATCH])
        if new:
            self._recorded = new[-1]["epoch"]

    def _record_result(self, run: RunFolder) -> None:
        from mlflow.entities import Metric, RunTag

        assert self.run_id is not None
        result, timing = run.result(), run.timing()
        now = int(time.time() * 1000)
        values = {
            "test/loss": result["test"]["loss"],
            "test/accuracy": result["test"]["accuracy"],
            "train/seconds": timing["seconds"],
        }
        # At step 0 the UI draws a bar a run, and the mean of a group of runs; at any other, a curve of a single dot.
        metrics = [Metric(key, value, now, 0) for key, value in values.items()]
        self._client.log_batch(self.run_id, metrics=metrics, tags=[RunTag("weights.sha256", result["weights_sha256"])])

    def _log_artifact(self, path: Path) -> None:
        assert self.run_id is not None
        if path.is_dir():
            self._client.log_artifacts(self.run_id, str(path), path.name)
        else:
            self._client.log_artifact(self.run_id, str(path))
