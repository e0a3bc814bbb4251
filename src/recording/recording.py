"""What a command records: it notes entries in the outbox, and a process of its own writes them to the store.

So training waits neither for the import of MLflow, which takes as long as a small training with all its figures, nor
for a store that is slow, fails, or is away.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from src.config.tracking import Tracking
from src.foundation.signals import interrupts_wait
from src.recording.entry import REPORTED, Entry, identity_of_run, settlement
from src.recording.outbox import Outbox
from src.recording.store import holds_experiment, is_server, noted_uri, store_uri, tracking_of, trashed, whereabouts
from src.recording.writer_process import WriterProcess
from src.runs.folder import RunFolder, runs_folder


class Recording:
    """A context in which everything that is passed to `follow` is recorded.

    Entering raises `UserError` where a local store has to be opened first, and can't be. When the context is left, the
    store has everything, or one line says that it has not. What is settled already starts no process.
    """

    def __init__(self, tracking: Tracking) -> None:
        self._tracking = tracking
        # An entry for this store, of its other fields.
        self.entry: Callable[..., Entry] = partial(Entry, uri=noted_uri(tracking), experiment=tracking.experiment)
        self._outbox = Outbox()
        self._writer = WriterProcess(tracking, self._outbox.owner)
        self._followed: dict[str, Entry] = {}
        self._known: list[Entry] = []  # settled before: the store is not asked about them
        self._held: Entry | None = None  # a settled parent, noted when one of its runs is
        self._reused: dict[str, list[str]] = {}  # by parent: the identities of runs that have no copy below it

    def __enter__(self) -> "Recording":
        try:
            # A server may be away, and a database that has the experiment can be opened: the writer does that later.
            if not (is_server(store_uri(self._tracking)) or holds_experiment(self._tracking)):
                self._writer.open_store()
            self._store = whereabouts(self._tracking)
            self._outbox.__enter__()
        except BaseException:
            self._writer.end(at_once=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.settle()
        finally:
            with interrupts_wait():
                self._writer.end()
                # What another process is still training is recorded when that has ended.
                if any(entry.idle() for entry in self._outbox.mine()) and not self._writer.died:
                    print("MLflow lacks some of this; `python -m src.sync` records the rest", file=sys.stderr)
                self._outbox.__exit__()
            for run_id, command in trashed(self._tracking, filter(None, map(self.run_id, self._known))).items():
                print(f"MLflow run {run_id} is in the trash; to restore it, run {command}", file=sys.stderr)

    def run(self, name: str, folder: RunFolder, fresh: bool = False, **place: str | None) -> Entry:
        """Records a run that has finished, or that this command is about to train; returns its entry.

        fresh: it is trained again if it has finished. place: the entry's `study`, `parent`, `variant` and `command`,
        if any. A run that the store has elsewhere is recorded again for a study alone, which stays complete; a plain
        sweep lists it.
        """
        path = folder.path.relative_to(runs_folder()).as_posix()
        parent = place.get("parent")
        identity = identity_of_run(path, parent, place.get("variant"))
        entry = self.entry(identity=identity, name=name, folder=path, **place)
        status = folder.living_status()
        if status and not self._outbox.find(entry) and (first := self._firsts.get(path)):
            if place.get("study"):
                entry = replace(entry, copy_of=first.identity)
            else:
                entry = replace(first, adopted=False)
                self._reused.setdefault(parent or "", []).append(first.identity)
        self.follow(entry, None if folder.finished() and not fresh else status)
        return entry

    @cached_property
    def _firsts(self) -> Mapping[str, Entry]:
        """The entries of this store by their folders, without copies."""
        place, entries = self.entry(identity="", name="").place, self._outbox.entries()
        return {e.folder: e for e in reversed(entries) if e.folder and e.place == place and not e.copy_of}

    def follow(self, entry: Entry, before: Mapping[str, Any] | None = None) -> None:
        """Records a run from now on, unless it is settled; or a parent.

        before: a status in the run folder that belongs to an earlier attempt.
        """
        self._followed[entry.file_name] = entry
        if entry.folder is None or before or not self._outbox.is_settled(entry, self._store):
            self._note(entry, before["time"] if before else None)
        else:
            self._known.append(entry)

    @contextlib.contextmanager
    def parent(
        self, name: str, study: str | None, identity: str, supersedes: bool = False, **described: str
    ) -> Iterator[Entry]:
        """A parent for the runs of a block. It ends with the block: finished, failed if that raises, or killed.

        supersedes: its runs become the study's current ones, and earlier ones no longer are. described: the entry's
        `about` and `command`, if any.
        """
        about = {"name": name, "study": study, "identity": identity, "supersedes": supersedes, **described}
        parent = self.entry(started=time.time(), **about)
        if self._outbox.is_settled(parent, self._store):
            self._held = parent
        else:
            self.follow(parent)
        status = "failed"
        try:
            yield parent
            status = "finished"
        except KeyboardInterrupt:
            status = "killed"
            raise
        finally:
            if parent.file_name in self._followed:
                self.follow(replace(parent, status=status, ended=time.time(), reused=self._reused.get(parent.identity)))

    def report(
        self, identity: str, metrics: Mapping[str, float], tags: Mapping[str, str], files: Path, new: bool = True
    ) -> None:
        """Puts numbers, texts and all files of a folder on a parent when it has ended, unless that has been done.

        The parent may be one that was recorded before; nothing happens if the store has none of this identity.
        new: whether the files have changed.
        """
        report = {"metrics": dict(metrics), "tags": dict(tags), "folder": str(files)}
        unknown = self.entry(identity=identity, name="", status=REPORTED)
        known = self._outbox.find(unknown) or unknown
        if new or known.report != report:
            self.follow(replace(self._followed.get(known.file_name, known), report=report))

    def run_id(self, entry: Entry) -> str:
        """The id in the store; empty as long as the store is not known to have everything."""
        known = self._outbox.find(entry)
        return (known.run_id if known and known.settled and not known.owner else None) or ""

    def settle(self, left: Callable[[int], object] = lambda number: None) -> None:
        """Waits until the store has everything that there is by now.

        A store that makes no progress ends the waiting, and so does a Ctrl-C. left: is called meanwhile with the number
        of runs that the store lacks.
        """
        try:
            with interrupts_wait():
                for entry in [e for e in self._followed.values() if e.folder]:  # noting one may add its parent
                    known = self._outbox.find(entry)  # if it is settled, there may be more figures since
                    now = settlement(known, self._store) if known and known.settled and not known.owner else None
                    if known and now is not None and now != known.settled:  # None: it is being trained again
                        self._note(entry)
            self._writer.wait(left)
        except KeyboardInterrupt:
            self._writer.end(at_once=True)

    def _note(self, entry: Entry, before: float | None = None) -> None:
        if (held := self._held) is not None:
            self._held = None
            self.follow(held)
        self._outbox.note(entry, before)
        self._writer.start()


def record_again(folder: str) -> None:
    """Brings the MLflow runs of a run up to date with its folder, below runs/; there may be none, or several."""
    entries = [entry for entry in Outbox().entries() if entry.folder == folder]
    for uri, experiment in {entry.place for entry in entries}:
        tracking = tracking_of(uri or None, experiment)
        if whereabouts(tracking) is not None:
            with Recording(tracking) as recording:
                for entry in [entry for entry in entries if entry.place == (uri, experiment)]:
                    recording.follow(entry)
