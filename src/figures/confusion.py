"""Confusion matrices: which class is predicted as which; one set's, or those of training and test side by side."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import canvas
from src.figures.run_view import RunView

# On a linear scale, the few mistakes of a good network would look as white as no mistake.
_GAMMA = 0.3
_SIDE = 4.6  # inches, of the matrix in a figure of one
_WIDTH, _GAP, _RIGHT, _ABOVE, _BELOW = 7.6, 0.25, 0.15, 0.3, 0.6  # inches, of a figure of two
_TYPE = canvas.TEXT - 1  # of its names
_OF_CLASS = "% of each true class"
_BESIDE, _MOST = 0.45, 2.0  # inches: left of the names of the classes, and at most for the names


def of(run: RunView, part: str) -> Figure:
    """The confusion matrix of a set."""
    return draw(run.counts(part), run.dataset.labels, run.scored(part))


def pair(run: RunView) -> Figure:
    """The confusion matrices of the training and the test set, side by side."""
    panels = [(run.heading(part), run.counts(part)) for part in ("train", "test")]
    return draw_pair(panels, run.dataset.labels, f"{run.name}: {_OF_CLASS}")


def draw(counts: NDArray[np.integer], labels: Sequence[str], title: str) -> Figure:
    """A row for each true class, a column for each predicted one; each cell has its count and its share of the row.

    Args:
        counts: [K, K] examples of class i that were predicted as class j.
        labels: K names of the classes.
        title: of the figure.
    """
    figure = canvas.new_figure(5.8, 6.1, title)
    axes = figure.subplots()
    _draw_matrix(axes, counts, labels, True, _SIDE)
    what = f"examples, and {_OF_CLASS}" if len(counts) <= canvas.MANY else _OF_CLASS
    canvas.label(axes, f"Predicted ({what})", size=canvas.TEXT + 1)
    return figure


def draw_pair(
    panels: Sequence[tuple[str, NDArray[np.integer]]], labels: Sequence[str], title: str = _OF_CLASS
) -> Figure:
    """Two matrices of shares side by side: `panels` are their headings and their counts, as for `draw`."""
    names = canvas.width_of(labels, _TYPE)
    size = _TYPE * min(1, _MOST / names)
    names = min(names, _MOST)
    left = _BESIDE + names
    side = (_WIDTH - left - _GAP - _RIGHT) / 2
    below = _BELOW + math.sin(math.pi / 4) * names * (max(map(len, labels)) > canvas.LONG)
    height = canvas.HEADER + _ABOVE + side + below
    figure = canvas.new_figure(_WIDTH, height, title, arrange=False)
    for position, (heading, counts) in enumerate(panels):
        start = left + position * (side + _GAP)
        axes = canvas.add_axes(figure, start, below, side, side)
        _draw_matrix(axes, counts, labels, False, side)
        axes.tick_params(labelsize=size)
        canvas.title(axes, heading, side)
        if position:
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)
    return figure


def _draw_matrix(axes: Axes, counts: NDArray[np.integer], labels: Sequence[str], both: bool, side: float) -> None:
    """Draws a confusion matrix on axes about `side` inches wide; both: counts and shares, or shares alone."""
    classes = len(counts)
    shown = shares(counts)
    scale = PowerNorm(_GAMMA, vmin=0, vmax=1)
    cmap = colormaps["Blues"].with_extremes(bad=canvas.RULE)
    axes.imshow(shown, norm=scale, cmap=cmap, interpolation="nearest")
    canvas.name_classes(axes, labels)
    axes.tick_params(length=0, labelsize=canvas.TEXT, labelcolor=canvas.INK)
    axes.spines[:].set_visible(False)
    canvas.label(axes, "Predicted", "True", canvas.TEXT + 1)
    if classes > canvas.MANY:  # cells without room for a number, and too narrow for lines between them
        return
    between = np.arange(classes - 1) + 0.5
    for draw_lines in (axes.hlines, axes.vlines):
        draw_lines(between, -0.5, classes - 0.5, colors="white", linewidth=1.5)

    cells = [_percent(share) for share in shown.flat]
    if both:
        cells = [
            f"{count:,}\n{cell}" if count else cell for count, cell in zip(counts.ravel().tolist(), cells, strict=True)
        ]
    size = (side / _SIDE) ** 0.5 * canvas.TEXT * min(1.6, (10 / classes) ** 0.5)
    all_fit = canvas.width_of(cells, size) <= side / classes
    for cell, ((true, predicted), value) in zip(cells, np.ndenumerate(shown), strict=True):
        color = canvas.MUTED if value == 0 else _contrast(cmap(scale(value)))
        text = axes.text(predicted, true, cell, ha="center", va="center", fontsize=size, color=color)
        text.set_in_layout(False)  # it is inside the axes, and needs no extra room
        if not all_fit:
            canvas.shrink(text, side / classes)


def shares(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    """[K, K], the shares of each true class; NaN for a class without examples."""
    examples = counts.sum(axis=1, keepdims=True)  # [K, 1]
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, examples, out=shares, where=examples > 0)
    return shares


def _percent(share: float) -> str:
    if np.isnan(share):
        return "–"
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


def _contrast(background: Sequence[float]) -> str:
    # Black and white have equal contrast with a relative luminance of 0.18 (WCAG 2.1, with a plain gamma of 2.2).
    luminance = np.dot(np.power(background[:3], 2.2), (0.2126, 0.7152, 0.0722))
    return "black" if luminance > 0.18 else "white"
