"""What a network achieves on a set of examples, with dropout off."""

from typing import NamedTuple

import numpy as np

from src.nn.arrays import Array, Labels
from src.nn.network import Network

CHUNK = 1000  # examples a pass: the activations of a chunk stay in the cache


class Predictions(NamedTuple):
    """The class probabilities [n, classes] of a set of examples, with their mean loss and the share that is right."""

    probabilities: Array
    loss: float
    accuracy: float

    @property
    def labels(self) -> Labels:
        """[n], the most probable class of each example."""
        labels: Labels = self.probabilities.argmax(axis=1)
        return labels

    @property
    def confidence(self) -> Array:
        """[n], the probability of that class."""
        confidence: Array = self.probabilities.max(axis=1)
        return confidence


def predict(network: Network, x: Array, y: Labels) -> Predictions:
    """Runs x [n, features] through the network in chunks. With class weights, the loss is the weighted mean."""
    probabilities = np.empty((len(x), network.widths[-1]), network.dtype)
    total, weight = 0.0, 0.0
    for start in range(0, len(x), CHUNK):
        chunk = slice(start, start + CHUNK)
        labels = y[chunk]
        loss, probabilities[chunk] = network.loss_and_probabilities(np.asarray(x[chunk], network.dtype), labels)
        share = len(labels) if network.class_weights is None else float(network.class_weights[labels].sum())
        total += share * loss
        weight += share
    right = np.count_nonzero(probabilities.argmax(axis=1) == y)
    return Predictions(probabilities, total / weight, right / len(x))


def confusion(y: Labels, predicted: Labels, classes: int) -> Labels:
    """Counts [classes, classes]: row = true class, column = predicted class."""
    return np.bincount(y * classes + predicted, minlength=classes**2).reshape(classes, classes)
