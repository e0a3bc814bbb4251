"""Decision boundaries on the plane of two features: those of a network, and those of its hidden units.

Below them, the probabilities of the classes.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.data.dataset import Examples
from src.figures import plane
from src.figures.data_view import Values
from src.figures.run_view import Grid, RunView, Unfit
from src.nn.arrays import Labels

Classify = Callable[[Values], tuple[Labels, Values]]  # from points [n, 2]: labels [n], probabilities [n, classes]
_MOST = 4  # classes with a probability map of their own


def of(run: RunView) -> Figure:
    """The decisions of a network of two features, with the training and with the test set, and its probabilities."""
    grid = run.grid()
    panels = [(run.heading(part), grid, run.examples(part)) for part in ("train", "test")]
    return draw(f"Decision boundaries of {run.name}, and its probabilities", panels, run.dataset.labels, run.features())


def of_units(run: RunView) -> Figure:
    """A panel for each hidden unit that was trained to find a group of examples, and one for the network.

    Their headings have the accuracies on the training set.
    """
    data, groups = run.dataset, list(run.config["train"].get("unit_targets", ()))  # older runs have no such key
    if not groups or data.train.group is None:
        raise Unfit("no hidden unit was trained to find a group: train.unit_targets=[]")
    W, b = run.model.network.parameters.W[0], run.model.network.parameters.b[0]
    x, y, group = (np.asarray(array) for array in data.train)
    targets = [data.groups.index(name) for name in groups]

    def fires(unit: int) -> Classify:
        def classify(points: Values) -> tuple[Labels, Values]:
            z = points @ W[:, unit] + b[unit]
            p = 0.5 + 0.5 * np.tanh(z / 2)  # the sigmoid of z, which is above one half where z > 0
            return (z > 0).astype(np.int64), np.stack([1 - p, p], axis=1)

        return classify

    def panel(words: str, classify: Classify, y: NDArray[np.bool_]) -> tuple[str, Grid, Examples]:
        right = (classify(x)[0] == y).mean()
        return f"{words}: {right:.2%}", run.grid(classify), Examples(x, y.astype(np.int64))

    units = [
        panel(f"finds {name.replace('_', ' ')}", fires(unit), group == targets[unit])
        for unit, name in enumerate(groups)
    ]
    k = int(np.bincount(y[np.isin(group, targets)], minlength=1).argmax())  # the class that the groups form

    def belongs(points: Values) -> tuple[Labels, Values]:
        found = run.predict(points)
        p = found.probabilities[:, k]
        return (found.labels == k).astype(np.int64), np.stack([1 - p, p], axis=1)

    name = "the OR of both" if len(groups) == 2 else f"finds all of {data.labels[k]}"
    panels = [*units, panel(name, belongs, y == k)]
    title = f"From perceptrons to a network: {run.scored('train')}"
    return draw(title, panels, ["not to be found", "to be found"], run.features())


def draw(
    title: str, panels: Sequence[tuple[str, Grid, Examples]], labels: Sequence[str], features: tuple[str, str]
) -> Figure:
    """Panels side by side: regions in the pale colours of their classes, and examples on them. Below: probabilities.

    Of two classes, each panel has the map of the second one's probability below it. Of more classes, the first
    panel's classifier has a map for each class, up to four.

    Args:
        title: of the figure.
        panels: of each, a heading, a classifier's decisions (which may omit a class), and examples.
        labels: names of the classes.
        features: names of the axes.
    """
    regions = plane.Row([heading for heading, _, _ in panels], features)
    figure, (upper, lower) = plane.sheet(
        title, [regions, maps(len(panels), labels, features)], plane.class_handles(labels)
    )
    for axes, (_, grid, examples) in zip(upper, panels, strict=True):
        plane.draw_decisions(axes, grid, examples)
    draw_maps(lower, [(grid, examples) for _, grid, examples in panels])
    return figure


def maps(panels: int, labels: Sequence[str], features: tuple[str, str]) -> plane.Row:
    """The row of probability maps below so many panels with regions."""
    headings = [f"P({labels[1]})"] * panels if len(labels) == 2 else [f"P({label})" for label in labels[:_MOST]]
    return plane.Row(headings, features, colors=plane.probability_colors(len(labels)))


def draw_maps(row: Sequence[Axes], panels: Sequence[tuple[Grid, Examples]]) -> None:
    """Draws the row of `maps` below panels with these grids and examples."""
    first, _ = panels[0]
    if first.probabilities.shape[2] == 2:
        for axes, (grid, examples) in zip(row, panels, strict=True):
            plane.draw_probability(axes, grid, 1, examples)
        return
    for k, axes in enumerate(row):
        plane.draw_probability(axes, first, k)
