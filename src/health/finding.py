"""A finding: one problem in a checkout, and its repair."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from src.foundation.errors import UserError
from src.foundation.locks import locked


class Finding(NamedTuple):
    """A problem and its place. There is a `mend` only if it loses nothing that can't be made again."""

    what: str
    where: Path
    mend: Callable[[], object] | None
    advice: str  # what `mend` does; without `mend`, what the user can do


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """Why `read` rejects a file or folder as damaged or incomplete; empty if it is good."""
    try:
        read(path)
    except (UserError, ValueError, FileNotFoundError) as error:
        return str(error)
    return ""


def owned(lock: Path, owner: str) -> AbstractContextManager[None]:
    """The lock, to be held in a `with` block; a command that waits for it names its `owner`."""
    return locked(lock, lambda: owner)


def repair(lock: AbstractContextManager[None], wrong: Callable[[], object], change: Callable[[], object]) -> None:
    """Makes a change under its lock, if it is still needed: another process may have been faster."""
    with lock:
        if wrong():
            change()
