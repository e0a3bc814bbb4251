"""Precision, recall and F1 from a confusion matrix, per class and averaged, as in scikit-learn.

0/0 counts as 0: the precision of a class that is never predicted, the recall of a class without examples.
"""

from typing import NamedTuple

import numpy as np

from src.nn.arrays import Array, Labels


class Scores(NamedTuple):
    """Scores per class: [classes] each."""

    precision: Array  # of the examples predicted as the class, the fraction that belongs to it
    recall: Array  # of the examples of the class, the fraction predicted as it
    f1: Array  # harmonic mean of both
    examples: Labels  # number of examples of the class


class Score(NamedTuple):
    """A mean over classes."""

    precision: float
    recall: float
    f1: float


def of(confusion: Labels) -> Scores:
    """The scores of a confusion matrix [classes, classes]: row = true class, column = predicted class."""
    right, actual, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return Scores(_share(right, predicted), _share(right, actual), _share(2 * right, actual + predicted), actual)


def weighted(scores: Scores) -> Score:
    """The mean over classes, weighted by their numbers of examples."""
    return Score(*(float(np.average(values, weights=scores.examples)) for values in scores[:3]))


def macro(scores: Scores) -> Score:
    """The unweighted mean over classes."""
    return Score(*(float(values.mean()) for values in scores[:3]))


def _share(part: Labels, whole: Labels) -> Array:
    share: Array = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return share
