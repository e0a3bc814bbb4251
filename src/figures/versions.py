"""How differently one class is written: many pictures of it side by side."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic

SHOWN = 25


def draw(images: NDArray[np.floating], title: str) -> Figure:
    """The first 25 of the pictures given, five a row.

    Args:
        images: [n, h, w], any range.
        title: of the figure, which names the class.
    """
    return mosaic.gallery(images[:SHOWN], [], [], title, side=1.02, gap=0.2, if_empty="no examples")
