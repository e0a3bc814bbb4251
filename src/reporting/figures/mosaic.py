"""Small pictures in rows on one sheet, all on one scale. Everything is placed in inches from the top left corner."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from src.reporting.figures import canvas

_GREYS = colormaps["gray_r"].resampled(32)  # as good as 256 to the eye, in a smaller file
_CAPTION, _NOTE = 0.2, 0.17  # inches a line


def sheet(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A titled figure of `width` x `height` inches whose one unframed axes cover it, with inches as data units."""
    figure = canvas.new_figure(width, height, title, arrange=False)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def place(
    axes: Axes,
    image: NDArray[np.floating],
    left: float,
    top: float,
    side: float,
    low: float,
    high: float,
    cmap: Colormap,
) -> AxesImage:
    """Draws `image` [h, w] with a thin frame into the square of `side` inches at (`left`, `top`) of a `sheet`."""
    height, width = image.shape
    right, bottom = left + side * min(1, width / height), top + side * min(1, height / width)
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=canvas.RULE, linewidth=1.2))
    return axes.imshow(
        image,
        extent=(left, right, bottom, top),
        aspect="auto",
        interpolation="nearest",
        vmin=low,
        vmax=high,
        cmap=cmap,
    )


def gallery(
    images: NDArray[np.floating],
    captions: Sequence[str],
    notes: Sequence[str],
    title: str,
    side: float,
    gap: float,
    if_empty: str,
) -> Figure:
    """Five pictures a row, dark ink on white, on one grey scale from the lowest to the highest value of all.

    Args:
        images: [n, h, w], any range.
        captions: n lines, each above its picture.
        notes: n lines in smaller type between caption and picture, or none at all.
        title: of the whole.
        side: of a picture, in inches.
        gap: between two pictures, in inches; a caption may reach over half of it on either side.
        if_empty: what the sheet says when there is no picture.
    """
    columns, rows = 5, math.ceil(len(images) / 5)
    lettering = _CAPTION + (_NOTE if notes else 0)
    pitch = side + gap, lettering + side + 0.16
    width = 2 * canvas.MARGIN + columns * pitch[0]
    figure, axes = sheet(width, canvas.HEADER + max(1, rows) * pitch[1], title)
    if not rows:
        axes.text(
            width / 2,
            canvas.HEADER + pitch[1] / 2,
            if_empty,
            ha="center",
            va="center",
            fontsize=canvas.TEXT,
            color=canvas.INK,
        )
        return figure
    low, high = float(images.min()), float(images.max())
    for position, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(position, columns)
        left, top = canvas.MARGIN + column * pitch[0] + gap / 2, canvas.HEADER + row * pitch[1]
        place(axes, image, left, top + lettering, side, low, high, cmap=_GREYS)
        _write(axes, caption, left + side / 2, top + 0.8 * _CAPTION, side + gap, canvas.TEXT - 1, canvas.INK)
        if notes:
            _write(
                axes,
                notes[position],
                left + side / 2,
                top + _CAPTION + 0.7 * _NOTE,
                side + gap,
                canvas.SMALL,
                canvas.MUTED,
            )
    return figure


def _write(axes: Axes, line: str, center: float, baseline: float, width: float, size: float, color: str) -> None:
    text = axes.text(center, baseline, line, ha="center", va="baseline", fontsize=size, color=color, parse_math=False)
    canvas.shrink(text, 0.95 * width)
