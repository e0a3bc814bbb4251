"""Processes that a command starts for itself."""

import subprocess
import sys
from typing import Any

from src.foundation.files import ROOT

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
