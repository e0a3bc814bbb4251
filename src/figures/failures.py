"""Misclassified images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic
from src.figures.run_view import RunView

_SHOWN = 25


def of(run: RunView, most_confident: bool = False) -> Figure:
    """The first misclassified images of the test set, or those with the most confident predictions."""
    (x, y, _), labels, test = run.dataset.test, np.array(run.dataset.labels), run.known["test"]
    predicted, confidence = test.labels, test.confidence
    wrong = np.flatnonzero(predicted != y)
    title = "The first misclassified images of the test set"
    if most_confident:
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        title = "The most confident mistakes on the test set"
    k = wrong[:_SHOWN]
    return draw(run.images(x[k]), labels[y[k]], labels[predicted[k]], confidence[k], title)


def draw(
    images: NDArray[np.floating],
    actual: Sequence[object] | NDArray[np.generic],
    predicted: Sequence[object] | NDArray[np.generic],
    probability: Sequence[float] | NDArray[np.floating],
    title: str = "Misclassified images",
) -> Figure:
    """The first 25 of the failures given, five a row.

    Args:
        images: [n, h, w] failures, any range, in the order in which they are to be shown; n may be 0.
        actual: [n] true labels.
        predicted: [n] labels that the network chose instead.
        probability: [n] probability that the network gave to its choice.
        title: of the figure.
    """
    cases = list(zip(actual, predicted, probability, strict=True))[:_SHOWN]
    return mosaic.pictures(
        images[:_SHOWN],
        captions=[f"True {true} / Predicted {chosen}" for true, chosen, _ in cases],
        notes=[f"probability {given:.2f}" for _, _, given in cases],
        title=title,
        side=1.02,
        gap=0.45,
        if_empty="no failures",
    )
