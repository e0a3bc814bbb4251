"""What a network of two classes answers before it is trained: a histogram of its outputs, and its threshold."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from src.config.tree import build
from src.figures import canvas, plane
from src.figures.run_view import RunView, Unfit
from src.training.metrics import predict
from src.training.session import Session

_BINS = 50
_LONGEST = 20  # characters of a class's name


def of(run: RunView) -> Figure:
    """The outputs for the training set of the network with its initial weights, drawn again."""
    labels, (x, y, _) = run.dataset.labels, run.dataset.train
    if len(labels) != 2:
        raise Unfit(f"a threshold takes two classes; the data have {len(labels)}")
    if run.config["train"].get("start_from"):
        raise Unfit("the training went on with a trained network: train.start_from")
    network = Session(build(run.config, "config.yaml"), run.dataset).network
    found = predict(network, x, np.asarray(y))
    title = f"{run.name} before training ({run.names['train']} set: {found.accuracy:.2%} right)"
    threshold = 0.5 if network.threshold is None else network.threshold
    return draw(found.probabilities[:, 1], np.asarray(y), threshold, labels, title)


def draw(
    outputs: NDArray[np.floating],
    y: NDArray[np.integer],
    threshold: float,
    labels: Sequence[str],
    title: str,
) -> Figure:
    """A histogram, stacked by class.

    Args:
        outputs: [n] probabilities of the second class.
        y: [n] the true classes, 0 or 1.
        threshold: the output above which the network decides for the second class.
        labels: names of the classes.
        title: of the figure.
    """
    figure = canvas.new_figure(7.6, 3.7, title)
    axes = figure.subplots()
    canvas.set_style(axes)
    edges = np.linspace(0, 100, _BINS + 1).tolist()
    groups = [100 * outputs[y == k].astype(np.float64) for k in range(len(labels))]
    colors = [plane.look(k).color for k in range(len(labels))]
    axes.hist(
        groups,
        edges,
        stacked=True,
        color=colors,
        label=[canvas.wrapped(label, _LONGEST, lines=1) for label in labels],
        edgecolor="white",
        linewidth=0.5,
    )
    axes.axvline(100 * threshold, color=canvas.INK, linewidth=1.4, linestyle="--", label=f"Threshold ({threshold:.2%})")
    axes.set_xlim(0, 100)
    low, high = float(outputs.min()), float(outputs.max())
    name = canvas.wrapped(labels[1], _LONGEST, lines=1)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    canvas.label(axes, f"P({name}), %: from {low:.2%} to {high:.2%}", "Examples")
    canvas.legend(figure, "outside lower center", 3)
    return figure
