"""Draws a finished run's figures into its folder. Which figures there are, and how to add one: `registry.py`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from src.config.figure_names import EVERY_RUN, names
from src.data.dataset import Dataset
from src.figures.run_view import RunView, Unfit, unfit
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker


class RunFigures(Tracker):
    """A tracker that draws a finished run's figures into its folder; later trackers find them there.

    gallery: names of figures on request. An existing figure is not drawn again.
    """

    def __init__(self, dataset: Dataset, gallery: Sequence[str] = ()) -> None:
        self._dataset = dataset
        self._gallery = gallery

    def ended(self, folder: Path) -> None:
        target = folder / "figures"
        if not RunFolder(folder).finished():
            return
        run = None
        for name in (*names(EVERY_RUN), *self._gallery):
            unasked = name not in self._gallery
            if any(target.glob(f"{name}.*")) or (unasked and unfit(name, self._dataset)):
                continue
            run = run or RunView.of(FinishedRun(folder), self._dataset)
            try:
                from src.figures import registry  # imports matplotlib

                registry.save(name, run, target)
            except Unfit as reason:
                print(f"figure {name}: left out, {reason} ({target})", file=sys.stderr)
            except Exception as error:  # a missing picture does not change the run
                print(f"warning: figure {name} of {folder} could not be drawn ({error})", file=sys.stderr)
