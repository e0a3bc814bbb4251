"""Processes that hold a lock until they are killed."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

_HOLD = """
import sys, time
from pathlib import Path
from src.foundation.locks import locked
with locked(Path(sys.argv[1]), str):
    print("held", flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def holding(lock: Path) -> Iterator[int]:
    """The id of a living process that holds the lock; it is killed when the block ends."""
    command = [sys.executable, "-c", _HOLD, str(lock)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGKILL)


def dead_pid() -> int:
    """The id of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid
