"""All that a command is to record in its store, and one look at all of it."""

import contextlib
import threading
from collections.abc import Iterator

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.orphans import Orphans
from src.recording.parent_recorder import ParentRecorder
from src.recording.recorder import Recorder
from src.recording.records import Record, Records
from src.recording.store import Store, connect, is_away, noted_uri, open_store


class Books:
    """The recorders of a command's own records, and what dead commands have left in the same store."""

    def __init__(self, tracking: Tracking, records: Records) -> None:
        self._tracking = tracking
        self._records = records
        self._store: Store | None = None
        self._recorders: dict[str, Recorder | ParentRecorder] = {}
        self._elsewhere: dict[str, Record] = {}  # which another living command records
        self._orphans: Orphans | None = None
        self._changing = threading.Lock()

    @property
    def level(self) -> bool:
        """Whether all that was to be recorded is."""
        return all(recorder.level for recorder in self._recorders.values())

    def open(self) -> None:
        """Opens the store at once; `UserError` where it can't be used."""
        self._store = open_store(self._tracking)

    def follow(self, noted: Record) -> None:
        """Adds a record, which may be another living command's."""
        with self._changing:
            if noted.owner != self._records.owner:
                self._elsewhere[noted.file_name] = noted
            elif noted.file_name not in self._recorders:
                kind = ParentRecorder if noted.folder is None else Recorder
                self._recorders[noted.file_name] = kind(self._records, noted)

    def look(self) -> Iterator[None]:
        """Records what is new; yields after each call of the store. Raises what went wrong, at the end if it can."""
        if self._store is None:
            self._store = connect(self._tracking)
            yield
        failures = []
        with self._changing:
            recorders = list(self._recorders.items())
        for name, recorder in recorders:
            try:
                yield from recorder.look(self._store)
            except (UserError, FileNotFoundError):  # the folder is being emptied for a new attempt; the next look shows
                pass
            except Exception as error:
                if is_away(error):
                    raise
                failures.append(error)
            if recorder.over:
                self._records.settle(recorder.record)
                with self._changing:
                    del self._recorders[name]
        self._take_over()
        yield from self._adopted().look(self._store)
        if failures:
            raise failures[0]

    def news(self) -> int:
        """How many records of dead commands the store holds since this was asked last."""
        brought = len(self._orphans.brought) if self._orphans else 0
        if self._orphans:
            self._orphans.brought.clear()
        return brought

    def close(self) -> None:
        """Notes, at the end, what is level; forgets the records of runs that never began."""
        for recorder in list(self._recorders.values()):
            with contextlib.suppress(UserError):
                if recorder.begun() and not recorder.level:
                    continue
            if recorder.level or recorder.record.run_id:  # else of an earlier attempt, which stands in the store
                self._records.settle(recorder.record)
            else:
                self._records.drop(recorder.record)

    def _take_over(self) -> None:
        """Takes what another command was to record, where that has died, or is done."""
        for name, record in list(self._elsewhere.items()):
            if taken := self._records.take(record):
                self.follow(taken)
                del self._elsewhere[name]

    def _adopted(self) -> Orphans:
        if self._orphans is None:  # once, after what is the command's own
            mine = (noted_uri(self._tracking), self._tracking.experiment)
            there = [record for record in self._records.orphans() if (record.uri, record.experiment) == mine]
            self._orphans = Orphans(self._records, there)
        return self._orphans
