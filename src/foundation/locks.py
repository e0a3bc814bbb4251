"""Locks that die with their owner: the system lets go of one when the process that holds it ends, however it ends.

So liveness is whether a lock is held. A process id would say nothing on another host, nor after a restart, and a time
nothing after the clock was moved.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], str]) -> Iterator[None]:
    """Holds the lock file `path`; where another process holds it, says so once, as `waiting` puts it, and waits."""
    from filelock import FileLock, Timeout  # which nobody needs who only imports

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for {waiting()}", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def is_free(path: Path, wait: float = 0.0) -> bool:
    """Whether no process holds the lock; one that does is given `wait` seconds to let go. Makes no file."""
    from filelock import FileLock, Timeout

    if not path.exists():
        return True
    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        return False
    lock.release()
    return True
