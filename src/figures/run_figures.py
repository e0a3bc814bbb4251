"""Draws a finished run's figures into its folder. Which figures there are, and how to add one: `registry.py`."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from src.config.figure_names import EVERY_RUN, names
from src.data.dataset import Dataset
from src.figures import drawing_process
from src.figures.run_view import RunView, Unfit, unfit
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker


class RunFigures(Tracker):
    """A tracker that draws a finished run's figures into its folder; later trackers find them there.

    gallery: names of figures on request. An existing figure is not drawn again. alone: no other run is being trained,
    so a process of its own prepares the drawing meanwhile, and draws on two cores.
    """

    def __init__(self, dataset: Dataset, gallery: Sequence[str] = (), alone: bool = False) -> None:
        self._dataset = dataset
        self._gallery = gallery
        self._alone = alone
        self._process: subprocess.Popen[bytes] | None = None

    def started(self, folder: Path) -> None:
        if self._alone and not RunFolder(folder).finished():
            self._process = drawing_process.start(folder)

    def ended(self, folder: Path) -> None:
        missing = self._missing(folder) if RunFolder(folder).finished() else []
        if self._process:
            drawing_process.draw(self._process, missing)
            missing = self._missing(folder) if missing else []
        run = None
        for name in missing:
            run = run or RunView.of(FinishedRun(folder), self._dataset)
            try:
                from src.figures import registry  # imports matplotlib

                registry.save(name, run, folder / "figures")
            except Unfit as reason:
                print(f"figure {name}: left out, {reason} ({folder / 'figures'})", file=sys.stderr)
            except Exception as error:  # a missing picture does not change the run
                print(f"warning: figure {name} of {folder} could not be drawn ({error})", file=sys.stderr)

    def _missing(self, folder: Path) -> list[str]:
        standard = [name for name in names(EVERY_RUN) if name in self._gallery or not unfit(name, self._dataset)]
        return [name for name in (*standard, *self._gallery) if not any((folder / "figures").glob(f"{name}.*"))]
