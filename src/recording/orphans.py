"""Brings level what commands have left behind that are no more: their records, from the run folders."""

from collections.abc import Iterator, Sequence

from src.foundation.errors import UserError
from src.recording.entries import find
from src.recording.parent_recorder import ParentRecorder, bereaved
from src.recording.recorder import Recorder
from src.recording.records import Record, Records
from src.recording.store import Store


class Orphans:
    """Records without a living owner, all of one store.

    Those in `brought` it holds now; those in `left` not yet, since somebody trains them; those in `damaged` never.
    """

    def __init__(self, records: Records, orphans: Sequence[Record]) -> None:
        self.brought: list[Record] = []
        self.left: list[Record] = []
        self.damaged: list[tuple[Record, str]] = []  # and what is wrong
        self._records = records
        self._waiting = list(orphans)

    def look(self, store: Store) -> Iterator[None]:
        """Brings them level, parents first; yields after each call of the store. After an error it may be repeated."""
        while self._waiting:
            record = self._records.take(self._waiting[0])
            if record is not None:  # or another command was faster
                yield from self._bring(store, record)
            del self._waiting[0]
        self._records.sweep()

    def _bring(self, store: Store, record: Record) -> Iterator[None]:
        if record.folder is None:
            if record.status == "running":
                record = bereaved(self._records, record)
            parent = ParentRecorder(self._records, record)
            yield from parent.look(store)
            self._tell(parent)
            return
        run = Recorder(self._records, record)
        try:
            if not run.begun():
                yield from self._give_up(store, record)
                return
            yield from run.look(store)
            self._tell(run)
        except (UserError, FileNotFoundError) as error:
            self.damaged.append((record, str(error)))

    def _give_up(self, store: Store, record: Record) -> Iterator[None]:
        """Closes what the store has of a run that nobody makes: it never began, or its folder is gone."""
        run = find(store, record)
        yield
        if run is None:
            self._records.drop(record)
            return
        if run.info.status == "RUNNING":
            store.client.set_terminated(run.info.run_id, "KILLED", run.info.start_time)
            yield
        self._records.settle(record)

    def _tell(self, recorder: Recorder | ParentRecorder) -> None:
        if recorder.level:
            self._records.settle(recorder.record)
        (self.brought if recorder.level else self.left).append(recorder.record)
