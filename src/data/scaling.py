"""Scalings of raw values, x' = (x - center) / scale, fitted on the training set alone.

Statistics, and so the digests of scaled arrays, are the same on any CPU and for any order of the examples: sums of
integers are exact, sums of other numbers are rounded once, by `math.fsum`.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.raw import Values

ROWS_AT_A_TIME = 2048
_LARGE = 2.0**1000
_CHUNK = 1 << 15

Numbers = float | list[float]  # one for all features, or one per feature


def _standard(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """One mean and one standard deviation over all values of all features."""
    if x.dtype.kind == "f":
        return of_numbers([x[rows].ravel()])
    first, second = _sums(x, rows)
    return _of_sums(len(rows) * len(first), sum(first), sum(second))


def _per_feature(x: Values, rows: NDArray[np.int64], largest: int) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation of each feature, as in scikit-learn's `StandardScaler`."""
    if x.dtype.kind == "f":
        pairs = [of_numbers([column]) for column in x[rows].T]
    else:
        pairs = [_of_sums(len(rows), *sums) for sums in zip(*_sums(x, rows), strict=True)]
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
    if np.any(scale > _LARGE):  # differences of such values may be infinite; those of their quarters are not
        x, center, scale = x / 4, center / 4, scale / 4
    return ((x - center) / scale).astype(dtype)


def batches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The rows in chunks, so that wide intermediates stay small."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        yield rows[start : start + ROWS_AT_A_TIME]


def _sums(x: Values, rows: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """The exact sums of integers x and of x^2, [features] each, over these rows."""
    first, second = np.zeros((2, x.shape[1]), np.int64)
    for batch in batches(rows):
        wide = x[batch].astype(np.int64)  # [batch, features]
        first += wide.sum(axis=0)
        second += np.square(wide).sum(axis=0)
    return first.tolist(), second.tolist()


def _of_sums(n: int, first: int, second: int) -> tuple[float, float]:
    """Mean and standard deviation of integers; for constant values it is set to 1, so that they scale to 0."""
    variance = (n * second - first * first) / (n * n)  # E[x^2] - E[x]^2, over exact integers
    return first / n, math.sqrt(variance) or 1.0


def of_numbers(parts: Iterable[NDArray[Any]]) -> tuple[float, float]:
    """The same of any finite numbers, in arrays [n], in passes that lose nothing where the deviation is small."""
    n = sum(len(x) for x in parts)
    _, exponent = math.frexp(max(float(np.abs(x).max()) for x in parts))
    # ldexp: |x| < 1, so that no sum and no square overflows
    mean = _sum(np.ldexp(x, -exponent) for x in parts) / n
    rest = _sum(np.ldexp(x, -exponent) - mean for x in parts) / n  # by which the mean was rounded
    variance = _sum(np.square(np.ldexp(x, -exponent) - mean - rest) for x in parts) / n
    return math.ldexp(mean + rest, exponent), math.ldexp(math.sqrt(variance), exponent) or 1.0


def _sum(parts: Iterable[NDArray[Any]]) -> float:
    """The exact sum of numbers, rounded once; some thousand floats at a time, which is quick and takes little room."""
    chunks = (part[at : at + _CHUNK].tolist() for part in parts for at in range(0, len(part), _CHUNK))
    return math.fsum(itertools.chain.from_iterable(chunks))
