"""Images of the training set: one of each class, the first ones, and many of one class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic
from src.figures.run_view import RunView

_FIRST, _VERSIONS = 15, 25  # images shown


def of(run: RunView) -> Figure:
    """The first image of each class, in the order of the classes."""
    classes, first = np.unique(run.dataset.train.y, return_index=True)
    return _draw(run, first, [run.dataset.labels[k] for k in classes], "One example of each class")


def sheet(run: RunView) -> Figure:
    """The first 15 images, whatever their class, each with its label."""
    y = np.asarray(run.dataset.train.y[:_FIRST])
    labels = [run.dataset.labels[k] for k in y]
    return _draw(run, np.arange(len(y)), labels, "The first images of the training set")


def versions(run: RunView) -> Figure:
    """The first 25 images of one class."""
    k = min(7, len(run.dataset.labels) - 1)  # of the digits, sevens are written with a bar and without
    chosen = np.flatnonzero(run.dataset.train.y == k)[:_VERSIONS]
    return _draw(run, chosen, [], f"{len(chosen)} versions of {run.dataset.labels[k]}")


def _draw(run: RunView, chosen: NDArray[np.integer], captions: Sequence[str], title: str) -> Figure:
    return mosaic.pictures(
        run.images(run.dataset.train.x[chosen]), captions, [], title, gap=0.2, if_empty="no examples"
    )
