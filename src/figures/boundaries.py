"""Decision boundaries on the plane of two features: those of a network, and those of its hidden units."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from src.data.dataset import Examples
from src.figures import plane
from src.figures.data_view import Values
from src.figures.run_view import Grid, RunView, Unfit
from src.nn.arrays import Labels


def of(run: RunView) -> Figure:
    """The decisions of a network of two features, with the training and with the test set."""
    grid = run.grid()
    panels = [(run.heading(part), grid, run.examples(part)) for part in ("train", "test")]
    return draw("Decision boundaries", panels, run.dataset.labels, run.features())


def of_units(run: RunView) -> Figure:
    """A panel for each hidden unit that was trained to find a group of examples, and one for the network."""
    data, groups = run.dataset, list(run.config["train"].get("unit_targets", ()))  # older runs have no such key
    if not groups or data.train.group is None:
        raise Unfit("no hidden unit was trained to find a group: train.unit_targets=[]")
    W, b = run.model.network.parameters.W[0], run.model.network.parameters.b[0]
    x, y, group = (np.asarray(array) for array in data.train)
    targets = [data.groups.index(name) for name in groups]

    def fires(unit: int) -> Callable[[Values], Labels]:
        # A sigmoid is above one half where its argument is above zero.
        return lambda points: (points @ W[:, unit] + b[unit] > 0).astype(np.int64)

    units = [
        (f"finds {name.replace('_', ' ')}", run.grid(fires(unit)), Examples(x, (group == targets[unit]).astype(int)))
        for unit, name in enumerate(groups)
    ]
    k = int(np.bincount(y[np.isin(group, targets)], minlength=1).argmax())  # the class that the groups form
    grid = run.grid(lambda points: (run.predict(points).labels == k).astype(np.int64))
    name = "the OR of both" if len(groups) == 2 else f"finds all of {data.labels[k]}"
    panels = [*units, (name, grid, Examples(x, (y == k).astype(int)))]
    return draw("From perceptrons to a network", panels, ["not to be found", "to be found"], run.features())


def draw(
    title: str, panels: Sequence[tuple[str, Grid, Examples]], labels: Sequence[str], features: tuple[str, str]
) -> Figure:
    """Panels side by side: regions in the pale colours of their classes, and examples on them.

    Args:
        title: of the figure.
        panels: of each, a heading, a classifier's decisions (which may omit a class), and examples.
        labels: names of the classes.
        features: names of the axes.
    """
    headings = [heading for heading, _, _ in panels]
    figure, all_axes = plane.panels(title, headings, features, plane.class_handles(labels))
    for axes, (_, grid, examples) in zip(all_axes, panels, strict=True):
        plane.draw_decisions(axes, grid, examples)
    return figure
