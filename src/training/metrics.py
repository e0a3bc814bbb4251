"""Predictions and metrics of a network on a set of examples."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from src.data.dataset import Examples
from src.nn.arithmetic.operations import Arithmetic
from src.nn.arrays import Array, Labels
from src.nn.network import Network

CHUNK = 1000  # examples per pass, so that activations fit in the cache
WITH_DROPOUT = "_with_dropout"  # suffix of metrics measured with dropout on
LOSSES = ("loss", "squared_error", "mae", "rmse", "binary_cross_entropy")  # smaller is better
SCORES = ("precision", "recall", "f1")
_SMALLEST = 1e-9  # probability inside a logarithm


class Predictions(NamedTuple):
    """Class probabilities [n, classes], predicted classes [n], mean loss, and accuracy."""

    probabilities: Array
    labels: Labels
    loss: float
    accuracy: float

    @property
    def confidence(self) -> Array:
        """[n], the probability of the predicted class."""
        confidence: Array = self.probabilities[np.arange(len(self.labels)), self.labels]
        return confidence


def predict(network: Network, x: Array, y: Labels, rng: np.random.Generator | None = None) -> Predictions:
    """Runs x [n, features] through the network in chunks; with an `rng`, with dropout on.

    With class weights, the loss is the weighted mean.
    """
    probabilities = np.empty((len(x), network.classes), network.dtype)
    total, weight = 0.0, 0.0
    for start in range(0, len(x), CHUNK):
        chunk = slice(start, start + CHUNK)
        labels = y[chunk]
        loss, probabilities[chunk] = network.loss_and_probabilities(np.asarray(x[chunk], network.dtype), labels, rng)
        weights = network.class_weights
        share = len(labels) if weights is None else float(network.arithmetic.total(weights[labels]))
        total += share * loss
        weight += share
    decided = network.decide(probabilities)
    right = int(np.count_nonzero(decided == y))
    return Predictions(probabilities, decided, total / weight, right / len(x))


def measure(
    network: Network, examples: Examples, names: Sequence[str] = (), dropping: np.random.Generator | None = None
) -> tuple[Predictions, dict[str, float]]:
    """The predictions, and the metrics `names`; with `dropping`, a dropout stream, all metrics also with dropout on."""
    plain = predict(network, examples.x, examples.y)
    further = further_metrics(network, plain, examples.y, names)
    if dropping is not None:
        dropped = predict(network, examples.x, examples.y, dropping)
        also = {"loss": dropped.loss, "accuracy": dropped.accuracy}
        also |= further_metrics(network, dropped, examples.y, names)
        further |= {f"{name}{WITH_DROPOUT}": value for name, value in also.items()}
    return plain, further


def further_metrics(network: Network, predictions: Predictions, y: Labels, names: Sequence[str]) -> dict[str, float]:
    """The values of metrics in `METRICS`, by name."""
    y, p = np.asarray(y), predictions.probabilities
    outputs = p if network.threshold is None else p[:, 1:]  # a single unit gives the second class only
    ops = network.arithmetic
    return {name: float(METRICS[name](ops, outputs, predictions.labels, y)) for name in names}


def confusion(y: Labels, predicted: Labels, classes: int) -> Labels:
    """Counts [classes, classes]: row = true class, column = predicted class."""
    return np.bincount(y * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def scores(confusion: Labels) -> Array:
    """Precision, recall and F1 of each class, [3, classes], from a confusion matrix; as in scikit-learn.

    0/0 counts as 0: the precision of a class that is never predicted, the recall of a class without examples.
    """
    right, actual, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    shares = ((right, predicted), (right, actual), (2 * right, actual + predicted))
    return np.array([np.divide(part, of, out=np.zeros(len(part)), where=of > 0) for part, of in shares])


def scores_by_class(predictions: Predictions, y: Labels, labels: Sequence[str]) -> dict[str, Any]:
    """Loss and accuracy; precision, recall and F1 by class, and their means, weighted by class counts.

    y: [n], true classes; labels: their names.
    """
    counts = confusion(np.asarray(y), predictions.labels, len(labels))
    by_class, examples = scores(counts), counts.sum(axis=1)
    means = {name: float(np.average(values, weights=examples)) for name, values in zip(SCORES, by_class, strict=True)}
    each = {
        label: {**dict(zip(SCORES, by_class[:, k].tolist(), strict=True)), "num_samples": int(examples[k])}
        for k, label in enumerate(labels)
    }
    overall = means | {"num_samples": len(predictions.labels)}
    return {"loss": predictions.loss, "accuracy": predictions.accuracy, "overall": overall, "class": each}


def _squared_error(ops: Arithmetic, p: Array, decided: Labels, y: Labels) -> float:
    """sum_k (p_k - t_k)^2, mean over examples"""
    return float(ops.total(np.square(p - _target(p, y))) / len(y))


def _mae(ops: Arithmetic, p: Array, decided: Labels, y: Labels) -> float:
    """|p_k - t_k|, mean over examples and outputs"""
    return float(ops.mean(np.abs(p - _target(p, y))))


def _rmse(ops: Arithmetic, p: Array, decided: Labels, y: Labels) -> float:
    """The square root of (p_k - t_k)^2, mean over examples and outputs"""
    return math.sqrt(ops.mean(np.square(p - _target(p, y))))


def _binary_cross_entropy(ops: Arithmetic, p: Array, decided: Labels, y: Labels) -> float:
    """sum_k -t_k log p_k - (1 - t_k) log(1 - p_k), mean over examples; some texts print this for softmax outputs"""
    p = np.clip(p.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    t = _target(p, y)
    return float(-ops.total(t * ops.log(p) + (1 - t) * ops.log(1 - p)) / len(y))


def _target(p: Array, y: Labels) -> Array:
    if p.shape[1] == 1:
        return y[:, np.newaxis].astype(p.dtype)
    return np.eye(p.shape[1])[y]


def _mean_score(k: int, weighted: bool) -> Callable[[Arithmetic, Array, Labels, Labels], float]:
    def mean_score(ops: Arithmetic, p: Array, decided: Labels, y: Labels) -> float:
        counts = confusion(y, decided, max(p.shape[1], 2))
        return float(np.average(scores(counts)[k], weights=counts.sum(axis=1) if weighted else None))

    return mean_score


# metric(ops, p [n, output units], decided [n], y [n]) -> mean over examples
METRICS: dict[str, Callable[[Arithmetic, Array, Labels, Labels], float]] = {
    "squared_error": _squared_error,
    "mae": _mae,
    "rmse": _rmse,
    "binary_cross_entropy": _binary_cross_entropy,
    **{name: _mean_score(k, weighted=True) for k, name in enumerate(SCORES)},  # means weighted by class counts
    **{f"macro_{name}": _mean_score(k, weighted=False) for k, name in enumerate(SCORES)},
}
