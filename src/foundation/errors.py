"""The ways in which a command fails: a wrong input, a failed run, or a problem of the machine.

`src/cli/command.py` maps each to an exit code and prints one line on stderr.
"""

import difflib
import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

# Problems of the machine, not of the program: no space, no permission, a read-only disk, a disk without locks.
_MACHINE_ERRORS = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "disk quota exceeded",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "the disk is read-only",
    errno.EFBIG: "the file would exceed the limit on file sizes",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTDIR: "a part of this path is not a folder",
    errno.ENOLCK: "file locks (flock), which keep commands apart, do not work on this disk; use a local one",
}


class _Message(Exception):
    """An error with a message for people. Messages are logged and recorded, so passwords in them are masked."""

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class UserError(_Message):
    """The user's input is wrong. The message is one line: the key, the value and what is allowed."""


class RunFailed(_Message):
    """A run or a verification failed although the input was valid."""


def masked(text: str) -> str:
    """The text, with passwords and tokens in addresses replaced by ***."""
    text = re.sub(r"(://[^/\s:@]*:)(?!\d+/)\S*@", r"\1***@", text)
    text = re.sub(r"(https?://)[^/\s:@]+@", r"\1***@", text)
    return re.sub(r"([?&](?:password|passwd|pwd|token|secret)=)[^&\s]+", r"\1***", text, flags=re.IGNORECASE)


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """The end of a message about an unknown `word`: the closest match, if any, and everything allowed."""
    names = {name: name if name == name.strip() else repr(name) for name in sorted(allowed)}
    lower = {name.lower(): name for name in names}
    begins = [name for name in lower if word and name.startswith(word.lower())]
    near = begins if len(begins) == 1 else difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    listing = ", ".join(names.values())
    return f"did you mean {names[lower[near[0]]]}? (allowed: {listing})" if near else f"allowed: {listing}"


def is_machine_error(error: OSError) -> bool:
    """Whether the machine, not the program, causes the error."""
    return error.errno in _MACHINE_ERRORS or bool(lost_link(error.filename))


def machine_error(error: OSError) -> str:
    """An `OSError` in words: the path and the reason."""
    if lost := lost_link(error.filename):
        return lost
    reason = _MACHINE_ERRORS.get(error.errno or 0, error.strerror or str(error))
    return f"{error.filename}: {reason}" if error.filename else reason


def lost_link(name: object) -> str:
    """Says of a path that it leads over a link to what is not there, such as a disk that is not mounted, else empty."""
    path = Path(str(name or "/"))
    lost = next((part for part in (path, *path.parents) if part.is_symlink() and not part.exists()), None)
    return f"{lost} is a link to {os.readlink(lost)}, which is not there" if lost else ""
