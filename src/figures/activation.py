"""An activation function beside the decision boundary that a network with it learned."""

import numpy as np
from matplotlib.figure import Figure

from src.figures import canvas, plane
from src.figures.run_view import RunView, Unfit
from src.nn.activations import ACTIVATIONS


def of(run: RunView) -> Figure:
    """Two panels: the activation function, and the decisions of the network with the training set."""
    name = run.model.header["model"]["act"]
    if len(run.model.network.widths) < 3:
        raise Unfit("the network has no hidden units")
    z = np.linspace(-4, 4, 401)
    f = np.empty_like(z)
    ACTIVATIONS[name].value(z, f)
    title = f"{name}, and the boundary that the network learned with it"
    headings = [f"a = {name}(z)", "right: training {train:.2%}, test {test:.2%}".format(**run.accuracy)]
    handles = plane.class_handles(run.dataset.labels)
    figure, (curve, regions) = plane.panels(title, headings, run.features(), handles, shared=False)
    curve.axhline(0, color=canvas.MUTED, linewidth=0.8)
    curve.axvline(0, color=canvas.MUTED, linewidth=0.8)
    curve.plot(z, f, color=canvas.INK, linewidth=2)
    curve.set_xlim(z[0], z[-1])
    curve.set_xticks(np.linspace(z[0], z[-1], 5))
    canvas.label(curve, "z", "a")
    plane.draw_decisions(regions, run.grid(), run.examples("train"))
    return figure
