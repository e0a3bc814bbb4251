"""Mirrors a run folder into its MLflow run: whatever the folder has and the store lacks is written.

All values and times are the folder's own. So mirroring may be repeated, cut short, or done long after the run, with the
same result: each metric once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from src.recording.entry import Entry, State, settlement
from src.recording.mlflow_run import PARENT, add_data, create, create_parent, cut, description, find
from src.recording.outbox import Outbox
from src.recording.run_metrics import CURVES, milliseconds, of_epoch, of_finished
from src.recording.store import Store, is_server
from src.runs.annotations import read_annotations
from src.runs.finished import FinishedRun
from src.runs.folder import START, START_OPTIMIZER, Status
from src.runs.journal import Journal

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, RunTag

_SECONDS_TO_LET_GO = 0.2
_LARGEST_BATCH = 1000  # metrics and tags that MLflow accepts in one call
_FIGURES = "figures"
_NOTE = "note"  # the tag with what people say of the run; its description says what the run is
_FILES = (
    *("config.yaml", "run.json", "diff.patch", "history.csv", "result.json", "test.json", "timing.json"),
    *("model.npz", "predictions.npz", "steps.npz", START, START_OPTIMIZER),
)


class RunMirror:
    """Keeps one MLflow run up to date with one run folder."""

    def __init__(self, store: Store, outbox: Outbox, entry: Entry) -> None:
        self.entry = entry
        self._store, self._client = store, store.client
        self._outbox = outbox
        self._folder = entry.run_folder
        self._journal = Journal(self._folder.path / "journal.jsonl")
        self._files = FinishedRun(self._folder.path)  # of the open attempt, each read once
        self._attempt: str | None = None  # whose MLflow run is open here
        self._run_id = ""
        self._new = False  # whether the MLflow run was made here, so that it has nothing yet
        self._tags: Mapping[str, str] = {}  # of the MLflow run, as it was opened
        self._lacks: tuple[Sequence[Param], Sequence[RunTag]] = (), ()  # of what says what the run is
        self._ended = False  # whether the MLflow run was opened with the end that the folder has
        self._recorded = -1  # the last epoch that the store is known to have
        self._mirrored: State | None = None  # the end that the store has all of

    def update(self, where: State | None, last: bool) -> bool | None:
        """Writes what is new into the store, which is `where`; returns whether that settles the entry.

        None: the run will not come, and what the store has of it is closed. last: a run that failed or was killed will
        not be resumed by this command, and one that has not begun won't begin. If training again failed, the folder has
        the finished run of the earlier attempt again.
        """
        status = self._folder.living_status()
        passed_over = not status or status["time"] == self.entry.passed_over
        if passed_over and not (last and self._folder.finished()):
            if not last:
                return False
            # It never began, or its folder is gone.
            run = find(self._store, self.entry)
            if run and run.info.status == "RUNNING":
                self._client.set_terminated(run.info.run_id, "KILLED", run.info.start_time)
            self._outbox.settle(self.entry, self.entry.settled, gone=run is None)
            return None
        if status["status"] == "running":
            self._open(status)
            self._record_epochs()
            return False
        if not self._folder.idle(_SECONDS_TO_LET_GO):  # figures are drawn after the status is final
            return False
        state = settlement(self.entry, where)  # before anything of it is written
        if state != self._mirrored:
            self._open(status)
            self._add_figures()
            self._annotate()
            if not self._ended:
                self._record_end(status, where)
            elif any(self._lacks):
                self._record_epochs()
            self._mirrored, self._attempt = state, None  # if it is resumed, it has to be opened again
        self.entry = replace(self.entry, run_id=self._run_id or self.entry.run_id)
        settles = state is not None and (last or status["status"] == "finished")
        return settles and self._outbox.settle(self.entry, state)

    def _open(self, status: Status) -> None:
        """Finds the attempt's MLflow run, or makes it, and completes what was lost of its beginning."""
        if self._attempt == (attempt := str(self._folder.run().get("attempt", ""))):
            return
        above = self._outbox.find(replace(self.entry, identity=self.entry.parent)) if self.entry.parent else None
        parent = above.run_id if above and above.owner == self._outbox.owner else None  # opened before its runs
        if above and not parent:
            parent = (find(self._store, above) or create_parent(self._store, above)).info.run_id
        self._files = FinishedRun(self._folder.path)
        found = find(self._store, self.entry, attempt)
        run = found or create(self._store, self.entry, self._files.config, parent)
        self._run_id, self._new, self._tags = run.info.run_id, found is None, run.data.tags
        self.entry = replace(self.entry, run_id=self._run_id)
        if status["status"] == "running":  # else the entry is about to be settled, and written then
            self.entry = self._outbox.change(self.entry, run_id=self._run_id)
        add_data(self._store, run, self._files.config, self._files.about["digests"]["data"])
        self._lacks = description(run, self._files.config)
        if parent and run.data.tags.get(PARENT) != parent:
            self._client.set_tag(self._run_id, PARENT, parent)
        if run.info.run_name != self.entry.name:
            self._client.update_run(self._run_id, name=self.entry.name)
        history = [] if self._new else self._client.get_metric_history(self._run_id, next(iter(CURVES)))
        self._journal.rewind()
        epochs = self._journal.new()
        if not {(m.step, m.timestamp) for m in history} <= {(e["epoch"], milliseconds(e["time"])) for e in epochs}:
            self._client.delete_run(self._run_id)  # the journal lost lines, and their epochs were trained again
            self._open(status)
            return
        # The last one may be there in part: it is sent again. What is the same to the bit, the store takes once.
        self._recorded = max((metric.step for metric in history), default=0) - 1
        self._journal.rewind()
        self._ended = (run.info.status, run.info.end_time) == _end(status)
        if not self._ended:  # an earlier process may have left another end
            for tag in {"weights.sha256", "reason"} & run.data.tags.keys():
                self._client.delete_tag(self._run_id, tag)
            if run.info.status != "RUNNING":
                self._client.update_run(self._run_id, status="RUNNING")
        self._attempt = attempt

    def _record_epochs(self, further: "Sequence[Metric]" = (), tags: "Sequence[RunTag]" = ()) -> None:
        """Writes the epochs that the store lacks; with the last of them, further metrics, tags, and the description."""
        waiting = [epoch for epoch in self._journal.new() if epoch["epoch"] > self._recorded]
        params, tags = self._lacks[0], [*self._lacks[1], *tags]
        batch: list[Metric] = []
        whole = map(of_epoch, waiting)  # the store takes a batch or none of it: so no epoch stands in two
        for metrics in (*whole, *([metric] for metric in further)):
            if len(batch) + len(metrics) > _LARGEST_BATCH - len(params) - len(tags):
                self._client.log_batch(self._run_id, metrics=batch)
                batch = []
            batch += metrics
        if batch or params or tags:
            self._client.log_batch(self._run_id, metrics=batch, params=params, tags=tags)
        self._lacks = (), ()
        if waiting:
            self._recorded = waiting[-1]["epoch"]

    def _record_end(self, status: Status, where: State | None) -> None:
        from mlflow.entities import RunTag

        for path in (self._folder.path / name for name in _FILES):
            if path.exists():
                self._client.log_artifact(self._run_id, str(path))
        metrics: list[Metric] = []
        tags = [RunTag("reason", cut(status["reason"]))] if status["reason"] else []
        if self._folder.finished():
            metrics = of_finished(self._folder, self._files, milliseconds(status["time"]))
            tags.append(RunTag("weights.sha256", self._folder.result()["weights_sha256"]))
        self._record_epochs(metrics, tags)
        if where and is_server(where["uri"]):  # a request whose reply was lost may have been served late
            find(self._store, self.entry)
        self._client.set_terminated(self._run_id, *_end(status))  # last: a run that has its end has everything

    def _annotate(self) -> None:
        """Gives the MLflow run the tags and the note of the folder, and removes those that were removed there."""
        from mlflow.entities import RunTag

        found = read_annotations(self._folder.path)
        wanted = {key: None if value is None else value or "true" for key, value in found.tags.items()}
        if found.note or _NOTE in self._tags:
            wanted[_NOTE] = found.note
        for key in [key for key, value in wanted.items() if value is None and key in self._tags]:
            self._client.delete_tag(self._run_id, key)
        if tags := [RunTag(key, cut(v)) for key, v in wanted.items() if v not in (None, self._tags.get(key))]:
            self._client.log_batch(self._run_id, tags=tags)

    def _add_figures(self) -> None:
        """Adds the figures that the store lacks: some are drawn after the run was recorded."""
        if drawn := {file.name: file for file in (self._folder.path / _FIGURES).glob("[!.]*")}:
            listed = [] if self._new else self._client.list_artifacts(self._run_id, _FIGURES)
            for name in sorted(drawn.keys() - {Path(artifact.path).name for artifact in listed}):
                self._client.log_artifact(self._run_id, str(drawn[name]), _FIGURES)


def _end(status: Status) -> tuple[str, int]:
    """MLflow's words for a final status, and its time [ms]."""
    return status["status"].upper(), milliseconds(status["time"])
