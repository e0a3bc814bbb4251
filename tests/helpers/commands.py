"""Running a command in this process: what it prints and its exit code, without the second that starting one takes."""

import atexit
import contextlib
import gc
import importlib
import io
import signal
import subprocess
import sys
from unittest import mock

from src.cli.command import run_command


def run_main(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `python -m src.<command> ARGUMENTS` in this process, in its folder and environment."""
    main = importlib.import_module(f"src.{command}").main
    argv = [f"src.{command}", *arguments]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            mock.patch.object(sys, "argv", argv),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            run_command(main)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        atexit.unregister(gc.freeze)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())
