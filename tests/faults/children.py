"""Programs of this folder that inject faults in a process of their own, and report in lines of JSON."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tests.conftest import ROOT, environment


@contextlib.contextmanager
def json_lines(module: str, *arguments: object) -> Iterator[Iterator[Any]]:
    """The values that `python -m MODULE ARGUMENTS` prints, as it prints them; it must end well with the block."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield map(json.loads, process.stdout)
    assert process.returncode == 0


def fork(call: Callable[[], object]) -> int:
    """Starts a process that makes the call, and ends with 0, or with 1 after an error; returns its id."""
    if child := os.fork():
        return child
    code = 1
    try:
        call()
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        os._exit(code)


def end(child: int) -> int:
    """Waits for a child; its exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
