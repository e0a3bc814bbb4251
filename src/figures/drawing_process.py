"""A process that imports matplotlib while a run trains, and draws the run's figures when it has finished, on two cores.

    python -m src.figures.drawing_process FOLDER

Each byte of its standard input is a figure: its place in the table of figures. Before it draws, the process forks, and
whoever is idle reads the next byte. It ends with its input, so also if its command is killed. It reports nothing: its
command sees which figures are missing, draws those itself, and says why one can't be drawn.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from src.config.figure_names import FIGURES
from src.foundation.processes import start_module

_NAMES = list(FIGURES)


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Starts the process for a run folder. No figures, passed to `draw`, end it."""
    quiet = subprocess.DEVNULL
    return start_module(__name__, str(folder), stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)


def draw(process: "subprocess.Popen[bytes]", names: Iterable[str]) -> None:
    """Waits until the process has drawn these figures, or has died."""
    try:
        process.communicate(bytes(map(_NAMES.index, names)))
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        raise


def main(folder: Path) -> None:
    """The process."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # no file is left half-written
    from threadpoolctl import threadpool_limits

    from src.data.recipes import prepare
    from src.figures import registry  # imports matplotlib
    from src.figures.run_view import RunView
    from src.runs.finished import FinishedRun

    dataset = prepare(FinishedRun(folder).config.data)
    select.select([sys.stdin], [], [])
    other = os.fork()
    with threadpool_limits(limits=1, user_api="blas"):  # threads of two processes would wait for each other
        run = None
        while name := os.read(sys.stdin.fileno(), 1):
            run = run or RunView.of(FinishedRun(folder), dataset)
            with contextlib.suppress(Exception):
                registry.save(_NAMES[name[0]], run, folder / "figures")
    if other:
        os.waitpid(other, 0)
    os._exit(0)  # at its usual end Python would search all objects of matplotlib for cycles


if __name__ == "__main__":
    main(Path(sys.argv[1]))
