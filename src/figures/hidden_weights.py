"""The weights of each unit of the first layer as an image: the pattern that it responds to."""

import math

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from src.figures import canvas, mosaic
from src.figures.run_view import RunView

# An odd number of steps, so that 0 has its own; few, so that noise compresses to a small file.
_COLOURS = colormaps["RdBu_r"].resampled(21)
_UNSATURATED = 0.995  # of the weights: a few large ones would make all others pale
_SHOWN, _COLUMNS = 50, 10
_SIDE, _PITCH = 0.62, 0.67  # inches


def of(run: RunView) -> Figure:
    """The incoming weights of up to 50 hidden units, ten a row, on one colour scale: white is 0, red positive.

    Without hidden units, those of the outputs.
    """
    W = run.model.network.parameters.W
    shown = run.images(W[0].T[:_SHOWN])  # [unit, h, w]
    units = "hidden" if len(W) > 1 else "output"
    magnitude = np.abs(shown[np.isfinite(shown) & (shown != 0)])
    limit = float(np.quantile(magnitude, _UNSATURATED)) if magnitude.size else 1.0
    rows = math.ceil(len(shown) / _COLUMNS)
    width, height = canvas.MARGIN + _COLUMNS * _PITCH + 0.95, canvas.HEADER + rows * _PITCH + canvas.MARGIN
    figure, axes = mosaic.sheet(width, height, f"Weights of the first {units} units")
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
