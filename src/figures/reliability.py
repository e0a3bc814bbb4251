"""The reliability diagram: how often predictions of a given confidence are right."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from src.analysis import calibration
from src.figures import canvas
from src.figures.run_view import RunView


def of(run: RunView) -> Figure:
    """Accuracy on the test set against confidence in bins, and below it the number of predictions in each bin."""
    labels, confidence = run.known["test"]
    grouped = calibration.reliability(confidence, labels == np.asarray(run.dataset.test.y))
    error = grouped.expected_calibration_error
    figure = canvas.new_figure(5.4, 5.9, f"Test set (expected calibration error {error:.4f})")
    curve, bars = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    canvas.set_style(curve)
    used = grouped.count > 0
    curve.plot((0, 1), (0, 1), color=canvas.MUTED, linestyle="--", linewidth=1.2, label="Perfectly calibrated")
    curve.plot(
        grouped.confidence[used],
        grouped.accuracy[used],
        color=canvas.BLUE,
        marker="o",
        markersize=5,
        linewidth=1.8,
        label="Network",
        clip_on=False,
    )
    curve.set(xlim=(0, 1), ylim=(0, 1))
    canvas.label(curve, y="Accuracy")

    canvas.set_style(bars)
    # Nearly all predictions of a good network are in the last bin; a linear scale would hide the others.
    bars.set_yscale("log")
    bars.bar(
        grouped.edges[:-1],
        np.where(used, grouped.count, np.nan),
        width=np.diff(grouped.edges),
        align="edge",
        color=canvas.SKY,
        edgecolor="white",
        linewidth=0.8,
    )
    bars.set_ylim(0.5, 3 * grouped.count.max())
    bars.yaxis.set_major_locator(LogLocator(numticks=4))
    bars.yaxis.set_minor_locator(NullLocator())
    bars.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    canvas.label(bars, "Confidence", "Predictions")
    figure.align_ylabels()
    canvas.legend(figure, "outside lower center", 2)
    return figure
