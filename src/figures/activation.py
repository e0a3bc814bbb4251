"""The activation functions of a network beside the decision boundary that it learned with them."""

import numpy as np
from matplotlib.figure import Figure

from src.figures import canvas, key, plane
from src.figures.run_view import RunView, Unfit
from src.nn.activations import ACTIVATIONS


def of(run: RunView) -> Figure:
    """Two panels: the activation functions, and the decisions of the network with the training set."""
    act = run.model.header["model"]["act"]  # a list if layers differ
    if len(run.model.network.widths) < 3:
        raise Unfit("the network has no hidden units")
    names = [act] if isinstance(act, str) else list(dict.fromkeys(act))
    listed = ", ".join(names)
    looks = {name: look._replace(marker="") for name, look in canvas.styles(names, names[0]).items()}
    z = np.linspace(-4, 4, 401)
    title = f"{listed}, and the boundary that the network learned with {'it' if len(names) == 1 else 'them'}"
    headings = [f"a = {listed}(z)" if len(names) == 1 else "a = f(z)"]
    headings.append("right: training {train:.2%}, test {test:.2%}".format(**run.accuracy))
    keys = [plane.class_handles(run.dataset.labels)]
    if len(names) > 1:
        keys.append([key.handle(look, name) for name, look in looks.items()])
    figure, (curve, regions) = plane.panels(title, headings, run.features(), *keys, shared=False)
    curve.axhline(0, color=canvas.MUTED, linewidth=0.8)
    curve.axvline(0, color=canvas.MUTED, linewidth=0.8)
    for name, look in looks.items():
        f = np.empty_like(z)
        ACTIVATIONS[name].value(z, f)
        curve.plot(z, f, look.line, color=look.color, linewidth=2)
    curve.set_xlim(z[0], z[-1])
    curve.set_xticks(np.linspace(z[0], z[-1], 5))
    canvas.label(curve, "z", "a")
    plane.draw_decisions(regions, run.grid(), run.examples("train"))
    return figure
