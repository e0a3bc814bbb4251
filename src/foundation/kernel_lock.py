"""A file lock of the operating system; refused where the file system has none, or only pretends to."""

import contextlib
import errno
import os
from functools import partial
from pathlib import Path
from typing import Any

from filelock import AcquireReturnProxy, FileLock

_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)


class KernelLock(FileLock):
    """filelock's lock. Without a hook it would fall back to a file that a dead process holds for ever."""

    def acquire(self, *arguments: Any, **named: Any) -> AcquireReturnProxy["KernelLock"]:
        """As filelock's; raises `OSError` with ENOLCK if the file system has no locks."""
        try:
            return super().acquire(*arguments, **named)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK), self.lock_file) from None


def kernel_lock(path: Path) -> KernelLock:
    """The lock of a file."""
    return KernelLock(path, on_acquired=partial(_require_exclusive, path))


def _require_exclusive(path: Path, held: int) -> None:
    """Raises `OSError` if a lock that is held can be taken once more."""
    import fcntl  # late: on Windows, which has none, a command says what it needs

    with contextlib.suppress(FileNotFoundError), open(path, "rb+", buffering=0) as again:
        if not os.path.samestat(os.fstat(held), os.fstat(again.fileno())):  # another process has replaced it
            return
        try:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        else:
            raise OSError(errno.ENOLCK, "locks have no effect")
