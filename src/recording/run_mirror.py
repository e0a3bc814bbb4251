"""Mirrors a run folder into its MLflow run: whatever the folder has and the store lacks is written.

All values and times are the folder's own. So mirroring may be repeated, cut short, or done long after the run, with the
same result: each metric once.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.recording.entry import Entry, State, settlement
from src.recording.mlflow_run import PARENT, create, cut, describe, find, run_id_of_parent
from src.recording.outbox import Outbox
from src.recording.store import Store
from src.runs.folder import RunFolder, Status, runs_folder
from src.runs.journal import Journal

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SECONDS_TO_LET_GO = 0.2
_CURVES = {
    "train/loss": "train_loss",
    "train/accuracy": "train_accuracy",
    "valid/loss": "valid_loss",
    "valid/accuracy": "valid_accuracy",
    "train/lr": "lr",
    "train/images_per_second": "images_per_second",
}
_LARGEST_BATCH = 1000  # metrics that MLflow accepts in one call
_FIGURES = "figures"
_ARTIFACTS = (
    *("config.yaml", "run.json", "diff.patch", "history.csv", "result.json", "test.json", "timing.json"),
    *("model.npz", "predictions.npz", _FIGURES),
)


class RunMirror:
    """Keeps one MLflow run up to date with one run folder."""

    _store: Store  # of the last pass
    _client: "MlflowClient"

    def __init__(self, outbox: Outbox, entry: Entry) -> None:
        self.entry = entry
        self._mirrored: State | None = None  # what the store holds all of; None: of a run that goes on, or not all
        self._outbox = outbox
        self._folder = RunFolder(runs_folder() / str(entry.folder))
        self._journal = Journal(self._folder.path / "journal.jsonl")
        self._attempt: str | None = None
        self._run_id = ""
        self._stored: dict[str, Any] = {}  # what the MLflow run has: status, end, tags
        self._waiting: list[dict[str, Any]] = []  # epochs that the store may lack
        self._read = -1  # the last epoch that was added to them

    def open(self, store: Store) -> None:
        """Connects to the store. The MLflow run is made when the folder has something to record."""
        self._store, self._client = store, store.client

    def update(self, store: Store, where: State | None, last: bool) -> bool | None:
        """Writes what is new into the store, which is `where`; returns whether that settles the entry.

        None: the run will not come, and what the store has of it is closed. last: a run that failed or was killed will
        not be resumed by this command, and one that has not begun won't begin.
        """
        status = self._folder.living_status()
        if not status or status["time"] == self.entry.passed_over:
            self._mirrored = None
            if not last:
                return False
            self._give_up()
            return None
        try:
            self._mirror(status, where)
        except Exception:
            self._attempt = self._mirrored = None  # what the store has by now isn't known: the next pass asks
            raise
        over = self._mirrored is not None and (last or self._stored["status"] == "FINISHED")
        return over and self._outbox.settle(self.entry, self._mirrored)

    def _give_up(self) -> None:
        """Closes what the store has of a run that will not come: it never began, or its folder is gone."""
        run = find(self._store, self.entry)
        if run and run.info.status == "RUNNING":
            self._client.set_terminated(run.info.run_id, "KILLED", run.info.start_time)
        if run:
            self._outbox.settle(self.entry, self.entry.settled)
        else:
            self._outbox.drop(self.entry)

    def _mirror(self, status: Status, where: State | None) -> None:
        if self._attempt != (attempt := str(self._folder.run().get("attempt", ""))):
            self._open(attempt)
        if status["status"] == "running":
            self._mirrored = None
            self._reopen()
            self._record_epochs()
        elif self._folder.idle(_SECONDS_TO_LET_GO):  # figures are drawn after the status is final
            state = settlement(self.entry, where)  # before anything of it is written
            if state == self._mirrored:
                return
            # That the run has ended is the last thing to be written of it.
            ended = (self._stored["status"], self._stored["end"]) == _end(status)
            if ended and (not self._folder.finished() or "weights.sha256" in self._stored["tags"]):
                self._add_figures()
            else:
                self._record_end(status)
            self._mirrored = state

    def _open(self, attempt: str) -> None:
        """Finds the MLflow run, or makes it, and completes what was lost of its beginning."""
        parent = run_id_of_parent(self._store, self._outbox, self.entry)
        run = find(self._store, self.entry, attempt)
        if run is None:
            run = create(self._store, self.entry, self._folder, parent)
        self._run_id, tags = run.info.run_id, dict(run.data.tags)
        self.entry = self._outbox.change(self.entry, run_id=self._run_id)
        describe(self._store, run, self._folder)
        if parent and tags.get(PARENT) != parent:
            self._client.set_tag(self._run_id, PARENT, parent)
        if run.info.run_name != self.entry.name:
            self._client.update_run(self._run_id, name=self.entry.name)
        history = self._client.get_metric_history(self._run_id, next(iter(_CURVES)))
        self._journal.rewind()
        epochs = self._journal.new()
        if not {(m.step, m.timestamp) for m in history} <= {(e["epoch"], _milliseconds(e["time"])) for e in epochs}:
            self._client.delete_run(self._run_id)  # the journal lost lines, and their epochs were trained again
            self._open(attempt)
            return
        # The last one may be there in part: it is sent again. What is the same to the bit, the store takes once.
        self._read = max((metric.step for metric in history), default=0) - 1
        self._waiting = [epoch for epoch in epochs if epoch["epoch"] > self._read]
        self._stored = {"status": run.info.status, "end": run.info.end_time, "tags": tags}
        self._attempt = attempt

    def _reopen(self) -> None:
        """Whatever an earlier process left in the store, the run is running again."""
        for tag in ("weights.sha256", "reason"):
            self._delete_tag(tag)
        if self._stored["status"] != "RUNNING":
            self._client.update_run(self._run_id, status="RUNNING")
            self._stored["status"] = "RUNNING"

    def _delete_tag(self, tag: str) -> None:
        if tag in self._stored["tags"]:
            self._client.delete_tag(self._run_id, tag)
            del self._stored["tags"][tag]

    def _record_epochs(self) -> None:
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

    def _record_end(self, status: Status) -> None:
        self._record_epochs()
        for name in _ARTIFACTS:
            path = self._folder.path / name
            if path.is_dir():
                self._client.log_artifacts(self._run_id, str(path), name)
            elif path.exists():
                self._client.log_artifact(self._run_id, str(path))
        self._delete_tag("reason")
        if status["reason"]:
            self._client.set_tag(self._run_id, "reason", cut(status["reason"]))
            self._stored["tags"]["reason"] = status["reason"]
        if self._folder.finished():
            self._record_result(status)
        find(self._store, self.entry)  # a request whose reply was lost may have been served late
        self._client.set_terminated(self._run_id, *_end(status))
        self._stored["status"], self._stored["end"] = _end(status)

    def _add_figures(self) -> None:
        """Adds the figures that were drawn after the run was recorded."""
        if drawn := {file.name: file for file in (self._folder.path / _FIGURES).glob("[!.]*")}:
            there = {Path(artifact.path).name for artifact in self._client.list_artifacts(self._run_id, _FIGURES)}
            for name in sorted(drawn.keys() - there):
                self._client.log_artifact(self._run_id, str(drawn[name]), _FIGURES)

    def _record_result(self, status: Status) -> None:
        from mlflow.entities import Metric, RunTag

        result, timing = self._folder.result(), self._folder.timing()
        values = {
            **{f"test/{name}": value for name, value in result["test"].items()},
            **{f"unit/{group}/accuracy": value for group, value in result.get("units", {}).items()},
            "train/seconds": timing["seconds"],
        }
        # At step 0 the UI draws a bar for each run, and the mean of a group of runs; else a curve of a single dot.
        metrics = [Metric(key, value, _milliseconds(status["time"]), 0) for key, value in values.items()]
        self._client.log_batch(self._run_id, metrics=metrics, tags=[RunTag("weights.sha256", result["weights_sha256"])])
        self._stored["tags"]["weights.sha256"] = result["weights_sha256"]


def _metrics(epoch: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """An epoch's metrics, with MLflow's names."""
    yield from ((key, epoch[column]) for key, column in _CURVES.items())
    yield from epoch.get("metrics", {}).items()


def _end(status: Status) -> tuple[str, int]:
    """MLflow's words for a final status, and its time [ms]."""
    return status["status"].upper(), _milliseconds(status["time"])


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
