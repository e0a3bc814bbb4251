"""The MLflow runs of entries: found by their identity, made, and described. Those of parents are kept up to date here.

A parent has the runs of a sweep or a study below it, and its entry has all of its data. `run_mirror.py` mirrors runs.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.config.composition import choices
from src.foundation.schema import flatten, plain, show
from src.recording.descriptions import NOTE, WORKFLOW, of_parent, of_run
from src.recording.entry import REPORTED, Entry, State, settlement
from src.recording.outbox import Outbox
from src.recording.store import Store
from src.runs.folder import runs_folder

if TYPE_CHECKING:
    from mlflow.entities import Param, Run, RunTag

    from src.config.tree import Config

PARENT = "mlflow.parentRunId"
ATTEMPT = "attempt"  # another one has other metrics
CURRENT = "current"
COPY_OF = "copy.of"
MOST_RUNS = 50_000  # that MLflow returns for one search
_LONGEST_TAG = 5000  # characters that MLflow accepts
_SHOWN_OF_DIGEST = 12  # characters that the UI has room for; the tag data.sha256 holds all


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


def create(store: Store, entry: Entry, config: "Config", parent: str | None = None) -> "Run":
    """Makes the MLflow run of a run with this configuration, below the one with the id `parent`."""
    about, started = entry.run_folder.run(), entry.run_folder.status()["started"]
    digests, lineage, attempt = about["digests"], about["lineage"], str(about.get("attempt", ""))
    tags = {  # the UI shows them in this order: what people read comes first
        "experiment": config.name if config.name in choices("experiment") else None,
        "data": config.data.name,
        "study": entry.study or "none",
        "variant": entry.variant or entry.name,
        "command": entry.command or None,
        COPY_OF: _original(store, entry, attempt),
        CURRENT: "true",
        "identity": entry.identity,
        ATTEMPT: attempt,
        "fingerprint": digests["fingerprint"],
        "data.sha256": digests["data"],
        "code.sha256": digests["code"],
        "env.sha256": digests["env"],
        "folder": str(entry.run_folder.path),
        "mlflow.source.name": "python -m src.train",
        "mlflow.source.git.commit": lineage["git.commit"],
        **lineage,
        PARENT: parent,
        **about.get("tags", {}),  # a replay's verdict
    }
    return _create(store, entry.name, started, tags)


def create_parent(store: Store, entry: Entry) -> "Run":
    """Makes the MLflow run of a parent."""
    tags = {"study": entry.study, "command": entry.command or None, CURRENT: "true" if entry.supersedes else None}
    return _create(store, entry.name, entry.started, {**tags, "identity": entry.identity})


def _create(store: Store, name: str, started: float, tags: Mapping[str, str | None]) -> "Run":
    kept = {tag: cut(value) for tag, value in tags.items() if value is not None}
    return store.client.create_run(store.experiment_id, start_time=int(started * 1000), tags=kept, run_name=name)


def _original(store: Store, entry: Entry, attempt: str) -> str | None:
    """The id of the run that the entry's is a copy of; None if that one was trained again since, or is gone."""
    if not entry.copy_of:
        return None
    query = f"tags.identity = '{entry.copy_of}' and tags.{ATTEMPT} = '{attempt}'"
    found = store.client.search_runs([store.experiment_id], query, max_results=1)
    return str(found[0].info.run_id) if found else None


def _params(config: "Config") -> dict[str, Any]:
    """The configuration; of a table its columns are counted by kind, since their names may be many, and any text."""
    tree: dict[str, Any] = config.semantic(complete=True)
    if columns := tree["data"]["columns"]:
        tree["data"]["columns"] = ", ".join(f"{count} {kind}" for kind, count in Counter(columns.values()).items())
    return tree


def description(run: "Run", config: "Config") -> "tuple[list[Param], list[RunTag]]":
    """The parameters that an MLflow run lacks, and the tag that says what it is and how to replay it."""
    from mlflow.entities import Param, RunTag

    params = [] if run.data.params else [Param(key, show(value)) for key, value in flatten(_params(config))]
    if NOTE in run.data.tags:
        return params, []
    return params, [RunTag(NOTE, cut(of_run(str(run.info.run_name), config, run.data.tags, run.info.run_id)))]


def add_data(store: Store, run: "Run", config: "Config", digest: str) -> None:
    """Adds the data that a run was trained with to its MLflow run, unless it has them."""
    from mlflow.entities import Dataset, DatasetInput
    from mlflow.exceptions import MlflowException

    if run.inputs and run.inputs.dataset_inputs:
        return
    recipe = plain(config.data, semantic_only=True)
    if "columns" in recipe:
        recipe["columns"] = _params(config)["data"]["columns"]
    datasets = [DatasetInput(Dataset(config.data.name, digest[:_SHOWN_OF_DIGEST], "recipe", cut(str(recipe))))]
    try:
        store.client.log_inputs(run.info.run_id, datasets)
    except MlflowException:
        # MLflow looks a data set up, then inserts it: another command may have been faster, and a retry finds it.
        store.client.log_inputs(run.info.run_id, datasets)


class ParentMirror:
    """Keeps a parent's MLflow run up to date with its entry."""

    def __init__(self, store: Store, outbox: Outbox, entry: Entry) -> None:
        self.entry = entry
        self._store = store
        self._outbox = outbox
        self._written: Entry | None = None  # as the store has it
        self._described = False  # whether the store has a description

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
        self._written, self._described = self.entry, NOTE in run.data.tags

    def update(self, where: State | None, last: bool) -> bool:
        """Writes the report and the end, after the runs; returns whether that settles the entry."""
        from mlflow.entities import Metric, RunTag

        store, entry, run_id = self._store, self.entry, self.entry.run_id
        if entry.status == "running" or run_id is None:
            return False
        if report := entry.report:
            # MLflow allows letters, digits and a few signs. Its UI groups charts by what is before a metric's last
            # slash, and sorts the groups: so a study's numbers are one group, below `valid` and its curves.
            names = {name: re.sub(r"[^\w\-. ]", "_", name.replace("/", " ")) for name in report["metrics"]}
            metrics = [Metric(f"variants/{names[name]}", value, 0, 0) for name, value in report["metrics"].items()]
            store.client.log_batch(run_id, metrics=metrics, tags=[RunTag(*tag) for tag in report["tags"].items()])
            if Path(report["folder"]).is_dir():
                store.client.log_artifacts(run_id, report["folder"], "report")
        if not self._described:  # people may have edited it
            store.client.set_tag(run_id, NOTE, cut(self._description()))
        if self._outbox.current(entry) == entry:
            mark_current(store, entry)
        find(store, entry)  # a request whose reply was lost may have been served late
        if entry.status != REPORTED:
            store.client.set_terminated(run_id, entry.status.upper(), int(entry.ended * 1000))
        return self._outbox.settle(entry, settlement(entry, where))

    def _description(self) -> str:
        there = [self._outbox.find(replace(self.entry, identity=identity)) for identity in self.entry.reused or ()]
        place = f"#/experiments/{self._store.experiment_id}/runs/"
        reused = [f"- [{run.name}]({place}{run.run_id}?{WORKFLOW}), `{run.run_id}`" for run in there if run]
        about = self.entry.about or f"The runs of {self.entry.name}."
        return of_parent(about, self.entry.command, reused, self.entry.identity)


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
