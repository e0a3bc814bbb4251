"""One pass over the outbox: mirrors each entry of one store into it."""

from collections.abc import Callable, Sequence

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.entry import Entry, State, settlement
from src.recording.mlflow_run import find
from src.recording.outbox import Outbox
from src.recording.parent_mirror import ParentMirror, ended_with_its_runs
from src.recording.run_mirror import RunMirror
from src.recording.store import Store, is_away, noted_uri, whereabouts


class OutboxMirror:
    """Mirrors the entries that the outbox's command owns, and pending ones whose owners have died.

    recorded: entries that were taken over, and that the store has now. left: those whose runs another process still
    trains. damaged: those whose run folders can't be read, and why. All by file name.
    """

    def __init__(self, outbox: Outbox, tracking: Tracking) -> None:
        self.recorded: dict[str, Entry] = {}
        self.left: dict[str, Entry] = {}
        self.damaged: dict[str, tuple[Entry, str]] = {}
        self._outbox = outbox
        self._tracking = tracking
        self._place = (noted_uri(tracking) or "", tracking.experiment)
        self._mirrors: dict[str, RunMirror | ParentMirror] = {}
        self._adopted: set[str] = set()

    def mirror(self, store: Store, last: bool = False, everything: bool = False) -> None:
        """Makes a pass. An entry that fails does not stop the others: the first error is raised at the end.

        An error of the store as a whole is raised at once. last: no more training will follow, so also settle runs that
        failed or were killed, and drop those that never began. everything: mirror settled entries again; one that fails
        stays settled.
        """
        where = whereabouts(self._tracking)
        settled = [entry for entry in self._outbox.settled() if everything and entry.place == self._place]
        try:
            self._mirror([*self._pending(), *settled], store, where, last)
        finally:
            for entry in settled:
                if entry.file_name in self._mirrors and entry.file_name not in self.left:
                    self._outbox.put_back(entry)

    def _pending(self) -> list[Entry]:
        """The command's own entries, then those of dead owners; a command that is not known to live adopts nothing."""
        alive = self._outbox.lives(self._outbox.owner)
        pending = [*self._outbox.mine(), *(self._outbox.orphans() if alive else ())]
        return [entry for entry in pending if entry.place == self._place]

    def _mirror(self, entries: Sequence[Entry], store: Store, where: State | None, last: bool) -> None:
        failures: list[Exception] = []

        def each(step: Callable[[Entry], None], of: Sequence[Entry]) -> None:
            for entry in of:
                try:
                    step(entry)
                except (UserError, FileNotFoundError) as error:  # or emptied at this moment for another attempt
                    self.damaged[entry.file_name] = (entry, str(error))
                except Exception as error:
                    if is_away(error):
                        raise
                    failures.append(error)

        # Runs need the ids of their parents, and a parent ends after its runs.
        parents = [entry for entry in entries if entry.folder is None]
        each(lambda entry: self._open_parent(entry, store), parents)
        each(lambda entry: self._mirror_run(entry, store, where, last), [e for e in entries if e.folder is not None])
        each(lambda entry: self._close_parent(entry, store, where), parents)
        if failures:
            raise failures[0]

    def _open_parent(self, entry: Entry, store: Store) -> None:
        if (owned := self._owned(entry)) is None:
            return
        entry = owned
        if entry.status == "running" and entry.file_name in self._adopted:
            entry = ended_with_its_runs(self._outbox, entry)
        mirror = self._mirrors.setdefault(entry.file_name, ParentMirror(self._outbox, entry))
        assert isinstance(mirror, ParentMirror)
        mirror.entry = entry
        mirror.open(store)

    def _close_parent(self, entry: Entry, store: Store, where: State | None) -> None:
        mirror = self._mirrors.get(entry.file_name)
        if isinstance(mirror, ParentMirror):
            self._settle(mirror.entry, settlement(mirror.entry, where) if mirror.close(store) else None)

    def _mirror_run(self, entry: Entry, store: Store, where: State | None, last: bool) -> None:
        if (owned := self._owned(entry)) is None:
            return
        mirror = self._mirrors.setdefault(owned.file_name, RunMirror(self._outbox, owned))
        assert isinstance(mirror, RunMirror)
        mirror.entry = owned
        last |= owned.file_name in self._adopted
        if last and not mirror.begun():
            self._give_up(owned, store)
            return
        mirror.mirror(store, where)
        self._settle(mirror.entry, mirror.settlement if mirror.over or last else None)

    def _owned(self, entry: Entry) -> Entry | None:
        """The entry, taken over where its owner has died; None if another command was faster."""
        if entry.owner == self._outbox.owner:
            return entry
        if taken := self._outbox.take(entry):
            self._adopted.add(entry.file_name)
        return taken

    def _settle(self, mirrored: Entry, state: State | None) -> None:
        """Settles an entry that the store has all of; with no state it hasn't."""
        name = mirrored.file_name
        if state and self._outbox.settle(mirrored, state):
            del self._mirrors[name]
            self.left.pop(name, None)
            if name in self._adopted:
                self._adopted.remove(name)
                self.recorded[name] = mirrored
        elif name in self._adopted:
            self.left[name] = mirrored

    def _give_up(self, entry: Entry, store: Store) -> None:
        """Closes what the store has of a run that will not come: it never began, or its folder is gone."""
        run = find(store, entry)
        if run and run.info.status == "RUNNING":
            store.client.set_terminated(run.info.run_id, "KILLED", run.info.start_time)
        if run:
            self._outbox.settle(entry, entry.settled)
        else:
            self._outbox.drop(entry)
        del self._mirrors[entry.file_name]
        self._adopted.discard(entry.file_name)
