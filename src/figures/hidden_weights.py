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
_ROOM, _TALLEST, _GAP, _BAR = 6.7, 2.4, 0.05, 0.95  # inches: a row's width, a picture's side and gap, the scale's width


def of(run: RunView) -> Figure:
    """The incoming weights of up to 50 hidden units, on one colour scale: white is 0, red positive.

    Without hidden units, those of the outputs. The fewer units, the larger their pictures.
    """
    W = run.model.network.parameters.W
    shown = run.images(W[0].T[:_SHOWN])  # [unit, h, w]
    units = "hidden" if len(W) > 1 else "output"
    magnitude = np.abs(shown[np.isfinite(shown) & (shown != 0)])
    limit = float(np.quantile(magnitude, _UNSATURATED)) if magnitude.size else 1.0
    columns = min(len(shown), _COLUMNS, math.ceil(math.sqrt(2.5 * len(shown))))  # a sheet wider than tall
    rows = math.ceil(len(shown) / columns)
    pitch = min(_ROOM / columns, _TALLEST)
    width = canvas.MARGIN + _ROOM + _BAR
    height = canvas.HEADER + rows * pitch + canvas.MARGIN
    of_all = "the" if len(shown) == W[0].shape[1] else "the first"
    title = f"Weights of {of_all} {len(shown)} {units} units of {run.scored('test')}"
    figure, axes = mosaic.sheet(width, height, title)
    for unit, picture in enumerate(shown):
        row, column = divmod(unit, columns)
        left, top = canvas.MARGIN + column * pitch, canvas.HEADER + row * pitch
        drawn = mosaic.place(axes, picture, left, top, pitch - _GAP, vmin=-limit, vmax=limit, cmap=_COLOURS)

    right = canvas.MARGIN + columns * pitch
    bar = canvas.add_axes(figure, right + 0.03, 1.5 * canvas.MARGIN, 0.13, rows * pitch - 0.1)
    figure.colorbar(
        drawn, cax=bar, extend="both", extendfrac=0.02, ticks=[-limit, 0, limit], format=StrMethodFormatter("{x:.2g}")
    )
    bar.tick_params(labelsize=canvas.TEXT - 1, labelcolor=canvas.INK, color=canvas.MUTED)
    bar.spines["outline"].set_color(canvas.RULE)
    return figure
