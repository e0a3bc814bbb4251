"""Small pictures in rows on one sheet, all on one scale. Everything is placed in inches from the top left corner."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from src.figures import canvas

Images = NDArray[np.floating[Any]]
GREYS = colormaps["gray_r"].resampled(32)  # as good as 256 to the eye, in a smaller file
COLUMNS, SIDE = 5, 1.02  # of `pictures`: a row's, and a picture's side in inches
_CAPTION, _NOTE = 0.2, 0.17  # inches a line


def sheet(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A titled figure of `width` x `height` inches whose one unframed axes cover it, with inches as data units."""
    figure = canvas.new_figure(width, height, title, arrange=False)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def place(axes: Axes, image: Images, left: float, top: float, side: float, **look: Any) -> AxesImage:
    """Draws `image` [h, w] with a thin frame into the square of `side` inches at (`left`, `top`) of a `sheet`.

    look: `vmin`, `vmax` and `cmap` of `Axes.imshow`.
    """
    height, width = image.shape
    right, bottom = left + side * min(1, width / height), top + side * min(1, height / width)
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=canvas.RULE, linewidth=1.2))
    extent = left, right, bottom, top
    return axes.imshow(image, extent=extent, aspect="auto", interpolation="nearest", **look)


def pictures(
    images: Images, captions: Sequence[str], notes: Sequence[str], title: str, gap: float, if_empty: str
) -> Figure:
    """Five pictures a row, dark ink on white, on one grey scale from the lowest to the highest value of all.

    Args:
        images: [n, h, w], any range.
        captions: n lines, each above its picture, or none at all.
        notes: n lines in smaller type between caption and picture, or none at all.
        title: of the whole.
        gap: between two pictures, in inches; a caption may reach over half of it on either side.
        if_empty: the text of a sheet without pictures.
    """
    rows, step = math.ceil(len(images) / COLUMNS), pitch(bool(notes), bool(captions))
    width = 2 * canvas.MARGIN + COLUMNS * (SIDE + gap)
    figure, axes = sheet(width, canvas.HEADER + max(1, rows) * step, title)
    if rows:
        fill(axes, images, captions, notes, canvas.HEADER, gap, (float(images.min()), float(images.max())))
    else:
        centered: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": canvas.TEXT, "color": canvas.INK}
        axes.text(width / 2, canvas.HEADER + step / 2, if_empty, **centered)
    return figure


def fill(
    axes: Axes,
    images: Images,
    captions: Sequence[str],
    notes: Sequence[str],
    top: float,
    gap: float,
    limits: tuple[float, float],
) -> None:
    """Draws pictures as `pictures` does, from `top` inches down; limits: the values that are white and black."""
    step = pitch(bool(notes), bool(captions))
    lettering = step - pitch(notes=False, captions=False)
    for position, image in enumerate(images):
        row, column = divmod(position, COLUMNS)
        left, above = canvas.MARGIN + column * (SIDE + gap) + gap / 2, top + row * step
        place(axes, image, left, above + lettering, SIDE, vmin=limits[0], vmax=limits[1], cmap=GREYS)
        lines = [(captions, 0.8 * _CAPTION, canvas.TEXT - 1, canvas.INK)] if captions else []
        if notes:
            lines.append((notes, _CAPTION + 0.7 * _NOTE, canvas.SMALL, canvas.MUTED))
        for words, below, size, color in lines:
            look: dict[str, Any] = {"ha": "center", "va": "baseline", "fontsize": size, "color": color}
            text = axes.text(left + SIDE / 2, above + below, words[position], parse_math=False, **look)
            canvas.shrink(text, 0.95 * (SIDE + gap))


def pitch(notes: bool, captions: bool = True) -> float:
    """The inches from one row of pictures to the next."""
    return _CAPTION * captions + _NOTE * notes + SIDE + 0.16
