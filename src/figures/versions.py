"""How differently one class is written: many pictures of it side by side."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic
from src.figures.run_view import RunView

SHOWN = 25


def of(run: RunView) -> Figure:
    """Many training examples of one class."""
    x, y, _ = run.dataset.train
    k = min(7, len(run.dataset.labels) - 1)  # of the digits, sevens are written with a bar and without
    chosen = np.flatnonzero(y == k)[:SHOWN]
    return draw(run.images(x[chosen]), f"{len(chosen)} versions of {run.dataset.labels[k]}")


def draw(images: NDArray[np.floating], title: str) -> Figure:
    """The first 25 of the pictures given, five a row.

    Args:
        images: [n, h, w], any range.
        title: of the figure, which names the class.
    """
    return mosaic.pictures(images[:SHOWN], [], [], title, side=1.02, gap=0.2, if_empty="no examples")
