"""Locks that the operating system releases when their owner ends, however it ends.

So a process is alive if it holds its lock. A process id means nothing on another host or after a restart, and a time
means nothing after the clock was changed.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], str]) -> Iterator[None]:
    """Holds the lock file `path`. If another process holds it, prints `waiting for ...` once and waits."""
    from filelock import Timeout  # late: not needed to import this file

    from src.foundation.kernel_lock import kernel_lock

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = kernel_lock(path)
    try:
        holding = lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for {waiting()}", file=sys.stderr, flush=True)
        holding = lock.acquire()
    with holding:
        yield


@contextlib.contextmanager
def locked_if_free(path: Path, wait: float = 0.0) -> Iterator[bool]:
    """Holds the lock file if no other process does, after waiting up to `wait` seconds; yields whether it is held."""
    from filelock import Timeout

    from src.foundation.kernel_lock import kernel_lock

    try:
        holding = kernel_lock(path).acquire(timeout=wait)
    except Timeout:
        yield False
        return
    with holding:
        yield True


def is_free(path: Path, wait: float = 0.0) -> bool:
    """Whether no process holds the lock, after waiting up to `wait` seconds. Creates no file."""
    if not path.exists():
        return True
    with locked_if_free(path, wait) as free:
        return free
