"""The outbox: entries on the disk that say what belongs in an MLflow store, noted before the store is contacted.

runs/.records/
    <name>.json        a pending entry: the store may lack something of it
    level/<name>.json  a settled entry: the store holds all of it
    <owner>.owner      a lock that a recording command holds as long as it lives
    lock               held while any of this is changed

Nothing is lost when the store is away, or when a recording process is killed: `python -m src.sync`, and the next
command that records, take over pending entries that have no living owner. What happens meanwhile is in `writer.py`: one
warning, and another try every 15 seconds; how long a command waits at its end is in `writer_process.py`.
"""

import dataclasses
import os
import secrets
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import read_json, write_json
from src.foundation.kernel_lock import kernel_lock
from src.foundation.locks import is_free
from src.recording.entry import Entry, State, settlement
from src.runs.folder import runs_folder


class Outbox:
    """This machine's entries, as one command sees them; as a context, it owns those that it notes or takes over.

    owner: the owner to act for, in another process; this object is then not used as a context.
    """

    def __init__(self, owner: str | None = None) -> None:
        self._folder = runs_folder() / ".records"
        self.owner = owner or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._alive = kernel_lock(self._folder / f"{self.owner}.owner")
        self._changing = kernel_lock(self._folder / "lock")
        self._read_before: dict[Path, tuple[tuple[int, int, int], Entry | None]] = {}

    def __enter__(self) -> "Outbox":
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._changing:  # or another command might remove the lock file before it is locked
            self._alive.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing:
            self._alive.release()
            for lock in self._folder.glob("*.owner"):  # and of commands that were killed
                if is_free(lock):
                    lock.unlink(missing_ok=True)

    # --- Reading

    def pending(self) -> list[Entry]:
        """The entries of which the store may lack something, parents first."""
        return self._all(self._folder)

    def settled(self) -> list[Entry]:
        """The entries of which the store holds everything, as far as this machine knows; parents first."""
        return self._all(self._folder / "level")

    def entries(self) -> list[Entry]:
        """All entries."""
        return [*self.pending(), *self.settled()]

    def mine(self) -> list[Entry]:
        """The pending entries that this command owns."""
        return [entry for entry in self.pending() if entry.owner == self.owner]

    def orphans(self) -> list[Entry]:
        """The pending entries whose owners have died. Costs one check of a lock for each owner."""
        pending = [entry for entry in self.pending() if entry.owner != self.owner]
        others = {owner for entry in pending for owner in (entry.owner, entry.heir)} - {self.owner}
        living = {owner for owner in others if self.lives(owner)}
        return [entry for entry in pending if not {entry.owner, entry.heir} & living]

    def find(self, entry: Entry) -> Entry | None:
        """The entry as it is on the disk."""
        return _read(self._pending(entry)) or _read(self._settled(entry))

    def current(self, entry: Entry) -> Entry | None:
        """Of the parents that supersede each other in the entry's study and store, the one that ended last."""
        same = [e for e in self.entries() if e.supersedes and (e.study, e.place) == (entry.study, entry.place)]
        ended = [parent for parent in same if parent.status in ("finished", "failed")]
        return max(ended, key=lambda parent: parent.ended, default=None)

    def is_settled(self, entry: Entry, store: State | None) -> bool:
        """Whether this store is known to hold the entry's attempt with its end and its figures."""
        known = self.find(entry)
        if not known or known.owner or (known.name, known.study) != (entry.name, entry.study):
            return False
        if known.settled is None or known.settled != settlement(known, store):
            return False
        newest = self.current(known) if known.supersedes else known
        return newest is not None and newest.identity == known.identity

    def lives(self, owner: str) -> bool:
        """Whether a command is alive."""
        return bool(owner) and not is_free(self._folder / f"{owner}.owner")

    def is_free(self, entry: Entry) -> bool:
        """Whether no other living command owns the entry, as it is on the disk, or waits to own it."""
        known = self.find(entry) or entry
        return not any(self.lives(owner) for owner in {known.owner, known.heir} - {self.owner})

    # --- Changing

    def note(self, entry: Entry, before: float | None = None) -> Entry:
        """Notes an entry, pending; returns it as it is then, which may be another living command's.

        before: the time of a status in the run folder that is passed over.
        """
        with self._changing:
            known = self.find(entry) or replace(entry, owner="")
            if known.owner != self.owner and not self.is_free(known):
                entry = replace(known, heir=self.owner)
            else:
                entry = replace(
                    entry,
                    owner=self.owner,
                    heir=known.heir,
                    passed_over=known.passed_over if known.owner else before,
                    run_id=known.run_id,
                    started=known.started,
                    report=entry.report or known.report,
                    settled=known.settled,
                )
            self._write(entry)
        return entry

    def take(self, entry: Entry) -> Entry | None:
        """Takes over an entry without a living owner; None if a command has it, be it this one, or if it is gone."""
        with self._changing:
            known = self.find(entry)
            if known is None or known.owner == self.owner or not self.is_free(known):
                return None
            self._write(taken := replace(known, owner=self.owner, heir="", adopted=True))
        return taken

    def change(self, entry: Entry, **changes: Any) -> Entry:
        """Rewrites fields of an entry that this command owns; returns it as it is then."""
        with self._changing:
            changed: Entry = replace(_read(self._pending(entry)) or entry, **changes)
            self._write(changed)
        return changed

    def settle(self, mirrored: Entry, state: State | None, gone: bool = False) -> bool:
        """Settles an entry that is still pending, and still the one that was mirrored; else returns False.

        Its id in the store may be new. state: what `settlement` gave before the store was written to. gone: the run
        will not come, and the store has none, so the entry is removed. A command that waits for the entry gets it
        instead.
        """
        with self._changing:
            known = _read(self._pending(mirrored))
            if known is None or replace(known, heir="", run_id=mirrored.run_id) != replace(mirrored, heir=""):
                return False
            run_id = mirrored.run_id or known.run_id
            settled = replace(known, run_id=run_id, owner="", adopted=False, heir="", passed_over=None, settled=state)
            if known.heir != self.owner and self.lives(known.heir):
                passed = state["end"] if state else known.passed_over
                self._write(replace(settled, owner=known.heir, passed_over=passed))
            else:
                if not gone:
                    write_json(self._settled(known), dataclasses.asdict(settled))
                self._pending(known).unlink(missing_ok=True)
        return True

    def remove(self, entry: Entry) -> bool:
        """Forgets an entry, unless a living command has it; returns whether it is gone."""
        with self._changing:
            if self.find(entry) is None or not self.is_free(entry):
                return self.find(entry) is None
            for file in (self._pending(entry), self._settled(entry)):
                file.unlink(missing_ok=True)
        return True

    def _pending(self, entry: Entry) -> Path:
        return self._folder / entry.file_name

    def _settled(self, entry: Entry) -> Path:
        return self._folder / "level" / entry.file_name

    def _write(self, entry: Entry) -> None:
        write_json(self._pending(entry), dataclasses.asdict(entry))
        self._settled(entry).unlink(missing_ok=True)

    def _all(self, folder: Path) -> list[Entry]:
        entries = [entry for file in folder.glob("*.json") if (entry := self._read_changed(file)) is not None]
        return sorted(entries, key=lambda entry: (entry.folder is not None, entry.started))

    def _read_changed(self, file: Path) -> Entry | None:
        """An entry's file, read again only if it has been replaced since."""
        try:
            there = file.stat()
        except FileNotFoundError:  # moved at this moment
            return None
        version = (there.st_ino, there.st_mtime_ns, there.st_size)
        if self._read_before.get(file, (None,))[0] != version:
            self._read_before[file] = (version, _read(file))
        return self._read_before[file][1]


def _read(file: Path) -> Entry | None:
    try:
        return Entry(**read_json(file))
    except (UserError, TypeError):  # not there, moved at this moment, or no entry
        return None
