"""Scalings of raw values, x' = (x - center) / scale, fitted on the training set alone.

Fitting uses exact integer sums and rounds once at the end, so statistics and the digests of scaled arrays are the same
on any CPU. Non-integer raw values lie on a grid and are counted in its steps.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.raw import GRID, Values
from src.foundation.errors import UserError

ROWS_AT_A_TIME = 2048

Numbers = float | list[float]  # one for all features, or one per feature


class Sums(NamedTuple):
    """Exact sums over n examples, with x in units of `step`."""

    n: int
    first: list[int]  # [features], sum of x
    second: list[int]  # [features], sum of x^2
    step: float  # a power of 2


def none(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """x: values unchanged."""
    return 0.0, 1.0


def unit(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """x / largest: values in [0, 1]."""
    return 0.0, float(largest)


def symmetric(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """(x / largest - 1/2) * 2: values in [-1, 1]."""
    return largest / 2, largest / 2


def standard(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """One mean and one standard deviation over all values of all features."""
    sums = _sums(x, rows)
    return _mean_and_deviation(sums.n * len(sums.first), sum(sums.first), sum(sums.second), sums.step)


def per_feature(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation of each feature, as in scikit-learn's `StandardScaler`."""
    sums = _sums(x, rows)
    pairs = [_mean_and_deviation(sums.n, s1, s2, sums.step) for s1, s2 in zip(sums.first, sums.second, strict=True)]
    return [mean for mean, _ in pairs], [deviation for _, deviation in pairs]


# fit(x [n, features], the rows to fit on, the largest possible value of x, 0 if unknown) -> center, scale
SCALINGS: dict[str, Callable[[Values, NDArray[np.int64], int], tuple[Numbers, Numbers]]] = {
    "none": none,
    "unit": unit,
    "symmetric": symmetric,
    "standard": standard,
    "per_feature": per_feature,
}
_OF_THE_LARGEST = ("unit", "symmetric")


def refuse_unfit(kind: str, largest: int | None) -> None:
    """Raises `UserError` for a scaling by the largest possible value if there is none (`largest` is None)."""
    if largest is None and kind in _OF_THE_LARGEST:
        others = ", ".join(name for name in SCALINGS if name not in _OF_THE_LARGEST)
        raise UserError(
            f"data.scaling={kind}: needs data with a largest value, which these do not have; allowed: {others}"
        )


def fit(kind: str, x: Values, rows: NDArray[np.int64], largest: int | None) -> dict[str, Any]:
    """Fits a scaling on these rows of x. Returns `kind`, `center` and `scale`, ready for JSON.

    Args:
        kind: a name in the table.
        x: [n, features].
        rows: those to fit on.
        largest: the largest possible value of x; None if there is none.

    Raises:
        UserError: the scaling needs a largest value but there is none.
    """
    refuse_unfit(kind, largest)
    center, scale = SCALINGS[kind](x, rows, 0 if largest is None else largest)
    return {"kind": kind, "center": center, "scale": scale}


def scaled(x: Values, scaling: Mapping[str, Any], dtype: str = "float32") -> NDArray[np.floating[Any]]:
    """Scales raw values [batch, features]. Computed in float64, which rounds the same on any CPU."""
    center, scale = np.asarray(scaling["center"], np.float64), np.asarray(scaling["scale"], np.float64)
    return ((x - center) / scale).astype(dtype)


def batches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The rows in chunks, so that wide intermediates stay small."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _sums(x: Values, rows: NDArray[np.int64]) -> Sums:
    # On the grid, squares overflow 64 bits: Python's integers do not, but are too slow for images.
    step, integers = (GRID, np.dtype(object)) if x.dtype.kind == "f" else (1.0, np.dtype(np.int64))
    first = np.zeros(x.shape[1], integers)
    second = np.zeros(x.shape[1], integers)
    for batch in batches(rows):
        wide = (x[batch] / step).astype(np.int64).astype(integers)  # [batch, features]
        first += wide.sum(axis=0)
        second += np.square(wide).sum(axis=0)
    return Sums(len(rows), first.tolist(), second.tolist(), step)


def _mean_and_deviation(n: int, first: int, second: int, step: float) -> tuple[float, float]:
    """Mean and standard deviation; for constant values it is set to 1, so that they scale to 0."""
    variance = (n * second - first * first) / (n * n)  # E[x^2] - E[x]^2, over exact integers
    return first / n * step, math.sqrt(variance) * step or 1.0
