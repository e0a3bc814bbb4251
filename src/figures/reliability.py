"""The reliability diagram: how often predictions of a given confidence are right."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from src.analysis import calibration
from src.figures import canvas
from src.figures.run_view import RunView

# Predictions in a bin of the curve, at least: the accuracy of a few is a matter of luck, and that of one is 0 or 100 %.
_LEAST, _SHARE = 5, 20  # in a small test set, at least 1/20 of it
_OVER = 6  # the vertical axis of the bars, over the tallest one: room for its number


def of(run: RunView) -> Figure:
    """Accuracy on the test set against confidence in bins, and below it the number of predictions in each bin."""
    labels, confidence = run.known["test"]
    grouped = calibration.reliability(confidence, labels == np.asarray(run.dataset.test.y))
    error = grouped.expected_calibration_error
    title = f"{run.scored('test')}, expected calibration error {error:.2%}"
    figure = canvas.new_figure(7.6, 6.2, title)
    curve, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    canvas.set_style(curve)
    least = min(_LEAST, max(2, math.ceil(len(labels) / _SHARE)))
    shown = grouped.count >= least
    curve.plot((0, 100), (0, 100), color=canvas.MUTED, linestyle="--", linewidth=1.2, label="Perfectly calibrated")
    curve.plot(
        100 * grouped.confidence[shown],
        100 * grouped.accuracy[shown],
        color=canvas.BLUE,
        marker="o",
        markersize=5,
        linewidth=1.8,
        label=f"Network, where a bin has at least {least} predictions",
        clip_on=not shown.any(),  # a point may lie on the frame; a line without points has no place
    )
    curve.set(xlim=(0, 100), ylim=(0, 100))
    canvas.label(curve, y="Accuracy, %")

    canvas.set_style(bars)
    edges, count = 100 * grouped.edges, grouped.count
    # Nearly all predictions of a good network are in the last bin; a linear scale would hide the others.
    bars.set_yscale("log")
    bars.bar(
        edges[:-1],
        np.where(count > 0, count, np.nan),
        width=np.diff(edges),
        align="edge",
        color=canvas.SKY,
        edgecolor="white",
        linewidth=0.8,
    )
    bars.set_ylim(0.5, _OVER * count.max())
    bars.yaxis.set_major_locator(LogLocator(numticks=4))
    bars.yaxis.set_minor_locator(NullLocator())
    bars.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for middle, height in zip((edges[:-1] + edges[1:]) / 2, count.tolist(), strict=True):
        if height:
            look = {"ha": "center", "va": "bottom", "fontsize": canvas.SMALL, "color": canvas.INK}
            bars.annotate(f"{height:,}", (middle, height), (0, 1), textcoords="offset points", **look)
    canvas.label(bars, "Confidence, %", "Predictions")
    figure.align_ylabels()
    canvas.legend(figure, "outside lower center", 2)
    return figure
