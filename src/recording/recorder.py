"""Records a run in MLflow from its folder: whatever the folder holds and the store does not, is written.

All values and times are the folder's own. So recording may be repeated, cut short, or done long after the run, and
comes to the same: each metric once.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.recording.entries import PARENT, cut, find, run_id_of_parent
from src.recording.opening import create, described
from src.recording.records import Record, Records
from src.recording.store import Store
from src.runs.folder import RunFolder, Status, runs_folder
from src.runs.journal import Journal
from src.runs.liveness import living_status

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SECONDS_BETWEEN_WRITES = 1.0
_SECONDS_TO_LET_GO = 0.2
_CURVES = {
    "train/loss": "train_loss",
    "train/accuracy": "train_accuracy",
    "valid/loss": "valid_loss",
    "valid/accuracy": "valid_accuracy",
    "train/lr": "lr",
    "train/images_per_second": "images_per_second",
}
_LARGEST_BATCH = 1000  # metrics, which is what MLflow takes in one call
_STATUS = {"running": "RUNNING", "finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
_FIGURES = "figures"
_ARTIFACTS = (
    *("config.yaml", "run.json", "diff.patch", "history.csv", "result.json", "test.json", "timing.json"),
    *("model.npz", "predictions.npz", _FIGURES),
)


class Recorder:
    """Keeps one MLflow run level with one run folder."""

    _store: Store  # the one that the last look was for
    _client: "MlflowClient"

    def __init__(self, records: Records, record: Record) -> None:
        self.record = record
        self.level = False  # whether the store holds all of the run, which is not under way
        self.over = False  # whether nothing more will come, either: a run that failed or was killed may be gone on with
        self._records = records
        self._folder = RunFolder(runs_folder() / str(record.folder))
        self._journal = Journal(self._folder.path / "journal.jsonl")
        self._attempt: str | None = None
        self._run_id = ""
        self._stored: dict[str, Any] = {}  # what the MLflow run has: status, end, tags
        self._waiting: list[dict[str, Any]] = []  # epochs that the store may lack
        self._read = -1  # the last epoch that was put there
        self._written = 0.0  # when, on the monotonic clock

    def begun(self) -> bool:
        """Whether the folder tells of a run that is to be recorded here."""
        status = living_status(self._folder)
        return bool(status) and status["time"] != self.record.passed_over

    def look(self, store: Store) -> Iterator[None]:
        """Writes what is new; yields after each call of the store, so that one may be the last for now."""
        self._store, self._client = store, store.client
        try:
            yield from self._look()
        except Exception:
            self._attempt = None  # what the store has by now isn't known: the next look asks
            raise

    def _look(self) -> Iterator[None]:
        if not self.begun():
            return
        status = self._folder.status()
        if self._attempt != (attempt := str(self._folder.run().get("attempt", ""))):
            yield from self._open(attempt)
        self.level = self.over = False
        if status["status"] == "running":
            yield from self._reopen()
            if time.monotonic() - self._written >= _SECONDS_BETWEEN_WRITES:
                yield from self._record_epochs()
                self._written = time.monotonic()
        elif self._folder.idle(_SECONDS_TO_LET_GO):  # figures are drawn after the status is final
            if self._complete(status):
                yield from self._add_figures()
            else:
                yield from self._record_end(status)
            self.level, self.over = True, status["status"] == "finished"

    def _complete(self, status: Status) -> bool:
        # That the run has ended is the last thing to be written of it.
        ended = (_STATUS[status["status"]], _milliseconds(status["time"]))
        return (self._stored["status"], self._stored["end"]) == ended and (
            not self._folder.finished() or "weights.sha256" in self._stored["tags"]
        )

    def _open(self, attempt: str) -> Iterator[None]:
        """Finds the run's record in the store, or makes it; what was lost of its beginning is made good."""
        parent = run_id_of_parent(self._store, self._records, self.record)
        yield
        run = find(self._store, self.record, attempt)
        yield
        if run is None:
            run = create(self._store, self.record, self._folder, parent)
            yield
        self._run_id, tags = run.info.run_id, dict(run.data.tags)
        self.record = self._records.change(self.record, run_id=self._run_id)
        yield from described(self._store, run, self._folder)
        if parent and tags.get(PARENT) != parent:
            self._client.set_tag(self._run_id, PARENT, parent)
            yield
        if run.info.run_name != self.record.name:
            self._client.update_run(self._run_id, name=self.record.name)
            yield
        history = self._client.get_metric_history(self._run_id, next(iter(_CURVES)))
        yield
        self._journal.rewind()
        epochs = self._journal.new()
        if not {(m.step, m.timestamp) for m in history} <= {(e["epoch"], _milliseconds(e["time"])) for e in epochs}:
            self._client.delete_run(self._run_id)  # the journal lost lines, whose epochs were trained and noted again
            yield
            yield from self._open(attempt)
            return
        # The last one may stand there in part: it is sent again. What is the same to the bit, the store takes once.
        self._read = max((metric.step for metric in history), default=0) - 1
        self._waiting = [epoch for epoch in epochs if epoch["epoch"] > self._read]
        self._stored = {"status": run.info.status, "end": run.info.end_time, "tags": tags}
        self._attempt = attempt

    def _reopen(self) -> Iterator[None]:
        """Whatever an earlier process left in the record, the run is under way again."""
        for tag in ("weights.sha256", "reason"):
            yield from self._forget(tag)
        if self._stored["status"] != "RUNNING":
            self._client.update_run(self._run_id, status="RUNNING")
            self._stored["status"] = "RUNNING"
            yield

    def _forget(self, tag: str) -> Iterator[None]:
        if tag in self._stored["tags"]:
            self._client.delete_tag(self._run_id, tag)
            del self._stored["tags"][tag]
            yield

    def _record_epochs(self) -> Iterator[None]:
        from mlflow.entities import Metric

        self._waiting += [epoch for epoch in self._journal.new() if epoch["epoch"] > self._read]
        self._read = max((epoch["epoch"] for epoch in self._waiting), default=self._read)
        while self._waiting:  # epochs as a whole: the store takes a batch or none of it
            batch = self._waiting[: _LARGEST_BATCH // sum(1 for _ in _metrics(self._waiting[0]))]
            metrics = [
                Metric(key, value, _milliseconds(epoch["time"]), epoch["epoch"])
                for epoch in batch
                for key, value in _metrics(epoch)
            ]
            self._client.log_batch(self._run_id, metrics=metrics)
            del self._waiting[: len(batch)]
            yield

    def _record_end(self, status: Status) -> Iterator[None]:
        yield from self._record_epochs()
        for name in _ARTIFACTS:
            path = self._folder.path / name
            if path.is_dir():
                self._client.log_artifacts(self._run_id, str(path), name)
                yield
            elif path.exists():
                self._client.log_artifact(self._run_id, str(path))
                yield
        if status["reason"]:
            self._client.set_tag(self._run_id, "reason", cut(status["reason"]))
            self._stored["tags"]["reason"] = status["reason"]
            yield
        else:
            yield from self._forget("reason")
        if self._folder.finished():
            self._record_result(status)
            yield
        find(self._store, self.record)  # a request whose reply was lost may have been served late
        yield
        ended = (_STATUS[status["status"]], _milliseconds(status["time"]))
        self._client.set_terminated(self._run_id, *ended)
        self._stored["status"], self._stored["end"] = ended
        yield

    def _add_figures(self) -> Iterator[None]:
        """Adds those that were drawn after the run was recorded: more may be asked for than at first."""
        drawn = sorted((self._folder.path / _FIGURES).glob("[!.]*"))
        if not drawn:
            return
        there = {Path(artifact.path).name for artifact in self._client.list_artifacts(self._run_id, _FIGURES)}
        yield
        for file in drawn:
            if file.name not in there:
                self._client.log_artifact(self._run_id, str(file), _FIGURES)
                yield

    def _record_result(self, status: Status) -> None:
        from mlflow.entities import Metric, RunTag

        result, timing = self._folder.result(), self._folder.timing()
        values = {
            **{f"test/{name}": value for name, value in result["test"].items()},
            **{f"unit/{group}/accuracy": value for group, value in result.get("units", {}).items()},
            "train/seconds": timing["seconds"],
        }
        # At step 0 the UI draws a bar a run, and the mean of a group of runs; at any other, a curve of a single dot.
        metrics = [Metric(key, value, _milliseconds(status["time"]), 0) for key, value in values.items()]
        self._client.log_batch(self._run_id, metrics=metrics, tags=[RunTag("weights.sha256", result["weights_sha256"])])
        self._stored["tags"]["weights.sha256"] = result["weights_sha256"]


def _metrics(epoch: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """An epoch's metrics, as MLflow knows them."""
    yield from ((key, epoch[column]) for key, column in _CURVES.items())
    yield from epoch.get("metrics", {}).items()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
