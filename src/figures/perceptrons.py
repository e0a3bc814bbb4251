"""From perceptrons to a network: what each unit finds, and what they find together."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from src.data.dataset import Examples
from src.figures import boundaries
from src.figures.run_view import RunView, Unfit, Values
from src.nn.arrays import Labels


def of(run: RunView) -> Figure:
    """Where each hidden unit fires that was trained to find a group, and where the network finds all of them."""
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
        (f"finds {name.replace('_', ' ')}", run.grid(fires(unit)), Examples(x, (group == targets[unit]).astype(int)))
        for unit, name in enumerate(groups)
    ]
    k = int(np.bincount(y[np.isin(group, targets)], minlength=1).argmax())  # the class that the groups form
    grid = run.grid(lambda points: (run.predict(points).labels == k).astype(np.int64))
    name = "the OR of both" if len(groups) == 2 else f"finds all of {data.labels[k]}"
    panels = [*units, (name, grid, Examples(x, (y == k).astype(int)))]
    return boundaries.draw("From perceptrons to a network", panels, ["not to be found", "to be found"], run.features())
