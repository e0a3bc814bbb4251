"""The plane of two features: the examples of classes, a classifier's regions, and the probabilities it gives."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from src.data.dataset import Examples
from src.figures import canvas, key
from src.figures.run_view import Grid

_WIDTH, _ALONE = 7.6, 4.6  # inches: the sheet, and the side of a single panel
_LEFT, _RIGHT, _ABOVE, _BELOW = 0.75, 0.2, 0.3, 0.6
_GAP, _GAP_WITH_NUMBERS = 0.25, 0.85
_BAR, _BAR_WIDTH = 0.85, 0.13  # room for a scale on the right, and the scale itself
_PALE = 0.22  # how much of a class's colour its region has; the rest is white
_LEVELS, _FULL = 10, 0.6  # steps of probability, and how much of a class's colour a probability of 1 has
_MARKERS = "o^sDvP"


def panels(
    title: str, headings: Sequence[str], features: tuple[str, str], *keys: Sequence[Line2D], shared: bool = True
) -> tuple[Figure, list[Axes]]:
    """Square panels side by side, with keys below them: a sheet of one row."""
    figure, [drawn] = sheet(title, [Row(headings, features, shared)], *keys)
    return figure, drawn


class Row(NamedTuple):
    """A row of square panels.

    headings: one above each panel, or "". labels: of both axes. shared: all panels show the same part of the plane;
    only the first one has numbers on its vertical axis. colors: `probability_colors`, for a scale on the right.
    least: the panels are as large as those of a row of so many.
    """

    headings: Sequence[str]
    labels: tuple[str, str]
    shared: bool = True
    colors: Colormap | None = None
    least: int = 2


def sheet(title: str, rows: Sequence[Row], *keys: Sequence[Line2D]) -> tuple[Figure, list[list[Axes]]]:
    """Rows of square panels, with keys below them; a row of fewer panels has larger ones.

    Args:
        title: of the figure.
        rows: from the top down.
        keys: the entries of each.
    """
    room = _BAR * any(row.colors for row in rows)
    alone = max(len(row.headings) for row in rows) == 1
    width = _LEFT + _ALONE + _RIGHT + room if alone else _WIDTH
    sides = [_ALONE if alone else _side(max(row.least, len(row.headings)), row.shared, room) for row in rows]
    above, legends = [_ABOVE * any(row.headings) for row in rows], [key.height(handles, width) for handles in keys]
    below = _BELOW + sum(legends)
    tall = [head + side for head, side in zip(above, sides, strict=True)]
    figure = canvas.new_figure(
        width, canvas.HEADER + sum(tall) + (len(rows) - 1) * _BELOW + below, title, arrange=False
    )
    drawn: list[list[Axes]] = []
    for position, (row, side) in enumerate(zip(rows, sides, strict=True)):
        bottom = below + sum(tall[position + 1 :]) + (len(rows) - 1 - position) * _BELOW
        drawn.append(_draw_row(figure, row, side, bottom))
        if row.colors:
            _draw_bar(figure, row, drawn[-1][-1])
    for position, handles in enumerate(keys):
        key.draw(figure, handles, sum(legends[position:]))
    return figure, drawn


def _gap(shared: bool) -> float:
    return _GAP if shared else _GAP_WITH_NUMBERS


def _side(count: int, shared: bool, room: float) -> float:
    """The side of each of `count` panels, with `room` inches for a scale on the right."""
    return (_WIDTH - _LEFT - _RIGHT - room - (count - 1) * _gap(shared)) / count


def _draw_row(figure: Figure, row: Row, side: float, bottom: float) -> list[Axes]:
    drawn: list[Axes] = []
    for position, heading in enumerate(row.headings):
        axes = canvas.add_axes(figure, _LEFT + position * (side + _gap(row.shared)), bottom, side, side)
        canvas.set_style(axes)
        canvas.title(axes, heading, side)
        for axis, feature in zip((axes.xaxis, axes.yaxis), row.labels, strict=True):
            axis.set_major_locator(MaxNLocator(6 if side > 2.5 else 4, steps=(1, 2, 2.5, 5, 10), prune="both"))
            size = canvas.TEXT * min(1, side / canvas.width_of([feature], canvas.TEXT))
            axis.set_label_text(feature, fontsize=size, color=canvas.INK, parse_math=False)
        if row.shared and position:
            axes.set_ylabel("")
            axes.tick_params(axis="y", labelleft=False)
        drawn.append(axes)
    return drawn


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
    x, y, labels, _ = grid
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


def draw_probability(axes: Axes, grid: Grid, k: int, examples: Examples | None = None) -> None:
    """Fills the plane by the probability of class k in steps of 10 %, with a line at 50 %, and examples on it."""
    values = grid.probabilities[:, :, k].astype(np.float64)
    steps = np.linspace(0, 1, _LEVELS + 1)
    steps[0], steps[-1] = -1e-9, 1 + 1e-9  # so that 0 and 1 are inside
    shades = probability_colors(grid.probabilities.shape[2])(np.arange(_LEVELS))
    axes.contourf(grid.x, grid.y, values, levels=steps, colors=shades)
    if values.min() < 0.5 < values.max():
        axes.contour(grid.x, grid.y, values, levels=(0.5,), colors=[canvas.INK], linewidths=0.8)
    axes.grid(visible=False)
    axes.set(xlim=(grid.x[0], grid.x[-1]), ylim=(grid.y[0], grid.y[-1]))
    if examples is not None:
        draw_points(axes, examples)


def probability_colors(classes: int) -> Colormap:
    """Ten steps from 0 to 1: of two classes, from the colour of the first to that of the second; else, of greys."""
    first, second = ("white", "#8A8A8A") if classes > 2 else (_mixed(0), _mixed(1))
    middle = ["white"] if classes <= 2 else []
    return LinearSegmentedColormap.from_list("probability", [first, *middle, second], N=_LEVELS)


def _mixed(k: int) -> tuple[float, ...]:
    return tuple(1 - _FULL * (1 - part) for part in to_rgb(look(k).color))


def _draw_bar(figure: Figure, row: Row, axes: Axes) -> None:
    """Draws the scale of probabilities on the right of the row's last panel."""
    width, tall = (float(inches) for inches in figure.get_size_inches())
    place = axes.get_position()
    left = place.x1 * width + _GAP / 2
    bar = canvas.add_axes(figure, left, place.y0 * tall, _BAR_WIDTH, place.height * tall)
    figure.colorbar(
        ScalarMappable(Normalize(0, 1), row.colors), cax=bar, ticks=np.linspace(0, 1, 6), format=PercentFormatter(1, 0)
    )
    bar.tick_params(labelsize=canvas.TEXT - 1, labelcolor=canvas.INK, color=canvas.MUTED)
    bar.spines["outline"].set_color(canvas.RULE)
