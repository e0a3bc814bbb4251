"""The table of figures: how each figure of a run is drawn. Names, data and occasions are in src/config/figure_names.py.

To add a figure, add a file with an `of(run)` to this folder, and its entry to both tables.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from src.figures import (
    activation,
    boundaries,
    confusion,
    curves,
    failures,
    hidden_weights,
    pca,
    perceptrons,
    reliability,
    samples,
    scatter,
    turned,
)
from src.figures.run_view import RunView, Unfit, unfit

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
    "confusion_train_normalized": partial(confusion.of, part="train", normalize=True),
    "confusion_valid_normalized": partial(confusion.of, part="valid", normalize=True),
    "confusion_test_normalized": partial(confusion.of, part="test", normalize=True),
    "samples": samples.of,
    "sheet": samples.sheet,
    "versions": samples.versions,
    "turned": turned.of,
    "pca": pca.of,
    "scatter": scatter.of,
    "boundaries": boundaries.of,
    "activation": activation.of,
    "perceptrons": perceptrons.of,
    "confusion_pair": confusion.pair,
    "steps": curves.by_step,
}


def draw(name: str, run: RunView) -> Any:
    """The figure of this name: a matplotlib figure, or an HTML page; `Unfit` if it can't show this run."""
    if reason := unfit(name, run.dataset):
        raise Unfit(reason)
    return DRAWINGS[name](run)
