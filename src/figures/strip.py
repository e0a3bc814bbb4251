"""Every seed of every variant as a dot, below it the mean: what the averages are made of."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from src.analysis import formats
from src.analysis.comparison_verdict import VariantSummary
from src.figures import canvas, rows, scales

_RIGHT = 1.75  # inches, for the columns if a run failed


def draw(
    variants: Sequence[VariantSummary],
    values: Mapping[str, Sequence[float | None]],
    tags: Mapping[str, str],
    metric: str,
) -> Figure:
    """A row per variant: its runs as dots, and below them their mean with its 95 % interval.

    A faint line joins the dots of one seed, whose runs share their random draws; it has gaps where runs failed.

    Args:
        variants: at least one of which has a finished run.
        values: by variant, the accuracy with each seed of the study; None where the run failed.
        tags: by variant, a word below its name, if any.
        metric: an accuracy, in words.
    """
    height = canvas.HEADER + rows.HEADS + len(variants) * rows.PITCH + rows.AXIS
    figure = canvas.new_figure(rows.WIDTH, height, "Every seed", arrange=False)
    names = [row.variant for row in variants]
    left, right = rows.room(names), _RIGHT if any(row.failures for row in variants) else 0.75
    axes = rows.panel(figure, canvas.HEADER + rows.HEADS, names, left, right, tags)

    grid = np.array([values[name] for name in names], dtype=float)  # [variants, seeds], NaN where a run failed
    intervals = [row.reported for row in variants]
    below = scales.outlying({row.variant: row.reported.mean for row in variants if row.reported})
    shown = [row.variant not in below for row in variants]
    grid[np.invert(shown)] = np.nan
    heights = np.arange(len(names)) - 0.13
    axes.plot(grid, heights, color=canvas.MUTED, linewidth=0.7, alpha=0.45)
    axes.plot(grid.ravel(), np.repeat(heights, grid.shape[1]), "o", color=canvas.BLUE, markersize=5, alpha=0.75)
    bounds: list[float] = []
    for row, interval in enumerate(intervals):
        if interval is None:
            continue
        if not shown[row]:
            rows.write(axes, 0.05, row, "◀ too far down to be shown", canvas.SMALL)
            continue
        bounds += [bound for bound in (interval.low, interval.high) if bound is not None]
        if interval.low is not None and interval.high is not None:
            axes.plot((interval.low, interval.high), (row + 0.23, row + 0.23), color=canvas.INK, linewidth=1.4)
        axes.plot(interval.mean, row + 0.23, "D", color=canvas.INK, markersize=4.5)
    unit = scales.accuracy(axes, "x", [*grid.ravel(), *bounds])
    label = f"{metric[:1].upper()}{metric[1:]}, {unit}"
    canvas.label(axes, label, size=canvas.TEXT - 1)

    rows.column(axes, 0.6, "mean", ["" if i is None else formats.percent(i.mean) for i in intervals])
    if any(row.failures for row in variants):
        rows.column(axes, 0.75, "failed", [_failed(row.failures) for row in variants], ha="left", width=_RIGHT - 0.85)
    return figure


def _failed(failures: Sequence[str]) -> str:
    match failures:
        case []:
            return ""
        case [failure]:
            return textwrap.fill(failure, 18, max_lines=3, placeholder=" …")
        case _:
            return f"{len(failures)} runs"
