"""One pass over the outbox: mirrors each entry of one store into it."""

import contextlib
from collections.abc import Iterator, Sequence

from src.config.tracking import Tracking
from src.foundation.errors import UserError, machine_error
from src.recording.entry import Entry, State
from src.recording.outbox import Outbox
from src.recording.parent_mirror import ParentMirror
from src.recording.run_mirror import RunMirror
from src.recording.store import Store, is_away, noted_uri, whereabouts
from src.runs.folder import runs_folder


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
        self._failures: list[Exception] = []  # of the present pass

    def mirror(self, store: Store, last: bool = False, everything: bool = False) -> None:
        """Makes a pass. An entry that fails does not stop the others: the first error is raised at the end.

        An error of the store as a whole is raised at once. last: no more training will follow, so also settle runs that
        failed or were killed, and drop those that never began. everything: mirror settled entries again; one that fails
        stays settled.
        """
        where = whereabouts(self._tracking)
        settled = [entry for entry in self._outbox.settled() if everything and entry.place == self._place]
        self._failures = []
        try:
            self._mirror([*self._pending(), *settled], store, where, last)
        finally:
            for entry in settled:
                known = self._outbox.find(entry)
                if known and known.owner == self._outbox.owner and entry.file_name not in self.left:
                    self._outbox.settle(known, known.settled)
        if self._failures:
            raise self._failures[0]

    def _pending(self) -> list[Entry]:
        """The command's own entries, then those of dead owners; a command that is not known to live adopts nothing."""
        alive = self._outbox.lives(self._outbox.owner)
        pending = [*self._outbox.mine(), *(self._outbox.orphans() if alive else ())]
        return [entry for entry in pending if entry.place == self._place]

    def _mirror(self, entries: Sequence[Entry], store: Store, where: State | None, last: bool) -> None:
        mirrors = [mirror for entry in entries if (mirror := self._owned(entry))]
        for orphans in (False, True):  # whose folders may be damaged: the command's own entries come first
            group = [mirror for mirror in mirrors if mirror.entry.adopted == orphans]
            for mirror in group:  # runs need the ids of their parents
                with self._apart(mirror.entry):
                    mirror.open(store)
            for mirror in sorted(group, key=lambda mirror: mirror.entry.folder is None):  # a parent ends after its runs
                with self._apart(mirror.entry):
                    settled = mirror.update(store, where, last or orphans)
                    self._count(mirror.entry, settled, orphans)

    def _owned(self, entry: Entry) -> RunMirror | ParentMirror | None:
        """The mirror of an entry, taken over where its owner has died; None if another command was faster."""
        name = entry.file_name
        if entry.owner != self._outbox.owner:
            if (taken := self._outbox.take(entry)) is None:
                return None
            entry = taken
        kind = ParentMirror if entry.folder is None else RunMirror
        mirror = self._mirrors.setdefault(name, kind(self._outbox, entry))
        mirror.entry = entry
        return mirror

    @contextlib.contextmanager
    def _apart(self, entry: Entry) -> Iterator[None]:
        """Keeps an entry that fails from stopping the others."""
        try:
            yield
        except (UserError, FileNotFoundError) as error:  # or emptied at this moment for another attempt
            self.damaged[entry.file_name] = (entry, str(error))
        except Exception as error:
            if isinstance(error, OSError) and str(error.filename).startswith(str(runs_folder())):
                self.damaged[entry.file_name] = (entry, machine_error(error))
            elif is_away(error):
                raise
            else:
                self._failures.append(error)

    def _count(self, mirrored: Entry, settled: bool | None, orphan: bool) -> None:
        name = mirrored.file_name
        if settled is False:
            if orphan:
                self.left[name] = mirrored
            return
        self._mirrors.pop(name, None)
        self.left.pop(name, None)
        if settled and orphan:
            self.recorded[name] = mirrored
