"""Processes that a command starts for itself."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from src.foundation.files import ROOT

_SECONDS_BETWEEN_LOOKS = 0.5
# Not by PYTHONPATH, which can't name a folder with a colon in its name.
_START = """
import runpy, sys
root, module = sys.argv[1:3]
del sys.argv[1:3]
sys.path.insert(0, root)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def start_module(module: str, *arguments: str, **more: Any) -> "subprocess.Popen[bytes]":
    """Starts `python -m MODULE` with the code of this checkout; `more` as for `subprocess.Popen`.

    A Ctrl-C in the terminal does not reach it: what it does when its command is interrupted, the command decides.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, str(ROOT), module, *arguments], process_group=0, **more
    )


def begin_as_worker() -> None:
    """The first thing that a worker of a pool does: it leaves Ctrl-C to its parent, and ends when that has ended.

    `kill -9` of the parent closes no queue of a pool: workers would go on with queued jobs, and wait idly for more. The
    system's death signal (`PR_SET_PDEATHSIG`) is of Linux alone, and comes when the parent's *thread* ends.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent alone ends workers, and reports their state
    if (parent := multiprocessing.parent_process()) is not None:
        threading.Thread(target=_end_after, args=[parent.pid], daemon=True).start()


def _end_after(parent: int | None) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)
