"""The table of a run's figures: how each is drawn. src/config/figure_names.py has their data, and when they are drawn.

To add a figure, add a file with an `of(run)` to this folder, and its entry to both tables, at the same place. If the
stage `evaluate` draws it, dvc.yaml lists it, too. Figures of studies are in `study_figures.py`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from src.figures import (
    activation,
    boundaries,
    canvas,
    confusion,
    curves,
    failures,
    hidden_weights,
    pca,
    reliability,
    samples,
    scatter,
    steps,
    turned,
    untrained,
)
from src.figures.run_view import RunView, Unfit, unfit
from src.foundation.files import write_text

# Each returns a matplotlib figure, or the text of an HTML page; or raises `Unfit`.
DRAWINGS: dict[str, Callable[[RunView], Any]] = {
    "confusion_test": partial(confusion.of, part="test"),
    "reliability": reliability.of,
    "failures": failures.of,
    "failures_confident": partial(failures.of, most_confident=True),
    "hidden_weights": hidden_weights.of,
    "curves": curves.of,
    "confusion_train": partial(confusion.of, part="train"),
    "confusion_valid": partial(confusion.of, part="valid"),
    "samples": samples.of,
    "sheet": samples.sheet,
    "versions": samples.versions,
    "turned": turned.of,
    "pca": pca.of,
    "scatter": scatter.of,
    "boundaries": boundaries.of,
    "activation": activation.of,
    "perceptrons": boundaries.of_units,
    "confusion_pair": confusion.pair,
    "steps": steps.of,
    "weights": steps.of_weights,
    "untrained": untrained.of,
}


def draw(name: str, run: RunView) -> Any:
    """The figure of this name: a matplotlib figure, or an HTML page. Raises `Unfit` if it can't show the run."""
    if reason := unfit(name, run.dataset):
        raise Unfit(reason)
    return DRAWINGS[name](run)


def save(name: str, run: RunView, target: Path) -> None:
    """Draws a figure into the folder `target`: a PNG, or an HTML page. Raises as `draw` does."""
    figure = draw(name, run)
    if isinstance(figure, str):
        write_text(target / f"{name}.html", figure)
    else:
        canvas.save(figure, target / f"{name}.png")
