"""Mirrors a parent, under which the runs of a sweep or a study are, into its MLflow run."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from src.recording.entry import REPORTED, Entry, State, settlement
from src.recording.mlflow_run import create_parent, find, mark_current
from src.recording.outbox import Outbox
from src.recording.store import Store
from src.runs.folder import RunFolder, runs_folder


class ParentMirror:
    """Keeps a parent's MLflow run up to date with its entry, which has all data of it."""

    def __init__(self, outbox: Outbox, entry: Entry) -> None:
        self.entry = entry
        self._outbox = outbox
        self._written: Entry | None = None  # as the store has it

    def open(self, store: Store) -> None:
        """Finds the parent's MLflow run, or makes it: the runs below need its id."""
        if self.entry.adopted and self.entry.status == "running":
            self.entry = _ended_with_its_runs(self._outbox, self.entry)
        if self.entry == self._written:
            return
        run = find(store, self.entry)
        if run is None and self.entry.status == REPORTED:
            self._outbox.drop(self.entry)
            return
        run_id = run.info.run_id if run else create_parent(store, self.entry)
        self.entry = self._outbox.change(self.entry, run_id=run_id)
        if self.entry.status == "running" and run and run.info.status != "RUNNING":
            store.client.update_run(run_id, status="RUNNING")
        self._written = self.entry

    def update(self, store: Store, where: State | None, last: bool) -> bool:
        """Writes the report and the end, after the runs; returns whether that settles the entry."""
        entry, run_id = self.entry, self.entry.run_id
        if entry.status == "running" or run_id is None:
            return False
        if entry.report:
            log_report(store, run_id, **entry.report)
        if self._outbox.current(entry) == entry:
            mark_current(store, entry)
        find(store, entry)  # a request whose reply was lost may have been served late
        if entry.status != REPORTED:
            store.client.set_terminated(run_id, entry.status.upper(), int(entry.ended * 1000))
        return self._outbox.settle(entry, settlement(entry, where))


def log_report(store: Store, run_id: str, metrics: Mapping[str, float], tags: Mapping[str, str], folder: str) -> None:
    """Puts numbers, texts and all files of a folder on a parent's MLflow run."""
    from mlflow.entities import Metric, RunTag

    store.client.log_batch(
        run_id,
        metrics=[Metric(_key(name), value, 0, 0) for name, value in metrics.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )
    if Path(folder).is_dir():
        store.client.log_artifacts(run_id, folder, "report")


def _ended_with_its_runs(outbox: Outbox, parent: Entry) -> Entry:
    """A parent whose command has died, with the end that its runs have; as it was, while one of them still runs."""
    children = outbox.children(parent)
    ends = [RunFolder(runs_folder() / str(child.folder)).living_status() for child in children]
    states = {
        str(end["status"]) if end and end["time"] != child.passed_over else "killed"
        for child, end in zip(children, ends, strict=True)
    } or {"killed"}
    if "running" in states:
        return parent
    status = next(state for state in ("killed", "failed", "finished") if state in states)
    ended = max((end["time"] for end in ends if end), default=parent.started)
    return outbox.change(replace(parent, status=status, ended=ended), status=status, ended=ended)


def _key(name: str) -> str:
    # MLflow allows letters, digits and a few signs. Its UI groups charts by what is before a metric's last slash, and
    # sorts the groups: so a study's numbers are one group, below `valid` and its curves.
    return "variants/" + re.sub(r"[^\w\-. ]", "_", name.replace("/", " "))
