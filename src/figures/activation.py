"""An activation function beside the decision boundary that a network of such units has learned."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import canvas, plane
from src.figures.run_view import Grid, Points, RunView, Unfit
from src.nn.activations import ACTIVATIONS


def of(run: RunView) -> Figure:
    """The activation function of a network of two features, and the network's decisions."""
    name = run.model.header["model"]["act"]
    if len(run.model.network.widths) < 3:
        raise Unfit("the network has no hidden units")
    z = np.linspace(-4, 4, 401)
    f = np.empty_like(z)
    ACTIVATIONS[name].value(z, f)
    heading = "right: training {train:.2%}, test {test:.2%}".format(**run.accuracy)
    return draw(z, f, name, run.grid(), run.points("train"), run.dataset.labels, run.features(), heading)


def draw(
    z: NDArray[np.floating],
    f: NDArray[np.floating],
    name: str,
    grid: Grid,
    points: Points,
    labels: Sequence[str],
    features: tuple[str, str],
    heading: str,
) -> Figure:
    """Two panels: the curve of f, and the regions of the plane with examples upon them.

    Args:
        z: [n] pre-activations, ascending.
        f: [n] their activations.
        name: of the activation function.
        grid: what the network decides for.
        points: examples.
        labels: names of the classes.
        features: what the axes of the plane are called.
        heading: above the plane, such as the accuracy on the examples.
    """
    title = f"{name}, and the boundary that the network learned with it"
    headings, handles = [f"a = {name}(z)", heading], plane.class_handles(labels)
    figure, (curve, regions) = plane.panels(title, headings, features, handles, shared=False)
    curve.axhline(0, color=canvas.MUTED, linewidth=0.8)
    curve.axvline(0, color=canvas.MUTED, linewidth=0.8)
    curve.plot(z, f, color=canvas.INK, linewidth=2)
    curve.set_xlim(float(z[0]), float(z[-1]))
    curve.set_xticks(np.linspace(z[0], z[-1], 5))
    canvas.label(curve, "z", "a")
    plane.draw_regions(regions, grid)
    plane.draw_points(regions, points)
    return figure
