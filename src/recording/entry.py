"""An entry of the outbox: one run, or one parent of runs, that belongs in an MLflow store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import sha256, sha256_file
from src.runs.folder import RunFolder, runs_folder
from src.runs.summary import NOTES

REPORTED = "reported"  # the status of a parent that only the store knows, and that gets a report
_DIGITS_OF_NAME = 32  # characters of the digest
State = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the store is to hold, and where its data is: a run in one of its places, or a parent run."""

    identity: str  # the store's tag by which it is found
    name: str  # for people
    uri: str | None = None  # of the store, without credentials; None: the repository's own
    experiment: str
    study: str | None = None  # the common name of runs that belong together
    folder: str | None = None  # of the run, below runs/: its fingerprint; None: a parent
    parent: str | None = None  # the identity of the parent
    variant: str | None = None  # distinguishes it from the parent's other runs
    copy_of: str | None = None  # of a study's run that was recorded elsewhere before: the identity there
    reused: Sequence[str] | None = None  # of a parent: the identities of its runs that are recorded elsewhere alone
    about: str = ""  # of a parent: what it is, in words
    command: str = ""  # that a user types to get it
    passed_over: float | None = None  # the time of a status that belongs to an earlier attempt, not recorded here
    status: str = "running"  # of a parent, which has no folder with its status and times; or `REPORTED`
    started: float = 0.0
    ended: float = 0.0
    report: Mapping[str, Any] | None = None  # of a parent: `metrics`, `tags`, and the `folder` of files
    supersedes: bool = False  # of a parent: once it has ended, its runs are the study's current ones
    run_id: str | None = None  # in the store, as last seen
    owner: str = ""  # the command that records it; none of a settled entry
    adopted: bool = False  # by its owner, from a command that has died
    heir: str = ""  # another command that wants it recorded, and takes it over when the owner has settled it
    settled: Mapping[str, Any] | None = None  # the attempt, end, figures and store for which it was last settled

    @property
    def file_name(self) -> str:
        """The name of the entry's file: one for each store that the run belongs in."""
        place = "\n".join([*self.place, self.identity])
        return f"{sha256(place.encode())[:_DIGITS_OF_NAME]}.json"

    @property
    def place(self) -> tuple[str, str]:
        """The store and its experiment."""
        return self.uri or "", self.experiment

    @property
    def run_folder(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(runs_folder() / str(self.folder))

    def idle(self) -> bool:
        """Whether no process trains the run; a parent is not trained."""
        return self.folder is None or self.run_folder.idle()


def identity_of_run(folder: str, parent: str | None = None, variant: str | None = None) -> str:
    """The identity of a run: it is recorded once under each parent and variant, however often it is reused there."""
    return sha256("/".join((folder, parent or "", variant or "")).encode())


def settlement(entry: Entry, store: State | None) -> State | None:
    """For what an entry is settled if `store` holds all that there is now; None while its run goes on."""
    if entry.folder is None:
        return {"store": store, "end": entry.ended}
    folder = entry.run_folder
    try:
        status = folder.status()
        if status.get("status") in (None, "running"):
            return None
        figures = sorted(file.name for file in (folder.path / "figures").glob("[!.]*"))
        state = {"store": store, "attempt": folder.run().get("attempt"), "end": status["time"], "figures": figures}
        notes = folder.path / NOTES
        return {**state, "notes": sha256_file(notes)} if notes.exists() else state
    except (UserError, OSError):  # damaged, or emptied at this moment for another attempt
        return None
