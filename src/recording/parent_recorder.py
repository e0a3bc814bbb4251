"""The MLflow run under which the runs of a sweep stand."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from src.recording.entries import create_parent, find
from src.recording.records import Record, Records
from src.recording.store import Store
from src.runs.folder import RunFolder, runs_folder
from src.runs.liveness import living_status

_STATUS = {"running": "RUNNING", "finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}


class ParentRecorder:
    """Keeps a parent's MLflow run level with its record, which has all that there is to know."""

    def __init__(self, records: Records, record: Record) -> None:
        self.record = record
        self.level = self.over = False  # as of a Recorder
        self._records = records
        self._told: Record | None = None  # as the store has it

    def begun(self) -> bool:
        """Whether it is to be recorded: always, since the parent of a sweep is noted as it starts."""
        return True

    def look(self, store: Store) -> Iterator[None]:
        """Writes what is new; yields after each call of the store."""
        record = self._records.find(self.record) or self.record
        if record == self._told:
            return
        run = find(store, record)
        yield
        run_id = run.info.run_id if run else create_parent(store, record)
        yield
        self.record = record = self._records.change(record, run_id=run_id)
        if record.status == "running":
            if run and run.info.status != "RUNNING":
                store.client.update_run(run_id, status="RUNNING")
                yield
        else:
            yield from self._close(store, record, run_id)
            self.level = self.over = True
        self._told = record

    def _close(self, store: Store, record: Record, run_id: str) -> Iterator[None]:
        if record.report:
            log_report(store, run_id, **record.report)
            yield
        find(store, record)  # a request whose reply was lost may have been served late
        yield
        store.client.set_terminated(run_id, _STATUS[record.status], int(record.ended * 1000))
        yield


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


def bereaved(records: Records, parent: Record) -> Record:
    """A parent whose command has died, ended as its runs stand; as it was, while one of them still goes on."""
    children = records.children(parent)
    ends = [living_status(RunFolder(runs_folder() / str(child.folder))) for child in children]
    states = {
        str(end["status"]) if end and end["time"] != child.passed_over else "killed"
        for child, end in zip(children, ends, strict=True)
    } or {"killed"}
    if "running" in states:
        return parent
    status = next(state for state in ("killed", "failed", "finished") if state in states)
    return records.change(
        parent, status=status, ended=max((end["time"] for end in ends if end), default=parent.started)
    )


def _key(name: str) -> str:
    # MLflow allows letters, digits and a few signs. Its UI puts charts into sections, named by what stands before a
    # metric's last slash, and sorts these: so a study's numbers are one section, below `valid` and the curves there.
    return "variants/" + re.sub(r"[^\w\-. ]", "_", name.replace("/", " "))
