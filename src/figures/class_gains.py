"""Where one classifier gains on another: the difference of their confusion matrices, and of their recall."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from src.figures import canvas, confusion

_WIDTH, _HEIGHT = 7.6, 5.0
_STRONGEST = 0.6  # opacity of the largest difference: the number on it stays readable, on white and on black
_SHOWN = 0.05  # points; smaller differences would be written as 0.0


def draw(before: NDArray[np.integer], after: NDArray[np.integer], labels: Sequence[str]) -> Figure:
    """A matrix of percentage points, a row for each true class, and beside each row the gain in recall.

    Args:
        before: [K, K] examples of class i that the first classifier predicts as class j.
        after: [K, K] the same of the second one.
        labels: K names of the classes.
    """
    gains = 100 * (confusion.shares(after) - confusion.shares(before))  # [K, K], NaN for a class without examples
    limit = max(float(np.nanmax(np.abs(gains), initial=0)), 1e-9)
    figure = canvas.new_figure(_WIDTH, _HEIGHT, "What changes, class by class")
    matrix, bars = figure.subplots(1, 2, width_ratios=(2.3, 1), sharey=True)
    _draw_matrix(matrix, gains, limit)
    canvas.name_classes(matrix, labels)
    matrix.set(xlim=(-0.5, len(labels) - 0.5), ylim=(len(labels) - 0.5, -0.5))
    canvas.label(matrix, "Predicted", "True")

    canvas.set_style(bars)
    bars.grid(visible=False, axis="y")
    bars.tick_params(axis="y", length=0, labelleft=False)
    bars.spines["left"].set_visible(False)
    recall = np.nan_to_num(np.diagonal(gains))
    colors = [canvas.BLUE if gain > 0 else canvas.VERMILLION for gain in recall]
    drawn = bars.barh(range(len(labels)), recall, height=0.62, color=colors, alpha=0.85)
    gained = [_signed(gain) or "0.0" for gain in recall]
    if len(labels) <= canvas.MANY:
        bars.bar_label(drawn, gained, padding=4, fontsize=canvas.TEXT - 1.5, color=canvas.INK)
    bars.axvline(0, color=canvas.INK, linewidth=1)
    reach = float(np.abs(recall).max()) or 1.0
    beyond = [0.05 * reach + 0.4 * reach * any_ for any_ in (bool((recall < 0).any()), bool((recall >= 0).any()))]
    bars.set_xlim(min(0, recall.min()) - beyond[0], max(0, recall.max()) + beyond[1])
    bars.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    canvas.label(bars, "Gain in recall, points")
    return figure


def _draw_matrix(axes: Axes, gains: NDArray[np.floating], limit: float) -> None:
    classes = len(gains)
    for (true, predicted), gain in np.ndenumerate(gains):
        color = canvas.RULE if np.isnan(gain) else canvas.BLUE if gain > 0 else canvas.VERMILLION
        alpha = 1.0 if np.isnan(gain) else _STRONGEST * abs(gain) / limit
        if alpha:
            axes.add_patch(Rectangle((predicted - 0.5, true - 0.5), 1, 1, facecolor=color, alpha=alpha, linewidth=0))
        if classes > canvas.MANY:  # cells without room for a number
            continue
        text = axes.text(
            predicted,
            true,
            "–" if np.isnan(gain) else _signed(gain),
            ha="center",
            va="center",
            fontsize=(canvas.TEXT - 1) * min(1.4, (10 / classes) ** 0.5),
            color=canvas.INK,
        )
        canvas.shrink(text, 4.0 / classes)
    for border in range(1, classes if classes <= canvas.MANY else 1):
        axes.axhline(border - 0.5, color=canvas.RULE, linewidth=0.6)
        axes.axvline(border - 0.5, color=canvas.RULE, linewidth=0.6)
    for k in range(classes):
        axes.add_patch(Rectangle((k - 0.5, k - 0.5), 1, 1, fill=False, edgecolor=canvas.MUTED, linewidth=0.9))
    axes.tick_params(length=0, labelsize=canvas.TEXT - 1, labelcolor=canvas.INK)
    axes.spines[:].set_color(canvas.RULE)


def _signed(gain: float) -> str:
    return f"{gain:+.1f}".replace("-", "−") if abs(gain) >= _SHOWN else ""
