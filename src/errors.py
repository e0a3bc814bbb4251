"""The user's mistakes, a run's failures, and the exit codes that tell them apart.

Every command ends through `run_command`: 0 done; 1 a run or a verification failed; 2 the user's input is wrong;
130 interrupted. A mistake of the user's gets one line on stderr and never a traceback.
"""

import atexit
import contextlib
import difflib
import errno
import gc
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import NoReturn

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130

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

    exit_code = WRONG_INPUT


class RunFailed(_Told):
    """A run or a verification failed, through no mistake in the command line."""

    exit_code = FAILED


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


def run_command(main: Callable[[], None]) -> NoReturn:
    """Runs a command to its exit code; `UserError`, `RunFailed` and a full disk are told in one line on stderr."""
    _open_closed_streams()
    # As it ends, Python would look for cycles among all that matplotlib and others have made: a fifth of a second.
    atexit.register(gc.freeze)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) is not signal.SIG_IGN:  # as under nohup
            signal.signal(ending, _interrupt)
    try:
        main()
    except (UserError, RunFailed) as error:
        _tell(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _tell("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # who reads has read enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in _MACHINE_ERRORS:
            raise
        _tell(machine_error(error))
        sys.exit(WRONG_INPUT)
    sys.exit(DONE)


def _open_closed_streams() -> None:
    """Has a standard stream that is closed, as by `>&-`, lead nowhere: a file opened later would take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", closefd=False))


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Holds interruptions back until the block ends: what is under way, like a database's transaction, is completed."""
    waiting: list[int] = []
    held = {}
    if threading.current_thread() is threading.main_thread():  # the only one that signals interrupt
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(ending)):
                held[ending] = signal.signal(ending, lambda signum, frame: waiting.append(signum))
    try:
        yield
    finally:
        for ending, handler in held.items():
            signal.signal(ending, handler)
    if waiting:
        raise KeyboardInterrupt


def machine_error(error: OSError) -> str:
    """An `OSError` in words: the path that it is about and what to mend."""
    reason = _MACHINE_ERRORS.get(error.errno or 0, error.strerror or str(error))
    return f"{error.filename}: {reason}" if error.filename else reason


def _tell(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    # `kill` and a closing terminal end a run the way Ctrl-C does: its status says KILLED, nothing is half-written.
    raise KeyboardInterrupt
