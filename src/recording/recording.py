"""What a command records: noted on the disk, and written to the store by a bookkeeper in a process of its own.

So neither importing MLflow, which takes as long as a small training with all its figures, nor a store that is slow,
fails, or is away takes time from the training.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from src.config.tracking import Tracking
from src.recording.desk import Desk
from src.recording.records import Record, Records, identity_of_run
from src.recording.store import holds_experiment, is_server, noted_uri, store_uri
from src.runs.folder import runs_folder
from src.runs.tracker import Null


class Keeper(Protocol):
    """Who keeps the store level: `Bookkeeper`, here or elsewhere."""

    def start(self, opened: bool) -> None: ...
    def follow(self, noted: Record) -> None: ...
    def settle(self) -> bool: ...
    def leave(self) -> None: ...


class Recording:
    """A context in which a store is kept level with what `follow` was told of.

    Entering raises `UserError` where the store is a local one that can't be used. When the context is left, all is in
    the store, or told to be missing there.
    """

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking
        self._uri = noted_uri(tracking)
        self._records = Records()
        self._keeper: Keeper = Desk(tracking, self._records.owner)

    def __enter__(self) -> "Recording":
        # A server may be away, and a database that holds the experiment opens: both can be left for later.
        self._keeper.start(opened=not (is_server(store_uri(self._tracking)) or holds_experiment(self._tracking)))
        try:
            self._records.__enter__()
        except BaseException:
            self._keeper.leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._keeper.leave()
        finally:
            self._records.__exit__()

    def entry(self, **fields: Any) -> Record:
        """A record for this store."""
        return Record(uri=self._uri, experiment=self._tracking.experiment, **fields)

    def follow(self, record: Record, before: Mapping[str, Any] | None = None) -> None:
        """Has the run of the record's folder recorded from now on, or the parent.

        before: a status that stands in the folder and tells of an earlier attempt.
        """
        self._keeper.follow(self._records.note(record, before["time"] if before else None))

    @contextlib.contextmanager
    def parent(self, name: str, study: str | None, identity: str) -> Iterator[Record]:
        """A parent, for the runs of a block; with it the parent ends: finished, failed if it raises, or killed."""
        parent = self.entry(name=name, study=study, identity=identity, started=time.time())
        self.follow(parent)
        status = "failed"
        try:
            yield parent
            status = "finished"
        except KeyboardInterrupt:
            status = "killed"
            raise
        finally:
            self.follow(replace(parent, status=status, ended=time.time()))

    def report(self, parent: Record, metrics: Mapping[str, float], tags: Mapping[str, str], files: Path) -> None:
        """Has numbers, texts and all files of a folder put on a parent when it ends."""
        self.follow(replace(parent, report={"metrics": dict(metrics), "tags": dict(tags), "folder": str(files)}))

    def run_id(self, record: Record) -> str:
        """The id in the store; empty where it isn't known."""
        found = self._records.find(record)
        return (found.run_id if found else None) or ""

    def settle(self) -> bool:
        """Waits until the store has all that there is by now, unless it makes no progress, or a Ctrl-C comes.

        Returns whether it has all.
        """
        return self._keeper.settle()


class Announcing(Null):
    """A tracker that has one run recorded from when it begins."""

    def __init__(self, recording: Recording, name: str, study: str | None) -> None:
        self._recording = recording
        self._about = {"name": name, "study": study}
        self._record: Record | None = None

    def started(self, folder: Path) -> None:
        below = folder.relative_to(runs_folder()).as_posix()
        self._record = self._recording.entry(identity=identity_of_run(below), folder=below, **self._about)
        self._recording.follow(self._record)

    @property
    def run_id(self) -> str:
        """The id in the store; empty where it isn't known."""
        return self._recording.run_id(self._record) if self._record else ""
