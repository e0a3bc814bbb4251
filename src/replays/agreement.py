"""How well a replay agrees with its original: bit-identical, equal within a bound, or different."""

import itertools
from typing import NamedTuple

import numpy as np

from src.runs.finished import FinishedRun
from src.runs.metric import STANDARD

IDENTICAL = "bit-identical"
EQUAL = "numerically equal"
DIFFERENT = "different"


class Pair(NamedTuple):
    """A metric of the original and of the replay."""

    metric: str
    then: float
    now: float

    @property
    def difference(self) -> float:
        """Relative to the larger of the two."""
        return _relative(abs(self.then - self.now), max(abs(self.then), abs(self.now)))


class Agreement(NamedTuple):
    """A verdict, and the numbers behind it."""

    verdict: str  # IDENTICAL, EQUAL or DIFFERENT
    bound: float  # of a weight's difference relative to the largest weight, of a metric's relative to the metric
    metrics: tuple[Pair, ...]
    weights: float | None  # the largest difference between two weights, relative to the largest; None: not comparable
    epochs_alike: int  # the number of epochs, from the first, whose losses and accuracies are the same to the bit

    @property
    def reproduced(self) -> bool:
        """Whether the replay confirms the original."""
        return self.verdict != DIFFERENT

    @property
    def words(self) -> str:
        """The verdict in one line."""
        if self.verdict == IDENTICAL:
            return f"{IDENTICAL}: the same weights, losses and accuracies"
        by = "weights not comparable" if self.weights is None else f"weights differ by at most {self.weights:.1e}"
        largest = max(pair.difference for pair in self.metrics)
        limit = "within" if self.verdict == EQUAL else "beyond"
        return f"{self.verdict}: {by} of the largest, metrics by {largest:.1e}, {limit} the bound of {self.bound:.0e}"


def compare(then: FinishedRun, now: FinishedRun, bound: float) -> Agreement:
    """Compares the results, weights and epochs of the original and of the replay."""
    metrics = tuple(Pair(metric, metric.of(then.result), metric.of(now.result)) for metric in STANDARD)
    weights = _largest_difference(then, now)
    if then.result["weights_sha256"] == now.result["weights_sha256"] and all(pair.then == pair.now for pair in metrics):
        verdict = IDENTICAL
    elif all(pair.difference <= bound for pair in metrics) and (weights is None or weights <= bound):
        verdict = EQUAL
    else:
        verdict = DIFFERENT
    alike = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(_epochs(then), _epochs(now), strict=False))
    return Agreement(verdict, bound, metrics, weights, sum(1 for _ in alike))


def _largest_difference(*runs: FinishedRun) -> float | None:
    if not all((run.path / "model.npz").exists() for run in runs):
        return None
    one, other = (run.model.network for run in runs)
    a, b = (network.parameters.theta.astype(np.float64) for network in (one, other))
    if one.widths != other.widths or one.dtype != other.dtype or a.shape != b.shape:
        return None
    return _relative(float(np.abs(a - b).max()), max(float(np.abs(a).max()), float(np.abs(b).max())))


def _epochs(run: FinishedRun) -> list[tuple[float, ...]]:
    """The rows of history.csv; none if there is no such file."""
    return list(zip(*run.history.values(), strict=True)) if (run.path / "history.csv").exists() else []


def _relative(difference: float, largest: float) -> float:
    return difference / largest if largest else 0.0
