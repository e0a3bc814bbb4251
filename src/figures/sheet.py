"""A sheet of samples as they come, whatever their class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic
from src.figures.run_view import RunView

SHOWN = 15


def of(run: RunView) -> Figure:
    """The first training examples, whatever their class."""
    x, y, _ = run.dataset.train
    return draw(run.images(x[:SHOWN]), [run.dataset.labels[k] for k in y[:SHOWN]])


def draw(
    images: NDArray[np.floating],
    labels: Sequence[object] | NDArray[np.generic],
    title: str = "The first images of the training set",
) -> Figure:
    """The first 15 of the pictures given in three rows of five, each with its label.

    Args:
        images: [n, h, w], any range.
        labels: [n], integers or strings.
        title: of the figure.
    """
    captions = [str(label) for label in labels[:SHOWN]]
    return mosaic.pictures(images[:SHOWN], captions, [], title, side=1.02, gap=0.2, if_empty="no examples")
