"""Running commands: in this process, without the second that starting one takes; and a training, by its outcome."""

import atexit
import contextlib
import gc
import io
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

from tests.helpers.checkouts import ROOT, Shell


def run_main(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m src.<command> ARGUMENTS` in this process, in its folder and environment.

    The rooms are this checkout's, already imported: what a test puts in their place, such as another `home`, is used.
    """
    module = f"src.{command}" if (ROOT / f"src/{command}.py").exists() else f"src.{command}.__main__"
    argv = [module, *arguments]
    imported = sys.modules.pop(module, None)  # by a test; runpy warns of it
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            mock.patch.object(sys, "argv", argv),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            runpy.run_module(module, run_name="__main__")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        if imported is not None:
            sys.modules[module] = imported
        atexit.unregister(gc.freeze)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def trained(shell: Shell, *overrides: str) -> tuple[Path, str]:
    """Trains in a checkout; the run folder, and the MLflow run id, empty if it is not recorded."""
    done = shell("python", "-m", "src.train", *overrides)
    assert done.returncode == 0, done.stderr
    return reported(done.stdout)


def reported(told: str) -> tuple[Path, str]:
    """The run folder that a training names, and the MLflow run id, empty if it is not recorded."""
    found = re.search(r"^run folder +(.+)\n(?:MLflow run +(\w+))?", told, re.MULTILINE)
    assert found, told
    return Path(found[1]), found[2] or ""
