"""The failure gallery: pictures that the network takes for something else."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import mosaic

_SHOWN = 25


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
    return mosaic.gallery(
        images[:_SHOWN],
        captions=[f"True {true} / Predicted {chosen}" for true, chosen, _ in cases],
        notes=[f"probability {given:.2f}" for _, _, given in cases],
        title=title,
        side=1.02,
        gap=0.45,
        if_empty="no failures",
    )
