"""Whether a replay came to what its original had come to: bit by bit, within a bound, or not."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from src.nn.network import Network

IDENTICAL = "bit-identical"
EQUAL = "numerically equal"
DIFFERENT = "different"
BOUND = 1e-4  # of a difference in relation to the largest weight, or to the metric
_METRICS = tuple(f"{part}/{quantity}" for part in ("train", "valid", "test") for quantity in ("loss", "accuracy"))


@dataclass(frozen=True)
class Comparison:
    """A number then and now."""

    metric: str
    then: float
    now: float

    @property
    def difference(self) -> float:
        """In relation to the larger of the two."""
        largest = max(abs(self.then), abs(self.now))
        return abs(self.then - self.now) / largest if largest else 0.0


@dataclass(frozen=True)
class Judgement:
    """A verdict, and what it rests on."""

    verdict: str  # IDENTICAL, EQUAL or DIFFERENT
    bound: float
    metrics: tuple[Comparison, ...]
    weights: float | None  # the largest difference of two weights in relation to the largest; None: not comparable
    epochs_alike: int  # how many epochs, from the first on, came to the same losses and accuracies to the bit

    @property
    def good(self) -> bool:
        """Whether the result stands."""
        return self.verdict != DIFFERENT

    @property
    def words(self) -> str:
        """The verdict in a line."""
        if self.verdict == IDENTICAL:
            return f"{IDENTICAL}: the same weights, losses and accuracies"
        by = "weights not comparable" if self.weights is None else f"weights differ by at most {self.weights:.1e}"
        largest = max(comparison.difference for comparison in self.metrics)
        limit = "within" if self.verdict == EQUAL else "beyond"
        return f"{self.verdict}: {by} of the largest, metrics by {largest:.1e}, {limit} the bound of {self.bound:.0e}"


def judge(
    then: dict[str, Any],
    now: dict[str, Any],
    networks: tuple[Network | None, Network | None],
    histories: tuple[list[str], list[str]],
    bound: float = BOUND,
) -> Judgement:
    """Compares two results (as in result.json), networks, and histories (lines of history.csv), each then and now."""
    metrics = tuple(Comparison(name, _value(then, name), _value(now, name)) for name in _METRICS)
    weights = _largest_difference(*networks)
    if then["weights_sha256"] == now["weights_sha256"] and all(one.then == one.now for one in metrics):
        verdict = IDENTICAL
    elif all(one.difference <= bound for one in metrics) and (weights is None or weights <= bound):
        verdict = EQUAL
    else:
        verdict = DIFFERENT
    alike = itertools.takewhile(lambda lines: lines[0] == lines[1], zip(*histories, strict=False))
    return Judgement(verdict, bound, metrics, weights, max(sum(1 for _ in alike) - 1, 0))


def _value(result: dict[str, Any], metric: str) -> float:
    part, quantity = metric.split("/")
    return float(result[part][quantity])


def _largest_difference(then: Network | None, now: Network | None) -> float | None:
    if then is None or now is None or then.widths != now.widths or then.dtype != now.dtype:
        return None
    one, other = (network.parameters.theta.astype(np.float64) for network in (then, now))
    if one.shape != other.shape:
        return None
    largest = max(float(np.abs(one).max()), float(np.abs(other).max()))
    return float(np.abs(one - other).max()) / largest if largest else 0.0
