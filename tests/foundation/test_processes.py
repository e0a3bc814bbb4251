"""Processes that a command starts for itself end with it."""

import sys

import psutil

from tests.conftest import ROOT
from tests.helpers.processes import started

SECONDS_TO_DIE = 30
# Two pools one after the other, each in a thread of its own; the second has the workers of the first.
POOL = """
import os, threading, time
from joblib import Parallel, delayed
from src.foundation.processes import begin_as_worker

def ask():
    print(*Parallel(n_jobs=2, initializer=begin_as_worker)(delayed(os.getpid)() for _ in range(2)), flush=True)

for _ in range(2):
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
time.sleep(600)
"""


def test_workers_outlive_the_thread_that_started_them_and_end_with_its_process() -> None:
    with started(sys.executable, "-c", POOL, cwd=ROOT) as process:
        assert process.stdout is not None
        first, second = ({*map(int, process.stdout.readline().split())} for _ in range(2))
        children = psutil.Process(process.pid).children(recursive=True)  # the processes that track resources, too
        assert first
        assert first | second <= {child.pid for child in children}
        process.kill()
        _, alive = psutil.wait_procs(children, SECONDS_TO_DIE)
        assert not alive
