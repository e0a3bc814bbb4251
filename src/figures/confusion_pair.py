"""Two confusion matrices side by side: what a network mistakes where it was trained, and where it is tested."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import canvas, confusion
from src.figures.run_view import RunView

_WIDTH, _GAP, _RIGHT, _ABOVE, _BELOW = 7.6, 0.25, 0.15, 0.3, 0.6  # inches
_TYPE = canvas.TEXT - 1
_BESIDE, _MOST = 0.45, 2.0  # on the left, what stands beside the names of the classes; and the room for the names


def of(run: RunView) -> Figure:
    """The confusion matrices of the training and the test set."""
    return draw([(run.heading(part), run.counts(part)) for part in ("train", "test")], run.dataset.labels)


def draw(panels: Sequence[tuple[str, NDArray[np.integer]]], labels: Sequence[str]) -> Figure:
    """Normalized matrices side by side, each with a heading.

    Args:
        panels: two pairs of a heading, such as the accuracy on a set, and counts [K, K]: examples of class i that were
            predicted as class j.
        labels: K names of the classes.
    """
    names = canvas.width_of(labels, _TYPE)
    size = _TYPE * min(1, _MOST / names)
    names = min(names, _MOST)
    left = _BESIDE + names
    side = (_WIDTH - left - _GAP - _RIGHT) / 2
    below = _BELOW + math.sin(math.pi / 4) * names * (max(map(len, labels)) > canvas.LONG)
    height = canvas.HEADER + _ABOVE + side + below
    figure = canvas.new_figure(_WIDTH, height, "Confusion matrices (% of each true class)", arrange=False)
    for position, (heading, counts) in enumerate(panels):
        start = left + position * (side + _GAP)
        axes = canvas.add_axes(figure, start, below, side, side)
        confusion.draw_matrix(axes, counts, labels, normalize=True, side=side)
        axes.tick_params(labelsize=size)
        canvas.shrink(axes.set_title(heading, loc="left", fontsize=canvas.TEXT, color=canvas.INK), side)
        if position:
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)
    return figure
