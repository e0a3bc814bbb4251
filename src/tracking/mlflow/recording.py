"""What a command records: noted on the disk by who trains, written to the store by a thread of its own.

So the store may be slow, fail, or be away: that costs one warning and no time of the training. Whatever it lacks when
the command ends is on the disk, and `python -m src.sync`, or the next command, brings it level.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from src.runs.store import runs_folder
from src.tracking.mlflow.books import Books
from src.tracking.mlflow.store import is_server, noted_uri, one_line, store_uri, without_credentials
from src.tracking.records import Record, Records, identity_of_run
from src.tracking.tracker import Null, Tracking

_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_UNTIL_ASKED_AGAIN = 15.0  # a store that failed
_SECONDS_OF_PATIENCE = 8.0  # at the end, with a server that makes no progress
_SECONDS_FOR_A_DATABASE = 60.0  # a local one, which is slow where the machine is, and else fails by itself
_SECONDS_UNTIL_TOLD = 3.0
_MOST_TRIES = 3  # at the end, with a store that does some of what it is asked to


class Recording:
    """A context in which a thread keeps a store level with what `follow` was told of.

    Entering raises `UserError` where the store is a local one that can't be used. When the context is left, all is in
    the store, or told to be missing there.
    """

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking
        self._uri = noted_uri(tracking)
        self._patience = _SECONDS_OF_PATIENCE if is_server(store_uri(tracking)) else _SECONDS_FOR_A_DATABASE
        self._records = Records()
        self._books = Books(tracking, self._records)
        self._news = threading.Condition()
        self._asked = self._answered = 0  # passes over everything, which someone waits for
        self._progress = time.monotonic()  # when the store last did what it was asked to
        self._left = threading.Event()  # the command has ended
        self._failing = self._gave_up = self._warned = self._told_back = False
        self._thread = threading.Thread(target=self._work, name="recording", daemon=True)

    def __enter__(self) -> "Recording":
        if is_server(store_uri(self._tracking)):
            import mlflow  # noqa: F401  # now: the thread would take the second that it needs from the training
        else:
            self._books.open()
        self._records.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()
        with self._news:
            self._left.set()
            self._news.notify_all()
        self._thread.join(_SECONDS_BETWEEN_LOOKS if self._failing else self._patience)
        with contextlib.suppress(OSError):  # of a full disk: what isn't noted as level is looked at once more
            self._books.close()
        if self._failing:
            print("MLflow lacks some of this; `python -m src.sync` records the rest", file=sys.stderr)
        if not self._thread.is_alive():  # else the records are its own until the process ends
            self._records.__exit__()

    def entry(self, **fields: Any) -> Record:
        """A record for this store."""
        return Record(uri=self._uri, experiment=self._tracking.experiment, **fields)

    def follow(self, record: Record, before: Mapping[str, Any] | None = None) -> None:
        """Has the run of the record's folder recorded from now on, or the parent.

        before: a status that stands in the folder and tells of an earlier attempt.
        """
        self._books.follow(self._records.note(record, before["time"] if before else None))

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
        """Waits until the store has all that there is by now, unless it makes no progress.

        Returns whether it has all.
        """
        with self._news:
            if self._failing and self._gave_up:
                return False
            self._asked += 1
            asked = self._asked
            self._progress = time.monotonic()
            self._news.notify_all()
            told = False
            try:
                while self._answered < asked:
                    self._news.wait(0.1)
                    idle = time.monotonic() - self._progress
                    if idle > self._patience:
                        self._failing = self._gave_up = True
                        break
                    if idle > _SECONDS_UNTIL_TOLD and not told:
                        told = True
                        print("waiting for the MLflow store; Ctrl-C leaves it to `python -m src.sync`", file=sys.stderr)
            except KeyboardInterrupt:
                self._failing = self._gave_up = True
            self._gave_up |= self._failing
            return not self._failing and self._books.level

    # --- The thread

    def _work(self) -> None:
        tries = 0
        while not self._left.is_set():
            with self._news:
                asked, start = self._asked, self._progress
            failure: Exception | None = None
            try:
                for _ in self._books.look():
                    self._progress = time.monotonic()
                    if self._left.is_set():
                        return
            except Exception as error:
                failure = error
            self._tell(failure)
            with self._news:
                tries += 1
                if failure is None or self._progress <= start or tries >= _MOST_TRIES:
                    self._answered = asked
                    self._news.notify_all()
                    tries = 0
                pause = _SECONDS_UNTIL_ASKED_AGAIN if failure else _SECONDS_BETWEEN_LOOKS
                self._news.wait_for(lambda: self._left.is_set() or self._asked > self._answered, pause)

    def _tell(self, failure: Exception | None) -> None:
        if failure is None:
            if self._failing and not self._told_back:
                self._told_back = True
                print("the MLflow store is back; recording goes on", file=sys.stderr)
            self._failing = False
            if brought := self._books.news():
                print(f"MLflow: {brought} records of earlier commands brought level", file=sys.stderr)
            return
        self._failing = True
        if not self._warned:
            self._warned = True
            print(
                f"warning: the MLflow store {without_credentials(store_uri(self._tracking))} failed "
                f"({one_line(failure)}); the run folders hold everything, and it gets what it lacks when it is back",
                file=sys.stderr,
            )


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
