"""Rows of values on one scale: a name on the left of each row, and columns of words on the right."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from src.figures import canvas

# Inches.
WIDTH = 7.6
PITCH = 0.46
HEADS = 0.26  # above the rows, for the columns' headings
AXIS = 0.55  # below them, for ticks and label
_NARROWEST, _WIDEST = 0.9, 2.3  # room for names
_GAP = 0.15  # between names and axes
_LONGEST = 32  # characters of a name's line
_TYPE, _SMALL = canvas.TEXT - 1.5, canvas.SMALL + 0.5


def room(names: Iterable[str]) -> float:
    """The inches that `names` take on the left of a panel."""
    return min(
        max(canvas.width_of((canvas.wrapped(name, _LONGEST) for name in names), _TYPE) + _GAP, _NARROWEST), _WIDEST
    )


def panel(
    figure: Figure, top: float, names: Sequence[str], left: float, right: float, tags: Mapping[str, str] = {}
) -> Axes:
    """Axes with row 0, 1, ... from the top down, `top` inches below the sheet's upper edge.

    Args:
        figure: without automatic layout, `WIDTH` wide.
        top: of the first row, in inches.
        names: of the rows.
        left: inches for the names, see `room`.
        right: inches left free on the right.
        tags: words below some of the names.
    """
    height = float(figure.get_size_inches()[1])
    start, tall = canvas.MARGIN + left, len(names) * PITCH
    axes = canvas.add_axes(figure, start, height - top - tall, WIDTH - start - right, tall)
    axes.set_ylim(len(names) - 0.5, -0.5)
    canvas.set_style(axes)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    for border in range(1, len(names)):
        axes.axhline(border - 0.5, color=canvas.RULE, linewidth=0.6)
    for row, name in enumerate(names):
        tag = tags.get(name, "")
        raised = 0.6 * canvas.SMALL if tag else 0
        text = write(axes, -left, row, canvas.wrapped(name, _LONGEST), _TYPE, raised=raised)
        canvas.shrink(text, left - _GAP)
        if tag:
            below = text.get_window_extent().height / canvas.DPI * 72 / 2
            write(axes, -left, row, tag, canvas.SMALL, color=canvas.MUTED, raised=raised - below, va="top")
    return axes


def column(axes: Axes, end: float, head: str, cells: Sequence[str], ha: str = "right", width: float = 1.0) -> None:
    """Writes a cell beside each row and `head` above them; the column ends (or starts) `end` inches right of the axes.

    No cell is wider than `width` inches.
    """
    offset = axes.get_position().width * WIDTH + end
    write(axes, offset, -0.5, head, canvas.SMALL, color=canvas.MUTED, raised=5, ha=ha, va="baseline")
    for row, cell in enumerate(cells):
        canvas.shrink(write(axes, offset, row, cell, _SMALL, ha=ha), width)


def write(
    axes: Axes, inches: float, row: float, text: str, size: float, raised: float = 0, va: str = "center", **look: Any
) -> Annotation:
    """Text that starts `inches` right of the axes' left edge, `raised` points above the height of a row."""
    return axes.annotate(
        text,
        (0, row),
        xycoords=axes.get_yaxis_transform(),
        xytext=(72 * inches, raised),
        textcoords="offset points",
        va=va,
        fontsize=size,
        annotation_clip=False,
        parse_math=False,
        **{"color": canvas.INK, **look},
    )
