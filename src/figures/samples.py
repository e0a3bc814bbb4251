"""What the data looks like: one example of each class."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic
from src.figures.run_view import RunView


def of(run: RunView) -> Figure:
    """One training example of each class."""
    classes, first = np.unique(run.dataset.train.y, return_index=True)
    return draw(run.images(run.dataset.train.x[first]), np.array(run.dataset.labels)[classes])


def draw(images: NDArray[np.floating], labels: NDArray[np.generic], title: str = "One example of each class") -> Figure:
    """The first example of each class, in the order of the labels, five a row.

    Args:
        images: [n, h, w], any range.
        labels: [n], integers or strings.
        title: of the figure.
    """
    classes, first = np.unique(labels, return_index=True)
    return mosaic.pictures(
        images[first],
        captions=[str(label) for label in classes],
        notes=[],
        title=title,
        side=1.02,
        gap=0.2,
        if_empty="no examples",
    )
