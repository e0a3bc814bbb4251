"""Mirrors a parent, under which the runs of a sweep or a study are, into its MLflow run."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from src.recording.entry import REPORTED, Entry, State, settlement
from src.recording.mlflow_run import create_parent, find, mark_current
from src.recording.outbox import Outbox
from src.recording.store import Store


class ParentMirror:
    """Keeps a parent's MLflow run up to date with its entry, which has all data of it."""

    def __init__(self, store: Store, outbox: Outbox, entry: Entry) -> None:
        self.entry = entry
        self._store = store
        self._outbox = outbox
        self._written: Entry | None = None  # as the store has it

    def open(self) -> None:
        """Finds the parent's MLflow run, or makes it: the runs below need its id."""
        if self.entry.adopted and self.entry.status == "running":
            self.entry = _ended_with_its_runs(self._outbox, self.entry)
        if self.entry == self._written:
            return
        run = find(self._store, self.entry)
        if run is None and self.entry.status == REPORTED:
            self._outbox.settle(self.entry, None, gone=True)
            return
        run = run or create_parent(self._store, self.entry)
        self.entry = self._outbox.change(self.entry, run_id=run.info.run_id)
        if self.entry.status == "running" and run.info.status != "RUNNING":
            self._store.client.update_run(run.info.run_id, status="RUNNING")
        self._written = self.entry

    def update(self, where: State | None, last: bool) -> bool:
        """Writes the report and the end, after the runs; returns whether that settles the entry."""
        store, entry, run_id = self._store, self.entry, self.entry.run_id
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
    children = [e for e in outbox.entries() if (e.parent, e.place) == (parent.identity, parent.place)]
    states, ended = {"killed"} if not children else set(), parent.started
    for child in children:
        end = child.run_folder.living_status()
        states.add("killed" if not end or end["time"] == child.passed_over else end["status"])
        ended = max(ended, end.get("time", 0.0))
    if "running" in states:
        return parent
    status = next(state for state in ("killed", "failed", "finished") if state in states)
    return outbox.change(replace(parent, status=status, ended=ended), status=status, ended=ended)


def _key(name: str) -> str:
    # MLflow allows letters, digits and a few signs. Its UI groups charts by what is before a metric's last slash, and
    # sorts the groups: so a study's numbers are one group, below `valid` and its curves.
    return "variants/" + re.sub(r"[^\w\-. ]", "_", name.replace("/", " "))
