"""A share of runs, with its exact interval."""

from typing import NamedTuple

from src.analysis.statistics import ALPHA


class Proportion(NamedTuple):
    """k of n, and the bounds that hold the true share in at least 95 % of all cases."""

    k: int
    n: int
    low: float
    high: float


def proportion(k: int, n: int) -> Proportion:
    """The interval of all shares p for which neither k or fewer, nor k or more of n is less likely than 2.5 %.

    With X ~ Binomial(n, p):   P(X >= k | low) = P(X <= k | high) = alpha / 2;   low = 0 for k = 0, high = 1 for k = n.

    Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial", Biometrika
    26, 1934.

    Raises:
        ValueError: unless 0 <= k <= n and n > 0.
    """
    from scipy.special import betaincinv

    if not 0 <= k <= n or n == 0:
        raise ValueError(f"{k} of {n} is no share")
    low = float(betaincinv(k, n - k + 1, ALPHA / 2)) if k else 0.0
    high = float(betaincinv(k + 1, n - k, 1 - ALPHA / 2)) if k < n else 1.0
    return Proportion(k, n, low, high)
