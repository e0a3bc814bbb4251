"""The loss at every update of a training: of the network, and of units that were trained one by one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from src.figures import canvas
from src.figures.data_view import Values
from src.figures.run_view import RunView, Unfit
from src.runs.metric import SETS

_COLUMNS = 3  # panels side by side
_MOST = 20_000  # points of a line
_FEW = 30  # points: a line of more has no markers
_SHARE, _LEAST = 100, 10  # a mean is over 1/100 of the updates, and over at least 10
_FALL = 20  # the factor between largest and smallest mean above which their scale is logarithmic


def of(run: RunView) -> Figure:
    """A run with `train.record_steps`."""
    if not run.steps:
        raise Unfit("the loss of each update was not recorded: train.record_steps=false")
    groups = run.config["train"].get("unit_targets", ())
    units = {f"finds {name.replace('_', ' ')}": run.steps[f"unit_{k}"][:, 0] for k, name in enumerate(groups)}
    losses = run.steps["network"][:, 0]
    at = np.multiply(run.history["epoch"], len(losses) / run.history["epoch"][-1])
    panels = units | {"output layer" if groups else "": losses}
    return draw(panels, at, run.history["valid_loss"], run.names["valid"])


def draw(
    losses: Mapping[str, Values], at: Sequence[float] | Values, valid: Sequence[float], name: str = SETS["valid"]
) -> Figure:
    """Panels with the loss of each update's batch, and its running mean.

    Args:
        losses: by the panels' headings; values that are not finite leave a gap.
        at: the updates, in the last panel, after which the validation loss was measured.
        valid: the validation loss there.
        name: of the validation set.
    """
    columns, rows = min(len(losses), _COLUMNS), math.ceil(len(losses) / _COLUMNS)
    figure = canvas.new_figure(7.6, 1 + 2.7 * rows, "Loss at each update")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (heading, values) in zip(panels, losses.items(), strict=False):
        _draw_losses(axes, values)
        canvas.title(axes, heading)
    for axes in panels[len(losses) :]:
        axes.set_axis_off()
    last = panels[len(losses) - 1]
    marker = "o" if len(at) <= _FEW else ""
    last.plot(
        at, valid, "--", color=canvas.VERMILLION, marker=marker, markersize=3, linewidth=1.4, label=name.capitalize()
    )
    canvas.legend(figure, "outside lower center", 3, handles=last.get_legend_handles_labels()[0])
    return figure


def _draw_losses(axes: Axes, losses: Values) -> None:
    canvas.set_style(axes)
    over = min(max(_LEAST, len(losses) // _SHARE), len(losses))
    sums = np.concatenate([[0.0], np.cumsum(losses, dtype=np.float64)])
    means = (sums[over:] - sums[:-over]) / over  # over the updates up to each one that has as many
    low, high = float(means.min()), float(means.max())
    if low > 0 and _FALL * low < high < math.inf:
        axes.set_yscale("log")
        axes.set_ylim(*_whole_decades(losses))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    single, mean = _thinned(1, len(losses)), _thinned(over, len(losses))
    marker = "o" if len(losses) <= _FEW else ""
    look: dict[str, Any] = {"color": canvas.SKY, "marker": marker, "markersize": 3, "linewidth": 0.6}
    axes.plot(single, losses[single - 1], **look, label="Training, each batch")
    axes.plot(mean, means[mean - over], color=canvas.BLUE, linewidth=1.6, label="Training, running mean")
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    canvas.label(axes, "Update", "Loss")


def _thinned(first: int, last: int) -> NDArray[np.intp]:
    return np.linspace(first, last, min(last - first + 1, _MOST)).astype(np.intp)


def _whole_decades(losses: Values) -> tuple[float, float]:
    # Limits at powers of ten, so that at least two of them are labelled.
    exponents = np.log10(losses[(losses > 0) & np.isfinite(losses)])
    low, high = math.floor(exponents.min()), math.ceil(exponents.max())
    return 10.0**low, 10.0 ** max(high, low + 1)
