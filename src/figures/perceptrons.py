"""From perceptrons to a network: what each unit finds, and what they find together."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from src.figures import plane
from src.figures.run_view import Grid, Points, RunView, Unfit, Values
from src.nn.arrays import Labels


class Unit(NamedTuple):
    """A unit that says yes or no everywhere on the plane."""

    name: str  # such as "finds lower left"
    grid: Grid  # labels: 0 no, 1 yes
    points: Points  # y: 1 for the examples that it is to find


def of(run: RunView) -> Figure:
    """Where each hidden unit fires that was trained to find a group, and where the network does."""
    data, groups = run.dataset, list(run.config["train"].get("unit_targets", ()))  # older runs have no such key
    if not groups or data.train.group is None:
        raise Unfit("no hidden unit was trained to find a group: train.unit_targets=[]")
    W, b = run.model.network.parameters.W[0], run.model.network.parameters.b[0]
    x, y, group = (np.asarray(array) for array in data.train)
    targets = [data.groups.index(name) for name in groups]

    def fires(unit: int) -> Callable[[Values], Labels]:
        # A sigmoid passes one half where its argument passes zero.
        return lambda points: (points @ W[:, unit] + b[unit] > 0).astype(np.int64)

    units = [
        Unit(f"finds {name.replace('_', ' ')}", run.grid(fires(unit)), Points(x, (group == targets[unit]).astype(int)))
        for unit, name in enumerate(groups)
    ]
    k = int(np.bincount(y[np.isin(group, targets)], minlength=1).argmax())  # the class that the groups form
    grid = run.grid(lambda points: (run.predict(points).labels == k).astype(np.int64))
    name = "the OR of both" if len(groups) == 2 else f"finds all of {data.labels[k]}"
    return draw([*units, Unit(name, grid, Points(x, (y == k).astype(int)))], run.features())


def draw(units: Sequence[Unit], features: tuple[str, str]) -> Figure:
    """A panel a unit: where it says yes, and upon it the examples, of which it is to find some.

    Args:
        units: at least one.
        features: what the axes are called.
    """
    handles = plane.class_handles(["not to be found", "to be found"])
    figure, all_axes = plane.panels("From perceptrons to a network", [unit.name for unit in units], features, handles)
    for axes, unit in zip(all_axes, units, strict=True):
        plane.draw_regions(axes, unit.grid)
        plane.draw_points(axes, unit.points)
    return figure
