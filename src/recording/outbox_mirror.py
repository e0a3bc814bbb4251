"""Passes over the outbox: each mirrors the pending entries of one store into it, run by run.

A command's writer makes them for as long as the command lives. `sync` makes one for each store.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from src.config.tracking import Tracking
from src.foundation.errors import UserError, machine_error
from src.recording.entry import Entry, State
from src.recording.mlflow_run import ParentMirror
from src.recording.outbox import Outbox
from src.recording.run_mirror import RunMirror
from src.recording.store import Store, absolute, noted_uri, open_store, tracking_of, whereabouts
from src.recording.store_errors import as_user_errors, is_away, one_line
from src.runs.folder import runs_folder


class Synced(NamedTuple):
    """What passes did for commands that died: entries recorded, those still being trained, what failed and why.

    gone: the places of entries, in stores other than the repository's own, that can't be opened.
    """

    recorded: list[Entry]
    left: list[Entry]
    failures: list[str]
    gone: list[tuple[str, str]]


def sync(everything: bool = False, to: str | None = None) -> Synced:
    """Records the pending entries of all stores that have no living owner; with `everything`, also settled ones.

    to: another store, without credentials, that gets all entries of this machine, too.

    Raises:
        UserError: `to` has a password, is the repository's own store, or can't be used; then nothing is noted for it.
    """
    synced = Synced([], [], [], [])
    if to and (to := noted_uri(Tracking(uri=absolute(to)))) is None:
        raise UserError("--to: this is the store of this repository; `python -m src.sync --all` fills it")
    with Outbox() as outbox:
        known = outbox.entries() if to else []
        for experiment in {entry.experiment for entry in known}:
            with as_user_errors(Tracking(uri=to, experiment=experiment)):
                open_store(Tracking(uri=to, experiment=experiment))
        for entry in known:
            outbox.note(replace(entry, uri=to, run_id=None, settled=None, owner="", heir="", adopted=True))
        entries = [*outbox.orphans(), *outbox.mine(), *(outbox.settled() if everything else ())]
        for uri, experiment in sorted({entry.place for entry in entries}):
            tracking, store = tracking_of(uri or None, experiment), None
            try:
                store = open_store(tracking)
                OutboxMirror(outbox, tracking, store, synced).mirror(last=True, everything=everything)
            except Exception as error:
                if uri and store is None:
                    synced.gone.append((uri, experiment))
                synced.failures.append(f"the MLflow store {uri or 'of this repository'} failed: {one_line(error)}")
    return synced


def forget(gone: Collection[tuple[str, str]] = ()) -> list[Entry]:
    """Removes the pending entries that have no living owner, and the settled ones of places that are gone.

    Run folders stay as they are.
    """
    with Outbox() as outbox:
        left = [*outbox.orphans(), *(entry for entry in outbox.settled() if entry.place in gone)]
        return [entry for entry in left if entry.idle() and outbox.remove(entry)]


class OutboxMirror:
    """Mirrors the entries that the outbox's command owns, and pending ones whose owners have died.

    synced: gets the latter, and entries whose run folders can't be read. left: is called during a pass with the number
    of runs that are still to be mirrored.
    """

    def __init__(
        self,
        outbox: Outbox,
        tracking: Tracking,
        store: Store,
        synced: Synced,
        left: Callable[[int], object] = lambda number: None,
    ) -> None:
        self._outbox = outbox
        self._tracking = tracking
        self._store = store
        self._synced = synced
        self._left = left
        self._mirrors: dict[str, RunMirror | ParentMirror] = {}  # by the names of entries' files
        self._errors: list[Exception] = []  # of the present pass

    def mirror(self, last: bool = False, everything: bool = False) -> None:
        """Makes a pass. An entry that fails does not stop the others: the first error is raised at the end.

        An error of the store as a whole is raised at once. last: no more training will follow, so also settle runs that
        failed or were killed, and remove those that never began. everything: mirror settled entries again; one that
        fails stays settled.
        """
        where, self._errors = whereabouts(self._tracking), []
        # A command that is not known to live takes nothing over.
        orphans = self._outbox.orphans() if self._outbox.lives(self._outbox.owner) else []
        settled = self._outbox.settled() if everything else []
        place = (noted_uri(self._tracking) or "", self._tracking.experiment)
        try:
            entries = [entry for entry in (*self._outbox.mine(), *orphans, *settled) if entry.place == place]
            self._mirror([mirror for entry in entries if (mirror := self._owned(entry))], where, last)
        finally:
            for known in filter(None, map(self._outbox.find, settled)):
                if known.owner == self._outbox.owner and known.idle():
                    self._outbox.settle(known, known.settled)
        if self._errors:
            raise self._errors[0]

    def _owned(self, entry: Entry) -> RunMirror | ParentMirror | None:
        """The mirror of an entry, taken over where its owner has died; None if another command was faster."""
        owned = entry if entry.owner == self._outbox.owner else self._outbox.take(entry)
        if owned is None:
            return None
        kind = ParentMirror if owned.folder is None else RunMirror
        mirror = self._mirrors.setdefault(owned.file_name, kind(self._store, self._outbox, owned))
        mirror.entry = owned
        return mirror

    def _mirror(self, mirrors: Sequence[RunMirror | ParentMirror], where: State | None, last: bool) -> None:
        for orphans in (False, True):  # whose folders may be damaged: the command's own entries come first
            group = [mirror for mirror in mirrors if mirror.entry.adopted == orphans]
            parents = [mirror for mirror in group if isinstance(mirror, ParentMirror)]
            for parent in parents:  # runs need the ids of their parents
                with self._apart(parent.entry):
                    parent.open()
            runs = len(group) - len(parents)
            # A parent ends after its runs.
            for number, mirror in enumerate(sorted(group, key=lambda mirror: mirror.entry.folder is None)):
                if not orphans:
                    self._left(max(runs - number, 0))
                with self._apart(mirror.entry):
                    settled = mirror.update(where, last or orphans)
                    if settled is not False:
                        self._mirrors.pop(mirror.entry.file_name, None)
                    if orphans and settled is not None:
                        (self._synced.recorded if settled else self._synced.left).append(mirror.entry)

    @contextlib.contextmanager
    def _apart(self, entry: Entry) -> Iterator[None]:
        """Lets the others go on if an entry fails. The next pass asks the store again what it has of that one."""
        try:
            yield
        except Exception as error:
            self._mirrors.pop(entry.file_name, None)
            file = str(getattr(error, "filename", None))
            unreadable = file.startswith(f"{runs_folder()}/") and not file.startswith(f"{runs_folder()}/.records")
            if isinstance(error, OSError) and unreadable:
                self._synced.failures.append(f"{entry.name}: {machine_error(error)}")
            elif isinstance(error, UserError):
                self._synced.failures.append(f"{entry.name}: {error}")
            elif is_away(error):
                raise
            else:
                self._errors.append(error)
