"""Images of the training set: one of each class, the first ones or random ones, many of one class, and means."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import canvas, mosaic
from src.figures.data_view import DataView

_SHEET, _VERSIONS = 15, 25  # images shown


def of(data: DataView) -> Figure:
    """The first image of each class, in the order of the classes; of many classes, those of the first ones."""
    classes, first = np.unique(data.dataset.train.y, return_index=True)
    which = "each class" if len(classes) <= canvas.MANY else f"the first {canvas.MANY} of {len(classes)} classes"
    captions = [data.dataset.labels[k] for k in classes[: canvas.MANY]]
    return _draw(data, first[: canvas.MANY], captions, f"One example of {which} of the training set")


def sheet(data: DataView, random: np.random.Generator | None = None) -> Figure:
    """15 images, whatever their class, each with its label: the first ones, or drawn from `random`."""
    y = np.asarray(data.dataset.train.y)
    count = min(_SHEET, len(y))
    chosen = np.arange(count) if random is None else random.choice(len(y), count, replace=False)
    which = "The first" if random is None else "Random"
    return _draw(data, chosen, [data.dataset.labels[k] for k in y[chosen]], f"{which} images of the training set")


def versions(data: DataView, k: int | None = None) -> Figure:
    """The first 25 images of a class."""
    if k is None:
        k = min(7, len(data.dataset.labels) - 1)  # of the digits, sevens are written with a bar and without
    chosen = np.flatnonzero(data.dataset.train.y == k)[:_VERSIONS]
    return _draw(data, chosen, [], f"{len(chosen)} versions of {data.dataset.labels[k]} in the training set")


def means(data: DataView) -> Figure:
    """The mean of all images, and that of each class."""
    x, y, _ = data.dataset.train
    classes = np.unique(y)[: canvas.MANY]
    sums = np.stack([x[y == k].sum(axis=0, dtype=np.float64) for k in classes])  # [classes, features]
    counts = np.bincount(y)[classes, np.newaxis]
    images = np.concatenate([sums.sum(axis=0, keepdims=True) / len(y), sums / counts])
    captions = ["all", *(data.dataset.labels[k] for k in classes)]
    return mosaic.pictures(data.images(images), captions, [], "Mean images of the training set", 0.2, "no examples")


def _draw(data: DataView, chosen: NDArray[np.integer], captions: Sequence[str], title: str) -> Figure:
    return mosaic.pictures(
        data.images(data.dataset.train.x[chosen]), captions, [], title, gap=0.2, if_empty="no examples"
    )
