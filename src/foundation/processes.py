"""Processes that a command starts for itself."""

import os
import subprocess
import sys
from typing import Any

from src.foundation.files import ROOT


def start_module(module: str, *arguments: str, **more: Any) -> "subprocess.Popen[bytes]":
    """Starts `python -m MODULE` with the code of this checkout; `more` as for `subprocess.Popen`.

    A Ctrl-C in the terminal does not reach it: what it does when its command is interrupted, the command decides.
    """
    path = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        process_group=0,
        **more,
    )
