"""Scalings of raw values, x' = (x - center) / scale, fitted on the training examples alone.

Fitting works on exact integer sums and rounds once at the end, so statistics, and the digests of arrays made with
them, agree on any CPU. Raw values that are no integers lie on a grid, and are counted in its steps.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.raw import GRID, Values
from src.foundation.errors import UserError

ROWS_AT_A_TIME = 2048

Numbers = float | list[float]  # one for all features, or one for each


class Sums(NamedTuple):
    """Exact sums over n examples, of x counted in steps."""

    n: int
    first: list[int]  # [features], sum of x
    second: list[int]  # [features], sum of x^2
    step: float  # a power of 2


def none(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """x: the values as they are."""
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
    """A mean and a standard deviation for each feature, as scikit-learn's `StandardScaler`."""
    sums = _sums(x, rows)
    pairs = [_mean_and_deviation(sums.n, s1, s2, sums.step) for s1, s2 in zip(sums.first, sums.second, strict=True)]
    return [mean for mean, _ in pairs], [deviation for _, deviation in pairs]


# fit(x [n, features], the rows to fit on, the largest value that x can take, 0 if unknown) -> center, scale
SCALINGS: dict[str, Callable[[Values, NDArray[np.int64], int], tuple[Numbers, Numbers]]] = {
    "none": none,
    "unit": unit,
    "symmetric": symmetric,
    "standard": standard,
    "per_feature": per_feature,
}
_OF_THE_LARGEST = ("unit", "symmetric")


def refuse_unfit(kind: str, largest: int | None) -> None:
    """Raises `UserError` for a scaling by the largest value of x, where x has none (`largest` is None)."""
    if largest is None and kind in _OF_THE_LARGEST:
        others = ", ".join(name for name in SCALINGS if name not in _OF_THE_LARGEST)
        raise UserError(f"data.scaling={kind}: it needs a largest value, which these data do not have; give {others}")


def fit(kind: str, x: Values, rows: NDArray[np.int64], largest: int | None) -> dict[str, Any]:
    """A scaling of the table, fitted on these rows of x alone: its kind, `center` and `scale`, ready for JSON.

    Args:
        kind: a name in the table.
        x: [n, features].
        rows: those to fit on.
        largest: the largest value that x can take; None where there is no such value.

    Raises:
        UserError: the scaling needs a largest value, and there is none.
    """
    refuse_unfit(kind, largest)
    center, scale = SCALINGS[kind](x, rows, 0 if largest is None else largest)
    return {"kind": kind, "center": center, "scale": scale}


def scaled(x: Values, scaling: Mapping[str, Any], dtype: str = "float32") -> NDArray[np.floating[Any]]:
    """Raw values [batch, features] under a fitted scaling. Computed in float64, which any CPU rounds alike."""
    center, scale = np.asarray(scaling["center"], np.float64), np.asarray(scaling["scale"], np.float64)
    return ((x - center) / scale).astype(dtype)


def batches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The rows in parts small enough for wide intermediates."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _sums(x: Values, rows: NDArray[np.int64]) -> Sums:
    # Squares of numbers of steps outgrow 64 bits; Python's integers do not, and are too slow for images.
    step, integers = (GRID, np.dtype(object)) if x.dtype.kind == "f" else (1.0, np.dtype(np.int64))
    first = np.zeros(x.shape[1], integers)
    second = np.zeros(x.shape[1], integers)
    for batch in batches(rows):
        wide = (x[batch] / step).astype(np.int64).astype(integers)  # [batch, features]
        first += wide.sum(axis=0)
        second += np.square(wide).sum(axis=0)
    return Sums(len(rows), first.tolist(), second.tolist(), step)


def _mean_and_deviation(n: int, first: int, second: int, step: float) -> tuple[float, float]:
    """Mean and standard deviation; the deviation of constant values is given as 1, so that they scale to 0."""
    variance = (n * second - first * first) / (n * n)  # E[x^2] - E[x]^2, over exact integers
    return first / n * step, math.sqrt(variance) * step or 1.0
