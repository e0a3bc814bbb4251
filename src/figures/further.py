"""The further figures of a run, by the names that `tracking.gallery` asks for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.figures.finished_run import FinishedRun, Unfit
from src.nn.activations import ACTIVATIONS
from src.nn.arrays import Labels
from src.training.batches import Batches
from src.training.metrics import confusion

_FALL = 20  # the factor from which on a loss that falls is drawn on a logarithmic scale


def samples(run: FinishedRun) -> Any:
    """One example of each class."""
    from src.figures import samples as figure

    classes, first = np.unique(run.dataset.train.y, return_index=True)
    return figure.draw(run.images(run.dataset.train.x[first]), np.array(run.dataset.labels)[classes])


def sheet(run: FinishedRun) -> Any:
    """The first examples, whatever their class."""
    from src.figures import sheet as figure

    x, y, _ = run.dataset.train
    return figure.draw(run.images(x[: figure.SHOWN]), [run.dataset.labels[k] for k in y[: figure.SHOWN]])


def versions(run: FinishedRun) -> Any:
    """Many examples of one class."""
    from src.figures import versions as figure

    x, y, _ = run.dataset.train
    k = min(7, len(run.dataset.labels) - 1)  # of the digits, sevens are the ones that come with a bar and without
    chosen = np.flatnonzero(y == k)[: figure.SHOWN]
    return figure.draw(run.images(x[chosen]), f"{len(chosen)} versions of {run.dataset.labels[k]}")


def turned(run: FinishedRun) -> Any:
    """A test image and the same turned by 180 degrees."""
    from src.figures import turned as figure

    labels, (x, y, _) = run.dataset.labels, run.dataset.test
    wrong = run.predicted.labels != y
    # A six is what may become another digit. Where there is none, or all are mistaken, the next best is shown.
    another = y != labels.index("6") if "6" in labels else wrong
    upright = np.asarray(x[np.lexsort((another, wrong))[0]], np.float64)
    center, scale = (np.asarray(run.dataset.scaling[name]) for name in ("center", "scale"))
    raw = upright * scale + center  # each pixel may be scaled in its own way
    pair = np.stack([raw, raw[::-1]])
    return figure.draw(run.images(pair), run.probabilities((pair - center) / scale), labels)


def pca(run: FinishedRun) -> Any:
    """The test set by its principal components."""
    from src.figures import pca as figure

    x, y, _ = run.dataset.test
    if min(x.shape) < 3:
        raise Unfit(f"three dimensions take 3 features and 3 examples; the test set has {x.shape[1]} and {x.shape[0]}")
    return figure.draw(x, np.asarray(y), run.dataset.labels)


def scatter(run: FinishedRun) -> Any:
    """All examples on the plane of their two features."""
    from src.figures import scatter as figure

    features, data = run.features(), run.dataset
    sets = {"train": data.train, "valid": data.valid, "test": data.test}
    return figure.draw({name: run.points(part) for name, part in sets.items()}, data.labels, features)


def boundaries(run: FinishedRun) -> Any:
    """What the network decides for on the plane of two features."""
    from src.figures import boundaries as figure

    features, data = run.features(), run.dataset
    panels = [(run.accuracy("train"), run.points(data.train)), (run.accuracy("test"), run.points(data.test))]
    return figure.draw(run.grid(run.decided), panels, data.labels, features)


def activation(run: FinishedRun) -> Any:
    """The activation function, and what the network decides for."""
    from src.figures import activation as figure

    features, name = run.features(), run.model.header["model"]["act"]
    if len(run.model.network.widths) < 3:
        raise Unfit("the network has no hidden units")
    z = np.linspace(-4, 4, 401)
    f = np.empty_like(z)
    ACTIVATIONS[name].value(z, f)
    heading = "right: training {train[accuracy]:.2%}, test {test[accuracy]:.2%}".format(**run.result)
    grid, points = run.grid(run.decided), run.points(run.dataset.train)
    return figure.draw(z, f, name, grid, points, run.dataset.labels, features, heading)


def perceptrons(run: FinishedRun) -> Any:
    """Where each hidden unit fires that was trained to find a group, and what the network decides for."""
    from src.figures import perceptrons as figure
    from src.figures.plane import Points

    features, data = run.features(), run.dataset
    groups = list(run.config["train"].get("unit_targets", ()))  # older runs have no such key
    if not groups or data.train.group is None:
        raise Unfit("no hidden unit was trained to find a group: train.unit_targets=[]")
    W, b = run.model.network.parameters.W[0], run.model.network.parameters.b[0]
    x, y, group = (np.asarray(array) for array in data.train)
    wanted = [data.groups.index(name) for name in groups]

    def fires(unit: int) -> Callable[[NDArray[np.floating[Any]]], Labels]:
        # A sigmoid passes one half where its argument passes zero.
        return lambda points: (points @ W[:, unit] + b[unit] > 0).astype(np.int64)

    units = [
        figure.Unit(
            f"finds {name.replace('_', ' ')}",
            run.grid(fires(unit)),
            Points(x, (group == wanted[unit]).astype(np.int64)),
        )
        for unit, name in enumerate(groups)
    ]
    k = int(np.bincount(y[np.isin(group, wanted)], minlength=1).argmax())  # the class that the groups make up
    grid = run.grid(lambda points: (run.decided(points) == k).astype(np.int64))
    name = "the OR of both" if len(groups) == 2 else f"finds all of {data.labels[k]}"
    return figure.draw([*units, figure.Unit(name, grid, Points(x, (y == k).astype(np.int64)))], features)


def confusion_pair(run: FinishedRun) -> Any:
    """The confusion matrices of training and test set."""
    from src.figures import confusion_pair as figure

    train, test, classes = run.dataset.train, run.dataset.test, len(run.dataset.labels)
    on_train = confusion(np.asarray(train.y), run.decided(train.x), classes)
    on_test = confusion(np.asarray(test.y), run.predicted.labels, classes)
    return figure.draw([(run.accuracy("train"), on_train), (run.accuracy("test"), on_test)], run.dataset.labels)


def steps(run: FinishedRun) -> Any:
    """The learning curves, by updates instead of epochs."""
    from src.figures import curves as figure

    losses = [loss for part in ("train", "valid") for loss in run.history[f"{part}_loss"] if loss > 0]
    falls = bool(losses) and max(losses) > _FALL * min(losses)
    title, updates = "Learning curves by step", len(_batches(run))
    return figure.draw(run.history, run.best_epoch(), log_loss=falls, title=title, steps=updates)


def _batches(run: FinishedRun) -> Batches:
    training, (x, y, _) = run.config["train"], run.dataset.train
    size = training["batch_size"] or len(y)
    order, updates = training.get("order", "shuffled"), training.get("steps_per_epoch")  # older runs have no such keys
    return Batches(x, y, size, run.model.network.dtype, training["drop_last"], order, updates)


# Each makes a matplotlib figure, or a page of HTML; or it raises `Unfit`.
FIGURES: dict[str, Callable[[FinishedRun], Any]] = {
    figure.__name__: figure
    for figure in (
        *(samples, sheet, versions, turned, pca),
        *(scatter, boundaries, activation, perceptrons),
        *(confusion_pair, steps),
    )
}
