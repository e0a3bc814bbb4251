"""What a command can fail by: the user's mistakes, a run's failures, and what the machine has to mend.

`src/cli/command.py` turns each into its exit code and one line on stderr.
"""

import difflib
import errno
import re
from collections.abc import Iterable

# What the machine, not the program, has to mend: no space, no permission, a read-only disk, a file-size limit.
_MACHINE_ERRORS = {
    errno.ENOSPC: "no space left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EROFS: "the disk is read-only",
    errno.EFBIG: "the file would pass the limit on file sizes",
    errno.ENAMETOOLONG: "the name is too long",
}


class _Told(Exception):
    """An error that is told in its own words. They get into logs and records, so passwords in them are masked."""

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class UserError(_Told):
    """The user's input is wrong: the message names the key, the value and what is allowed, on one line."""


class RunFailed(_Told):
    """A run or a verification failed, through no mistake in the command line."""


def masked(text: str) -> str:
    """The text with *** in place of the passwords and tokens of the addresses in it."""
    text = re.sub(r"(://[^/\s:@]*:)(?!\d+/)\S*@", r"\1***@", text)
    text = re.sub(r"(https?://)[^/\s:@]+@", r"\1***@", text)
    return re.sub(r"([?&](?:password|passwd|pwd|token|secret)=)[^&\s]+", r"\1***", text, flags=re.IGNORECASE)


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """The tail of a message about an unknown `word`: the nearest allowed one, or all of them."""
    names = sorted(allowed)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    listing = ", ".join(names)
    return f"did you mean {near[0]}? (allowed: {listing})" if near else f"allowed: {listing}"


def is_machine_error(error: OSError) -> bool:
    """Whether it is the machine, not the program, that has to be mended."""
    return error.errno in _MACHINE_ERRORS


def machine_error(error: OSError) -> str:
    """An `OSError` in words: the path that it is about and what to mend."""
    reason = _MACHINE_ERRORS.get(error.errno or 0, error.strerror or str(error))
    return f"{error.filename}: {reason}" if error.filename else reason
