"""Misclassified images of the test set."""

import numpy as np
from matplotlib.figure import Figure

from src.figures import mosaic
from src.figures.run_view import RunView

_SHOWN = 25


def of(run: RunView, most_confident: bool = False) -> Figure:
    """The first 25 misclassified images, or the 25 with the most confident predictions, each with its labels."""
    (x, y, _), labels, (predicted, confidence) = run.dataset.test, run.dataset.labels, run.known["test"]
    wrong = np.flatnonzero(predicted != y)
    title = "The first misclassified images of the test set"
    if most_confident:
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
        title = "The most confident mistakes on the test set"
    shown = wrong[:_SHOWN]
    captions = [f"True {labels[y[i]]} / Predicted {labels[predicted[i]]}" for i in shown]
    notes = [f"probability {confidence[i]:.2f}" for i in shown]
    return mosaic.pictures(run.images(x[shown]), captions, notes, title, gap=0.45, if_empty="no failures")
