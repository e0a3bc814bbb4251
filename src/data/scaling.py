"""Scalings of raw values, x' = (x - center) / scale, fitted on the training examples alone.

Fitting works on exact integer sums and rounds once at the end, so statistics, and the digests of arrays made with
them, agree on any CPU.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROWS_AT_A_TIME = 2048

Numbers = float | list[float]  # one for all features, or one for each


class Sums(NamedTuple):
    """Exact sums over n examples."""

    n: int
    first: list[int]  # [features], sum of x
    second: list[int]  # [features], sum of x^2


def unit(x: NDArray[np.uint8], rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """x / largest: values in [0, 1]."""
    return 0.0, float(largest)


def symmetric(x: NDArray[np.uint8], rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """(x / largest - 1/2) * 2: values in [-1, 1]."""
    return largest / 2, largest / 2


def standard(x: NDArray[np.uint8], rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """One mean and one standard deviation over all values of all features."""
    sums = _sums(x, rows)
    return _mean_and_deviation(sums.n * len(sums.first), sum(sums.first), sum(sums.second))


def per_feature(x: NDArray[np.uint8], rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """A mean and a standard deviation for each feature, as scikit-learn's `StandardScaler`."""
    sums = _sums(x, rows)
    pairs = [_mean_and_deviation(sums.n, s1, s2) for s1, s2 in zip(sums.first, sums.second, strict=True)]
    return [mean for mean, _ in pairs], [deviation for _, deviation in pairs]


# fit(x [n, features], the rows to fit on, the largest value that x can take) -> center, scale
SCALINGS: dict[str, Callable[[NDArray[np.uint8], NDArray[np.int64], int], tuple[Numbers, Numbers]]] = {
    "unit": unit,
    "symmetric": symmetric,
    "standard": standard,
    "per_feature": per_feature,
}


def fit(kind: str, x: NDArray[np.uint8], rows: NDArray[np.int64], largest: int) -> dict[str, Any]:
    """A scaling of the table, fitted on these rows of x alone: its kind, `center` and `scale`, ready for JSON."""
    center, scale = SCALINGS[kind](x, rows, largest)
    return {"kind": kind, "center": center, "scale": scale}


def scaled(x: NDArray[np.uint8], scaling: Mapping[str, Any]) -> NDArray[np.float32]:
    """Raw values [batch, features] under a fitted scaling. Computed in float64, which any CPU rounds alike."""
    center, scale = np.asarray(scaling["center"], np.float64), np.asarray(scaling["scale"], np.float64)
    return ((x - center) / scale).astype(np.float32)


def batches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The rows in parts small enough for wide intermediates."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _sums(x: NDArray[np.uint8], rows: NDArray[np.int64]) -> Sums:
    first = np.zeros(x.shape[1], np.int64)
    second = np.zeros(x.shape[1], np.int64)
    for batch in batches(rows):
        wide = x[batch].astype(np.int64)  # [batch, features]
        first += wide.sum(axis=0)
        second += np.square(wide).sum(axis=0)
    return Sums(len(rows), first.tolist(), second.tolist())


def _mean_and_deviation(n: int, first: int, second: int) -> tuple[float, float]:
    """Mean and standard deviation; the deviation of constant values is given as 1, so that they scale to 0."""
    variance = (n * second - first * first) / (n * n)  # E[x^2] - E[x]^2, over exact integers
    return first / n, math.sqrt(variance) or 1.0
