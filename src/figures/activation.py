"""The activation functions of a network beside the decision boundary that it learned with them."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.figures import boundaries, canvas, key, plane
from src.figures.run_view import RunView, Unfit
from src.nn.activations import ACTIVATIONS
from src.nn.arithmetic import NATIVE


def of(run: RunView) -> Figure:
    """The activation functions, and the decisions and probabilities of the network with the training set."""
    names = list(dict.fromkeys(run.acts))
    if not names:
        raise Unfit("the network has no hidden units")
    features, labels = run.features(), run.dataset.labels
    looks = looks_of(names)
    keys = [plane.class_handles(labels)]
    if len(names) > 1:
        keys.append([key.handle(look, name) for name, look in looks.items()])
    headings = [f"a = {names[0]}(z)" if len(names) == 1 else "a = f(z)", run.heading("train")]
    rows = [plane.Row(headings, features, shared=False), boundaries.maps(2, labels, features)]
    figure, ((curve, regions), maps) = plane.sheet(f"What {run.scored('test')} learned", rows, *keys)
    draw_functions(curve, looks)
    grid = run.grid()
    plane.draw_decisions(regions, grid, run.examples("train"))
    boundaries.draw_maps(maps, [(grid, run.examples(part)) for part in ("train", "test")])
    return figure


def looks_of(names: list[str]) -> Mapping[str, canvas.Style]:
    """The look of each of these functions."""
    return {name: look._replace(marker="") for name, look in canvas.styles(names, names[0]).items()}


def draw_functions(axes: Axes, looks: Mapping[str, canvas.Style]) -> None:
    """Draws the activation functions of these names."""
    z = np.linspace(-4, 4, 401)
    axes.axhline(0, color=canvas.MUTED, linewidth=0.8)
    axes.axvline(0, color=canvas.MUTED, linewidth=0.8)
    for name, look in looks.items():
        f = np.empty_like(z)
        ACTIVATIONS[name].value(NATIVE, z, f)
        axes.plot(z, f, look.line, color=look.color, linewidth=2)
    axes.set_xlim(z[0], z[-1])
    axes.set_xticks(np.linspace(z[0], z[-1], 5))
    canvas.label(axes, "z", "a")
