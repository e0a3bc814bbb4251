"""Misclassified images of the test set."""

import numpy as np
from matplotlib.figure import Figure

from src.analysis import formats
from src.figures import mosaic
from src.figures.run_view import RunView

_SHOWN = 25


def of(run: RunView, most_confident: bool = False) -> Figure:
    """The first 25 misclassified images, or the 25 with the most confident predictions, each with its labels."""
    (x, y, _), labels, (predicted, confidence) = run.dataset.test, run.dataset.labels, run.known["test"]
    wrong = np.flatnonzero(predicted != y)
    title = "First mistakes"
    if most_confident:
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        title = "Most confident mistakes"
    shown = wrong[:_SHOWN]
    captions = [f"True {labels[y[i]]} / Predicted {labels[predicted[i]]}" for i in shown]
    notes = [f"probability {formats.probability(confidence[i])}" for i in shown]
    title = f"{title} of {run.scored('test')}"
    return mosaic.pictures(run.images(x[shown]), captions, notes, title, gap=0.45, if_empty="no failures")
