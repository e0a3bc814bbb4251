"""Draws a finished run's figures into its folder. Which figures there are, and how to add one: `registry.py`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from src.config.figure_names import EVERY_RUN, names
from src.data.dataset import Dataset
from src.figures.run_view import RunView, Unfit, unfit
from src.foundation.files import write_text
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker


class RunFigures(Tracker):
    """A tracker that draws a finished run's figures into its folder, for the trackers that come after it.

    gallery: names of figures on request. An existing figure is not drawn again.
    """

    def __init__(self, dataset: Dataset, gallery: Sequence[str] = ()) -> None:
        self._dataset = dataset
        self._gallery = gallery

    def ended(self, folder: Path) -> None:
        target = folder / "figures"
        if not RunFolder(folder).finished():
            return
        wanted = []
        for name in (*names(EVERY_RUN), *self._gallery):
            if any(target.glob(f"{name}.*")):
                continue
            reason = unfit(name, self._dataset)
            if not reason:
                wanted.append(name)
            elif name in self._gallery:
                _leave_out(name, reason, target)
        run = RunView.of(FinishedRun(folder), self._dataset) if wanted else None
        for name in wanted:
            assert run is not None
            try:
                draw(name, run, target)
            except Unfit as error:
                _leave_out(name, str(error), target)
            except Exception as error:  # a missing picture does not change the run
                print(f"warning: figure {name} of {folder} could not be drawn ({error})", file=sys.stderr)


def draw(name: str, run: RunView, target: Path) -> None:
    """Draws a figure into the folder `target`: a PNG, or an HTML page. Raises `Unfit` if it can't show the run."""
    from src.figures import canvas, registry

    figure = registry.draw(name, run)
    if isinstance(figure, str):
        write_text(target / f"{name}.html", figure)
    else:
        canvas.save(figure, target / f"{name}.png")


def _leave_out(name: str, reason: str, target: Path) -> None:
    print(f"figure {name}: left out, {reason} ({target})", file=sys.stderr)
