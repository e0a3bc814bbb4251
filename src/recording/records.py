"""What is to stand in a tracking store, noted on the disk before the store is first asked.

runs/.records/
    <name>.json        a record of which the store may lack something
    level/<name>.json  one that the store holds whole
    <owner>.owner      a lock, held as long as it lives by the command that records
    lock               held while any of this is changed

So nothing is lost when the store is away, or when who records is killed: `python -m src.sync`, and the next command
that records, take up what has no living owner.
"""

import contextlib
import dataclasses
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from src.foundation.errors import UserError
from src.foundation.files import read_json, sha256, write_json
from src.foundation.locks import is_free
from src.runs.folder import runs_folder

_DIGITS_OF_NAME = 32  # characters of the digest


@dataclass(frozen=True, kw_only=True)
class Record:
    """One entry of a store: a run in one of its places, or the parent run below which others stand."""

    identity: str  # what it is found by in the store
    name: str  # for people
    uri: str | None = None  # of the store, without credentials; None: the repository's own
    experiment: str
    study: str | None = None  # what runs that belong together are called
    folder: str | None = None  # of the run, below runs/: its fingerprint; None: a parent
    parent: str | None = None  # the identity of the record below which it stands
    variant: str | None = None  # what tells it from the others there
    passed_over: float | None = None  # the time of a status that tells of an earlier attempt, which isn't recorded here
    status: str = "running"  # of a parent, which has no folder to tell it, and its times
    started: float = 0.0
    ended: float = 0.0
    report: Mapping[str, Any] | None = None  # of a parent: `metrics`, `tags`, and the `folder` of files
    run_id: str | None = None  # in the store, as last seen
    owner: str = ""

    @property
    def file_name(self) -> str:
        """Of the record's file: the same entry has another one for each store."""
        place = "\n".join([self.uri or "", self.experiment, self.identity])
        return f"{sha256(place.encode())[:_DIGITS_OF_NAME]}.json"


def identity_of_run(folder: str, parent: str | None = None, variant: str | None = None) -> str:
    """A run is recorded once under each parent and variant, however often it is reused there."""
    return sha256("/".join((folder, parent or "", variant or "")).encode())


def identity_of_sweep(title: str, fingerprints: Sequence[str]) -> str:
    """The same command over the same jobs is the same parent, so that one that was killed is gone on with."""
    return sha256("\n".join(["sweep", title, *fingerprints]).encode())


class Records:
    """The records of this machine, as one command sees them; as a context, it owns those that it notes or takes up.

    owner: of the context on whose behalf these are used, in another process; no context itself then.
    """

    def __init__(self, owner: str | None = None) -> None:
        self._folder = runs_folder() / ".records"
        self.owner = owner or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        # Taken and let go of by different threads.
        self._alive = FileLock(self._folder / f"{self.owner}.owner", thread_local=False)

    def __enter__(self) -> "Records":
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._changing():  # or it might be swept away between its making and its taking
            self._alive.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changing():
            self._alive.release()
            Path(self._alive.lock_file).unlink(missing_ok=True)

    def note(self, record: Record, before: float | None = None) -> Record:
        """Notes that this is to be recorded; returns the record as it stands, which may be another living command's.

        before: the time of a status that stands in the run folder and is passed over.
        """
        with self._changing():
            known = _read(self._pending(record))
            if known and self._living(known):
                return known
            former = known or _read(self._level(record))
            noted = replace(
                record,
                owner=self.owner,
                run_id=former.run_id if former else None,
                started=former.started if former else record.started,
                report=record.report or (former.report if former else None),
                passed_over=known.passed_over if known else before,
            )
            self._write(noted)
        return noted

    def take(self, record: Record) -> Record | None:
        """Takes up a record that has no living owner; None while another command has it, or if it is gone."""
        with self._changing():
            known = self.find(record)
            if known is None or self._living(known):
                return None
            taken = replace(known, owner=self.owner)
            self._write(taken)
        return taken

    def change(self, record: Record, **changes: Any) -> Record:
        """Rewrites some of a record that is this command's own."""
        with self._changing():
            changed: Record = replace(_read(self._pending(record)) or record, **changes)
            self._write(changed)
        return changed

    def settle(self, record: Record) -> None:
        """Notes that the store holds all of it."""
        with self._changing():
            known = _read(self._pending(record))
            if known:
                write_json(self._level(record), dataclasses.asdict(replace(known, passed_over=None, owner="")))
                self._pending(record).unlink(missing_ok=True)

    def drop(self, record: Record) -> None:
        """Forgets a record of which there is nothing to be recorded."""
        with self._changing():
            self._pending(record).unlink(missing_ok=True)

    def find(self, record: Record) -> Record | None:
        """The record as it stands on the disk."""
        return _read(self._pending(record)) or _read(self._level(record))

    def parent_of(self, record: Record) -> Record | None:
        """The record below which this one stands."""
        return self.find(replace(record, identity=record.parent)) if record.parent else None

    def children(self, parent: Record) -> list[Record]:
        """The records below a parent."""
        place = (parent.identity, parent.uri, parent.experiment)
        there = [*_all(self._folder), *_all(self._folder / "level")]
        return [record for record in there if (record.parent, record.uri, record.experiment) == place]

    def pending(self) -> list[Record]:
        """The records of which the store may lack something, parents first."""
        return sorted(_all(self._folder), key=lambda record: (record.folder is not None, record.started))

    def level(self) -> list[Record]:
        """The records that the store holds whole, as far as is known here; parents first."""
        return sorted(_all(self._folder / "level"), key=lambda record: (record.folder is not None, record.started))

    def orphans(self) -> list[Record]:
        """The pending records whose owners have died, parents first."""
        return [one for one in self.pending() if one.owner != self.owner and not self._living(one)]

    def sweep(self) -> None:
        """Removes what dead owners have left of their locks."""
        with self._changing():
            for lock in self._folder.glob("*.owner"):
                if is_free(lock):
                    lock.unlink(missing_ok=True)

    def _living(self, record: Record) -> bool:
        if record.owner == self.owner:
            return False
        return bool(record.owner) and not is_free(self._folder / f"{record.owner}.owner")

    def _pending(self, record: Record) -> Path:
        return self._folder / record.file_name

    def _level(self, record: Record) -> Path:
        return self._folder / "level" / record.file_name

    def _write(self, record: Record) -> None:
        write_json(self._pending(record), dataclasses.asdict(record))
        self._level(record).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with FileLock(self._folder / "lock"):
            yield


def _all(folder: Path) -> list[Record]:
    records = [_read(file) for file in sorted(folder.glob("*.json"))]
    return [record for record in records if record is not None]


def _read(file: Path) -> Record | None:
    try:
        return Record(**read_json(file))
    except (UserError, TypeError):  # not there, moved this very moment, or no record
        return None
