"""Images of the training set: one of each class, the first ones, and many of one class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic
from src.figures.run_view import RunView, Values

_FIRST, _VERSIONS = 15, 25  # images shown


def of(run: RunView) -> Figure:
    """The first image of each class."""
    x, y, _ = run.dataset.train
    classes, first = np.unique(y, return_index=True)
    return draw(run.images(x[first]), np.array(run.dataset.labels)[classes])


def sheet(run: RunView) -> Figure:
    """The first images, whatever their class."""
    x, y, _ = run.dataset.train
    return draw_sheet(run.images(x[:_FIRST]), [run.dataset.labels[k] for k in y[:_FIRST]])


def versions(run: RunView) -> Figure:
    """Many images of one class."""
    x, y, _ = run.dataset.train
    k = min(7, len(run.dataset.labels) - 1)  # of the digits, sevens are written with a bar and without
    chosen = np.flatnonzero(y == k)[:_VERSIONS]
    return draw_versions(run.images(x[chosen]), f"{len(chosen)} versions of {run.dataset.labels[k]}")


def draw(images: Values, labels: NDArray[np.generic]) -> Figure:
    """The first of the images [n, h, w] with each of the labels [n], in the order of the labels, five a row."""
    classes, first = np.unique(labels, return_index=True)
    return _draw(images[first], [str(label) for label in classes], "One example of each class")


def draw_sheet(images: Values, labels: Sequence[object] | NDArray[np.generic]) -> Figure:
    """The first 15 of the images [n, h, w], each with its label, in three rows of five."""
    return _draw(images[:_FIRST], [str(label) for label in labels[:_FIRST]], "The first images of the training set")


def draw_versions(images: Values, title: str) -> Figure:
    """The first 25 of the images [n, h, w], five a row."""
    return _draw(images[:_VERSIONS], [], title)


def _draw(images: Values, captions: Sequence[str], title: str) -> Figure:
    return mosaic.pictures(images, captions, [], title, side=1.02, gap=0.2, if_empty="no examples")
