"""Scalings of raw values, x' = (x - center) / scale, fitted on the training set alone.

Fitting uses exact integer sums and rounds once at the end, so statistics and the digests of scaled arrays are the same
on any CPU. Non-integer raw values lie on a grid and are counted in its steps.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.raw import GRID, Values

ROWS_AT_A_TIME = 2048

Numbers = float | list[float]  # one for all features, or one per feature


def _standard(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """One mean and one standard deviation over all values of all features."""
    first, second, step = _sums(x, rows)
    return _mean_and_deviation(len(rows) * len(first), sum(first), sum(second), step)


def _per_feature(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation of each feature, as in scikit-learn's `StandardScaler`."""
    first, second, step = _sums(x, rows)
    pairs = [_mean_and_deviation(len(rows), s1, s2, step) for s1, s2 in zip(first, second, strict=True)]
    return [mean for mean, _ in pairs], [deviation for _, deviation in pairs]


# fit(x [n, features], the rows to fit on, the largest possible value of x, 0 if there is none) -> center, scale
SCALINGS: dict[str, Callable[[Values, NDArray[np.int64], int], tuple[Numbers, Numbers]]] = {
    "none": lambda x, rows, largest: (0.0, 1.0),  # x
    "unit": lambda x, rows, largest: (0.0, float(largest)),  # x / largest: values in [0, 1]
    "symmetric": lambda x, rows, largest: (largest / 2, largest / 2),  # (x / largest - 1/2) * 2: values in [-1, 1]
    "standard": _standard,
    "per_feature": _per_feature,
}
BY_THE_LARGEST = ("unit", "symmetric")  # only for data whose values have bounds


def fit(kind: str, x: Values, rows: NDArray[np.int64], largest: int | None) -> dict[str, Any]:
    """Fits a scaling on these rows of x. Returns `kind`, `center` and `scale`, ready for JSON.

    Args:
        kind: a name in the table.
        x: [n, features].
        rows: those to fit on.
        largest: the largest possible value of x; None, unless the scaling is `BY_THE_LARGEST`, if there is none.
    """
    center, scale = SCALINGS[kind](x, rows, largest or 0)
    return {"kind": kind, "center": center, "scale": scale}


def scaled(x: Values, scaling: Mapping[str, Any], dtype: str = "float32") -> NDArray[np.floating[Any]]:
    """Scales raw values [batch, features]. Computed in float64, which rounds the same on any CPU."""
    center, scale = np.asarray(scaling["center"], np.float64), np.asarray(scaling["scale"], np.float64)
    return ((x - center) / scale).astype(dtype)


def batches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The rows in chunks, so that wide intermediates stay small."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _sums(x: Values, rows: NDArray[np.int64]) -> tuple[list[int], list[int], float]:
    """The exact sums of x and of x^2, [features] each, over these rows, with x in units of a step; and this step."""
    # On the grid, squares overflow 64 bits: Python's integers do not, but are too slow for images.
    step, integers = (GRID, np.dtype(object)) if x.dtype.kind == "f" else (1.0, np.dtype(np.int64))
    first = np.zeros(x.shape[1], integers)
    second = np.zeros(x.shape[1], integers)
    for batch in batches(rows):
        wide = (x[batch] / step).astype(np.int64).astype(integers)  # [batch, features]
        first += wide.sum(axis=0)
        second += np.square(wide).sum(axis=0)
    return first.tolist(), second.tolist(), step


def _mean_and_deviation(n: int, first: int, second: int, step: float) -> tuple[float, float]:
    """Mean and standard deviation; for constant values it is set to 1, so that they scale to 0."""
    variance = (n * second - first * first) / (n * n)  # E[x^2] - E[x]^2, over exact integers
    return first / n * step, math.sqrt(variance) * step or 1.0
