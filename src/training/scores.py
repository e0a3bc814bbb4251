"""Precision, recall and F1 from a confusion matrix, class by class and on average, as scikit-learn defines them.

What would be 0/0 is 0: the precision of a class that nothing is taken for, the recall of one without examples.
"""

from typing import NamedTuple

import numpy as np

from src.nn.arrays import Array, Labels


class Scores(NamedTuple):
    """Of each class: [classes] each."""

    precision: Array  # of what is taken for the class, the share that is of it
    recall: Array  # of what is of the class, the share that is taken for it
    f1: Array  # the harmonic mean of the two
    examples: Labels  # how many there are of the class


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
    """The mean over classes, each with the weight of its examples."""
    return Score(*(float(np.average(values, weights=scores.examples)) for values in scores[:3]))


def macro(scores: Scores) -> Score:
    """The mean over all classes, each with the same weight."""
    return Score(*(float(values.mean()) for values in scores[:3]))


def _share(part: Labels, whole: Labels) -> Array:
    share: Array = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return share
