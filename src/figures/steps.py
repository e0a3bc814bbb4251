"""The loss and the weights at every update of a training: of the network, and of units that were trained one by one."""

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
_STRETCHES = 1_000  # of the losses of many updates, each drawn by its lowest and its highest: about one a pixel
_SMOOTH = 2_000  # points of other lines, at most
_FEW = 30  # points: a line of more has no markers
_SHARE, _LEAST = 100, 10  # a mean is over 1/100 of the updates, and over at least 10
_FALL = 20  # the factor between largest and smallest mean above which their scale is logarithmic


def of(run: RunView) -> Figure:
    """A run with `train.record_steps`."""
    recorded = _by_heading(run)
    losses = {heading: rows[:, 0] for heading, rows in recorded.items()}
    last = run.steps["network"]
    at = np.multiply(run.history["epoch"], len(last) / run.history["epoch"][-1])
    title = f"Loss at each update of {run.scored('train')}"
    return draw(losses, at, run.history["valid_loss"], title, run.names["valid"])


def of_weights(run: RunView) -> Figure:
    """The weights and the bias of a perceptron, or of each one in a network of them, before each update."""
    network, recorded = run.model.network, _by_heading(run)
    if network.widths[-1] > 1 or (len(network.widths) > 2 and len(recorded) == 1):
        raise Unfit("weights by update are drawn of perceptrons, which are not trained here")
    weights = {heading: rows[:, 1:] for heading, rows in recorded.items() if rows.shape[1] > 1}
    if not weights:
        raise Unfit("weights by update are not kept of a perceptron with so many")
    return draw_weights(weights, bool(network.parameters.b), f"Weights at each update of {run.scored('train')}")


def _by_heading(run: RunView) -> dict[str, Values]:
    if not run.steps:
        raise Unfit("updates were not recorded: train.record_steps=false")
    groups = run.config["train"].get("unit_targets", ())
    units = {f"finds {name.replace('_', ' ')}": run.steps[f"unit_{k}"] for k, name in enumerate(groups)}
    return units | {"output layer" if groups else "": run.steps["network"]}


def draw(
    losses: Mapping[str, Values],
    at: Sequence[float] | Values,
    valid: Sequence[float],
    title: str = "Loss at each update",
    name: str = SETS["valid"],
) -> Figure:
    """Panels with the loss of each update's batch, and its running mean.

    Args:
        losses: by the panels' headings; values that are not finite leave a gap.
        at: the updates, in the last panel, after which the validation loss was measured.
        valid: the validation loss there.
        title: of the figure.
        name: of the validation set.
    """
    figure, panels = _panels(list(losses), title)
    for axes, values in zip(panels, losses.values(), strict=True):
        _draw_losses(axes, values)
    last = panels[-1]
    marker = "o" if len(at) <= _FEW else ""
    last.plot(
        at, valid, "--", color=canvas.VERMILLION, marker=marker, markersize=3, linewidth=1.4, label=name.capitalize()
    )
    canvas.legend(figure, "outside lower center", 3, handles=last.get_legend_handles_labels()[0])
    return figure


def draw_weights(weights: Mapping[str, Values], bias: bool, title: str) -> Figure:
    """Panels with a line for each weight of a perceptron, and one for its bias.

    Args:
        weights: by the panels' headings, [updates, parameters].
        bias: whether the last parameter is a bias.
        title: of the figure.
    """
    figure, panels = _panels(list(weights), title)
    most = max(values.shape[1] for values in weights.values()) - bias
    names = [f"weight {i}" for i in range(1, most + 1)]
    looks = canvas.styles([*names, "bias"], plain="bias")
    for axes, values in zip(panels, weights.values(), strict=True):
        updates = _thinned(1, len(values))
        columns = values[updates - 1].T
        for name, column in zip([*names[: len(columns) - bias], *["bias"] * bias], columns, strict=True):
            axes.plot(updates, column, looks[name].line, color=looks[name].color, linewidth=1.4, label=name)
        canvas.label(axes, "Update", "Weight")
    widest = max(panels, key=lambda axes: len(axes.lines))
    canvas.legend(figure, "outside lower center", 5, handles=widest.get_legend_handles_labels()[0])
    return figure


def _panels(headings: Sequence[str], title: str) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each heading, three a row, over the updates."""
    columns, rows = min(len(headings), _COLUMNS), math.ceil(len(headings) / _COLUMNS)
    figure = canvas.new_figure(7.6, 1 + 2.7 * rows, title)
    panels: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for axes, heading in zip(panels, headings, strict=False):
        canvas.set_style(axes)
        canvas.title(axes, heading)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    for axes in panels[len(headings) :]:
        axes.set_axis_off()
    return figure, panels[: len(headings)]


def _draw_losses(axes: Axes, losses: Values) -> None:
    over = min(max(_LEAST, len(losses) // _SHARE), len(losses))
    sums = np.concatenate([[0.0], np.cumsum(losses, dtype=np.float64)])
    means = (sums[over:] - sums[:-over]) / over  # over the updates up to each one that has as many
    low, high = float(means.min()), float(means.max())
    if low > 0 and _FALL * low < high < math.inf:
        axes.set_yscale("log")
        axes.set_ylim(*_whole_decades(losses))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    mean = _thinned(over, len(losses))
    marker = "o" if len(losses) <= _FEW else ""
    look: dict[str, Any] = {"color": canvas.SKY, "marker": marker, "markersize": 3, "linewidth": 0.6}
    axes.plot(*_envelope(losses), **look, label="Training, each batch")
    axes.plot(mean, means[mean - over], color=canvas.BLUE, linewidth=1.6, label="Training, running mean")
    canvas.label(axes, "Update", "Loss")


def _envelope(losses: Values) -> tuple[NDArray[np.intp], Values]:
    """Updates and losses whose line looks like that of all; values that are not finite leave a gap."""
    if len(losses) <= 2 * _STRETCHES:
        return np.arange(1, len(losses) + 1), losses
    starts = np.linspace(0, len(losses), _STRETCHES, endpoint=False).astype(np.intp)
    at = np.stack([starts + 1, (starts + np.append(starts[1:], len(losses))) // 2 + 1], axis=1)  # [stretches, 2]
    heights = np.stack([np.minimum.reduceat(losses, starts), np.maximum.reduceat(losses, starts)], axis=1)
    return at.ravel(), heights.ravel()


def _thinned(first: int, last: int) -> NDArray[np.intp]:
    return np.linspace(first, last, min(last - first + 1, _SMOOTH)).astype(np.intp)


def _whole_decades(losses: Values) -> tuple[float, float]:
    # Limits at powers of ten, so that at least two of them are labelled.
    exponents = np.log10(losses[(losses > 0) & np.isfinite(losses)])
    low, high = math.floor(exponents.min()), math.ceil(exponents.max())
    return 10.0**low, 10.0 ** max(high, low + 1)
