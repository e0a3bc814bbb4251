"""The plane of two features: the examples of classes as points, and the regions that a classifier divides it into."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from src.data.dataset import Examples
from src.figures import canvas, key
from src.figures.run_view import Grid

_WIDTH, _ALONE = 7.6, 4.6  # inches: the sheet, and the side of a single panel
_LEFT, _RIGHT, _ABOVE, _BELOW = 0.75, 0.2, 0.3, 0.6
_GAP, _GAP_WITH_NUMBERS = 0.25, 0.85
_PALE = 0.22  # how much of a class's colour its region has; the rest is white
_MARKERS = "o^sDvP"


def panels(
    title: str, headings: Sequence[str], features: tuple[str, str], *keys: Sequence[Line2D], shared: bool = True
) -> tuple[Figure, list[Axes]]:
    """Square panels side by side, with keys below them.

    Args:
        title: of the figure.
        headings: one above each panel, or "".
        features: names of the axes.
        keys: the entries of each.
        shared: all panels show the same part of the plane; only the first one has numbers on its vertical axis.
    """
    count = len(headings)
    gap = _GAP if shared else _GAP_WITH_NUMBERS
    side = _ALONE if count == 1 else (_WIDTH - _LEFT - _RIGHT - (count - 1) * gap) / count
    width = _LEFT + count * side + (count - 1) * gap + _RIGHT
    above, legends = _ABOVE * any(headings), [key.height(handles, width) for handles in keys]
    below = _BELOW + sum(legends)
    height = canvas.HEADER + above + side + below
    figure = canvas.new_figure(width, height, title, arrange=False)
    drawn: list[Axes] = []
    for position, heading in enumerate(headings):
        left = _LEFT + position * (side + gap)
        axes = canvas.add_axes(figure, left, below, side, side)
        canvas.set_style(axes)
        canvas.title(axes, heading, side)
        for axis, feature in zip((axes.xaxis, axes.yaxis), features, strict=True):
            axis.set_major_locator(MaxNLocator(6 if side > 2.5 else 4, steps=(1, 2, 2.5, 5, 10), prune="both"))
            size = canvas.TEXT * min(1, side / canvas.width_of([feature], canvas.TEXT))
            axis.set_label_text(feature, fontsize=size, color=canvas.INK, parse_math=False)
        if shared and position:
            axes.set_ylabel("")
            axes.tick_params(axis="y", labelleft=False)
        drawn.append(axes)
    for position, handles in enumerate(keys):
        key.draw(figure, handles, sum(legends[position:]))
    return figure, drawn


def look(k: int) -> canvas.Style:
    """The colour and the shape of the points of class k."""
    return canvas.Style(canvas.PALETTE[k % 6], "", _MARKERS[(k + k // 6) % 6])


def class_handles(labels: Sequence[str]) -> list[Line2D]:
    """The key's entries of the classes."""
    return [key.handle(look(k), label) for k, label in enumerate(labels)]


def draw_points(axes: Axes, examples: Examples, size: float = 4, face: str = "", edge: str = "white") -> None:
    """Draws examples of two features in the looks of their classes.

    face: a colour in place of the classes'; edge: that of the outlines, "" for the class's.
    """
    for k in np.unique(examples.y):
        color, _, marker = look(int(k))
        x, y = examples.x[examples.y == k].T
        axes.plot(
            *(x, y), marker, markersize=size, color=face or color, markeredgecolor=edge or color, markeredgewidth=0.5
        )


def draw_regions(axes: Axes, grid: Grid) -> None:
    """Fills the region of each class with its pale colour; the axes end with the grid."""
    x, y, labels = grid
    present = np.unique(labels)
    shades = {int(k): tuple(1 - _PALE * (1 - part) for part in to_rgb(look(int(k)).color)) for k in present}
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
    if len(present) > 1:
        for k in present:  # straighter than the lattice; where three regions meet, the lattice shows through
            inside = (labels == k).astype(float)
            axes.contourf(x, y, inside, levels=(0.5, 2), colors=[shades[int(k)]])
        for k in present[1:]:
            axes.contour(x, y, (labels == k).astype(float), levels=(0.5,), colors=[canvas.MUTED], linewidths=0.8)
    shown = np.array([shades[int(k)] for k in present])[np.searchsorted(present, labels)]  # [rows, columns, 3]
    axes.imshow(shown, extent=extent, origin="lower", aspect="auto", interpolation="nearest", zorder=0)
    axes.grid(visible=False)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def draw_decisions(axes: Axes, grid: Grid, examples: Examples) -> None:
    """Draws the regions of a classifier, and examples on them."""
    draw_regions(axes, grid)
    draw_points(axes, examples)
