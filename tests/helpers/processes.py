"""Processes that tests start: they can be interrupted, and none of them outlives a test that fails.

A pytest plugin. A failed assertion leaves a test before it has ended what it started, and what a killed command started
itself has no parent any more. Both are found by their environment, which names the test and this run of the suite.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.helpers.checkouts import environment

_OWNER = "TESTED_BY"


def pytest_configure(config: pytest.Config) -> None:
    os.environ[_OWNER] = str(os.getpid())
    # A shell without job control has its background commands ignore Ctrl-C, and so all that they start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except BaseException:
        for process in _started_by(os.environ["PYTEST_CURRENT_TEST"]):
            with contextlib.suppress(psutil.Error):
                process.kill()
        raise


def _started_by(test: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
            if (variables.get(_OWNER), variables.get("PYTEST_CURRENT_TEST")) == (os.environ[_OWNER], test):
                yield process


def start(*command: str, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Starts a command in a session of its own, its output in pipes."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@contextlib.contextmanager
def started(*command: str, cwd: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs, with its process group, until the block ends at the latest."""
    process = start(*command, cwd=cwd, **variables)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def until(condition: Callable[[], Any], process: subprocess.Popen[Any] | None = None, seconds: float = 120) -> Any:
    """Waits until a condition holds, and returns its value; fails when `process` ends before, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)
    return value
