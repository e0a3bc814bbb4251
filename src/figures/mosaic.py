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

from src.figures import canvas

GREYS = colormaps["gray_r"].resampled(32)  # as good as 256 to the eye, in a smaller file
COLUMNS = 5
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
        image, extent=(left, right, bottom, top), aspect="auto", interpolation="nearest", vmin=low, vmax=high, cmap=cmap
    )


def pictures(
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
        captions: n lines, each above its picture, or none at all.
        notes: n lines in smaller type between caption and picture, or none at all.
        title: of the whole.
        side: of a picture, in inches.
        gap: between two pictures, in inches; a caption may reach over half of it on either side.
        if_empty: what the sheet says when there is no picture.
    """
    rows, step = math.ceil(len(images) / COLUMNS), pitch(side, bool(notes), bool(captions))
    width = 2 * canvas.MARGIN + COLUMNS * (side + gap)
    figure, axes = sheet(width, canvas.HEADER + max(1, rows) * step, title)
    if not rows:
        axes.text(
            width / 2,
            canvas.HEADER + step / 2,
            if_empty,
            ha="center",
            va="center",
            fontsize=canvas.TEXT,
            color=canvas.INK,
        )
        return figure
    low, high = float(images.min()), float(images.max())
    fill(axes, images, captions, notes, canvas.HEADER, side, gap, low, high)
    return figure


def fill(
    axes: Axes,
    images: NDArray[np.floating],
    captions: Sequence[str],
    notes: Sequence[str],
    top: float,
    side: float,
    gap: float,
    low: float,
    high: float,
) -> None:
    """Draws pictures as `pictures` does, from `top` inches down, on a grey scale from `low` to `high`."""
    step = pitch(side, bool(notes), bool(captions))
    lettering = step - pitch(side, notes=False, captions=False)
    for position, image in enumerate(images):
        row, column = divmod(position, COLUMNS)
        left, above = canvas.MARGIN + column * (side + gap) + gap / 2, top + row * step
        place(axes, image, left, above + lettering, side, low, high, cmap=GREYS)
        center = left + side / 2
        if captions:
            baseline = above + 0.8 * _CAPTION
            _write(axes, captions[position], center, baseline, side + gap, canvas.TEXT - 1, canvas.INK)
        if notes:
            baseline = above + _CAPTION + 0.7 * _NOTE
            _write(axes, notes[position], center, baseline, side + gap, canvas.SMALL, canvas.MUTED)


def pitch(side: float, notes: bool, captions: bool = True) -> float:
    """The inches from one row of pictures to the next."""
    return (_CAPTION if captions else 0) + (_NOTE if notes else 0) + side + 0.16


def _write(axes: Axes, line: str, center: float, baseline: float, width: float, size: float, color: str) -> None:
    text = axes.text(center, baseline, line, ha="center", va="baseline", fontsize=size, color=color, parse_math=False)
    canvas.shrink(text, 0.95 * width)
