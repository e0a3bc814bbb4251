"""What the first layer looks for: each hidden unit's weights as a picture."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from numpy.typing import NDArray

from src.figures import canvas, mosaic
from src.figures.run_view import RunView

# An odd number of steps, so that 0 has its own; few, so that noise still makes a small file.
_COLOURS = colormaps["RdBu_r"].resampled(21)
_UNSATURATED = 0.995  # of the weights: a few large ones would leave all others pale
_SHOWN, _COLUMNS = 50, 10
_SIDE, _PITCH = 0.62, 0.67  # inches


def of(run: RunView) -> Figure:
    """The weights of the first hidden units as images; without hidden units, those of the outputs."""
    assert run.dataset.image is not None
    W = run.model.network.parameters.W
    units = "hidden" if len(W) > 1 else "output"
    return draw(W[0], run.dataset.image, f"Weights of the first {units} units")


def draw(weights: NDArray[np.floating], image: tuple[int, int], title: str) -> Figure:
    """The incoming weights of up to 50 units, ten a row, on one colour scale: white is 0, red positive, blue negative.

    Args:
        weights: [fan_in, units], of which the first 50 units are shown.
        image: (h, w) of the network's input, h * w = fan_in.
        title: of the figure.
    """
    shown = weights.T[:_SHOWN].reshape(-1, *image)  # [unit, h, w]
    magnitude = np.abs(shown[np.isfinite(shown) & (shown != 0)])
    limit = float(np.quantile(magnitude, _UNSATURATED)) if magnitude.size else 1.0
    rows = math.ceil(len(shown) / _COLUMNS)
    figure, axes = mosaic.sheet(
        canvas.MARGIN + _COLUMNS * _PITCH + 0.95, canvas.HEADER + rows * _PITCH + canvas.MARGIN, title
    )
    for unit, picture in enumerate(shown):
        row, column = divmod(unit, _COLUMNS)
        left, top = canvas.MARGIN + column * _PITCH, canvas.HEADER + row * _PITCH
        drawn = mosaic.place(axes, picture, left, top, _SIDE, vmin=-limit, vmax=limit, cmap=_COLOURS)

    right = canvas.MARGIN + min(_COLUMNS, len(shown)) * _PITCH
    bar = canvas.add_axes(figure, right + 0.03, 1.5 * canvas.MARGIN, 0.13, rows * _PITCH - 0.1)
    figure.colorbar(
        drawn, cax=bar, extend="both", extendfrac=0.02, ticks=[-limit, 0, limit], format=StrMethodFormatter("{x:.2g}")
    )
    bar.tick_params(labelsize=canvas.TEXT - 1, labelcolor=canvas.INK, color=canvas.MUTED)
    bar.spines["outline"].set_color(canvas.RULE)
    return figure
