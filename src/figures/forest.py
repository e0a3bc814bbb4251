"""A forest plot of differences: how much better or worse each variant is, with confidence intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

from src.analysis import formats
from src.analysis.comparison_verdict import Comparison
from src.figures import canvas, rows

_MARK: dict[str, Any] = {"linestyle": "", "markersize": 7, "markeredgewidth": 1.6, "zorder": 3}
MARKS = {
    "better": {**_MARK, "marker": "^", "color": canvas.BLUE},
    "worse": {**_MARK, "marker": "v", "color": canvas.VERMILLION},
    "no difference": {**_MARK, "marker": "s", "color": canvas.INK},
    "undecided": {**_MARK, "marker": "o", "color": canvas.MUTED, "markerfacecolor": "white"},
    "no verdict": {**_MARK, "marker": "x", "color": canvas.MUTED},
}
_RIGHT = 1.75  # inches, for the columns
_SUBTITLE, _LEGEND = 0.2, 0.3
_OUTLYING = 25  # times the median reach: on a linear scale, half of the rows would be a dot at zero


def draw(panels: Sequence[tuple[str, Sequence[Comparison]]], metric: str) -> Figure:
    """A panel per question: each comparison's mean difference with its 95 % interval, and its single differences.

    Args:
        panels: of each, a subtitle and at least one comparison.
        metric: an accuracy, in words.
    """
    heights = [_SUBTITLE + rows.HEADS + len(comparisons) * rows.PITCH + rows.AXIS for _, comparisons in panels]
    tall = canvas.HEADER + sum(heights) + _LEGEND + canvas.MARGIN
    figure = canvas.new_figure(rows.WIDTH, tall, "Paired differences", arrange=False)
    left = rows.room([comparison.variant for _, comparisons in panels for comparison in comparisons])
    top = canvas.HEADER
    for height, (subtitle, comparisons) in zip(heights, panels, strict=True):
        names = [comparison.variant for comparison in comparisons]
        axes = rows.panel(figure, top + _SUBTITLE + rows.HEADS, names, left, _RIGHT)
        _draw_panel(axes, comparisons)
        scale = ", logarithmic outwards" if axes.get_xscale() == "symlog" else ""
        canvas.label(axes, f"Difference in {metric}, points{scale}", size=canvas.TEXT - 1)
        raised = 72 * (rows.HEADS + 0.04)
        text = rows.write(axes, -left, -0.5, subtitle, canvas.TEXT, raised, va="baseline", fontweight="bold")
        canvas.shrink(text, rows.WIDTH - 2 * canvas.MARGIN)
        top += height

    used = [verdict for verdict in MARKS if any(c.verdict == verdict for _, panel in panels for c in panel)]
    handles = [Line2D([], [], label=verdict, **MARKS[verdict]) for verdict in used]
    handles.append(Line2D([], [], linestyle="", marker="o", markersize=4, color=canvas.SKY, label="a single seed"))
    place = {"bbox_to_anchor": (canvas.MARGIN / rows.WIDTH, canvas.MARGIN / tall), "borderaxespad": 0, "borderpad": 0}
    spacing = {"handlelength": 1, "handletextpad": 0.4, "columnspacing": 1.2}
    canvas.legend(figure, "lower left", len(handles), canvas.TEXT - 1, handles=handles, **place, **spacing)
    return figure


def _draw_panel(axes: Axes, comparisons: Sequence[Comparison]) -> None:
    axes.axvline(0, color=canvas.INK, linewidth=1)
    extents = []  # of each row: the extreme values on either side of zero
    for row, comparison in enumerate(comparisons):
        effect = comparison.effect
        if effect is None:
            continue
        singles = 100 * np.array(effect.differences)
        bounds = [100 * bound for bound in (effect.low, effect.high) if bound is not None]
        extents.append((min(0, *singles, *bounds), max(0, *singles, *bounds)))
        axes.plot(
            singles, np.full(len(singles), row + 0.27), "o", markersize=4, color=canvas.SKY, alpha=0.7, clip_on=False
        )
        mark = MARKS[comparison.verdict]
        if bounds:
            axes.plot(bounds, (row - 0.08, row - 0.08), color=mark["color"], linewidth=2, solid_capstyle="butt")
        axes.plot(100 * effect.mean, row - 0.08, **mark)
    _set_scale(axes, extents)
    effects = [comparison.effect for comparison in comparisons]
    means = ["no seed in common" if effect is None else formats.points(effect.mean) for effect in effects]
    rows.column(axes, 0.6, "mean", means)
    rows.column(axes, 0.85, "n", ["" if effect is None else str(effect.n) for effect in effects])
    ps = [None if c.effect is None else c.corrected_p for c in comparisons]
    rows.column(axes, 1.6, "corrected p", ["" if p is None else formats.p_value(p) for p in ps])


def _set_scale(axes: Axes, extents: Sequence[tuple[float, float]]) -> None:
    reaches = [high - low for low, high in extents]
    low = min((low for low, _ in extents), default=0)
    high = max((high for _, high in extents), default=0)
    margin = 0.05 * (high - low) or 0.1
    typical = float(np.median(reaches)) if reaches else 0.0
    if typical and max(reaches) > _OUTLYING * typical:
        linear = 10.0 ** np.ceil(np.log10(typical))
        axes.set_xscale("symlog", linthresh=linear)
        axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=linear))
        low, high = 1.5 * low, 1.5 * high
        margin = 0.2 * linear
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+.6g}".replace("-", "−") if x else "0"))
    axes.set_xlim(low - margin, high + margin)
