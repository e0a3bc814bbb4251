"""The statistics of a study: means over seeds, and differences that are paired by seed.

SciPy is imported where it is used, because commands that compute none of this import this file, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST = 3  # pairs, below which there are numbers but no verdict
LEVEL = 0.95  # of intervals
ALPHA = 0.05
_DIGITS = 12  # of the larger operand, to which a difference is trusted
_NEGLIGIBLE = 1e-9  # a spread that is smaller than this share of the mean is rounding
_LARGEST = 1e100  # whose square is far from the end of floats; 1 / _LARGEST passes for 0


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its Student-t interval; spread and bounds are None for fewer than two values."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Effect(Interval):
    """A variant's gain over a baseline, from n differences paired by seed (positive: the variant is better)."""

    p_t: float | None  # of the paired t-test, two-sided; None for fewer than two pairs
    p_wilcoxon: float | None  # of Wilcoxon's signed-rank test
    improvement: float  # probability that a run of the variant beats one of the baseline
    agreeing: int  # differences that have the sign of their mean
    differences: tuple[float, ...]  # in the order of the seeds


@dataclass(frozen=True)
class McNemar:
    """Two classifiers on the same examples: those that only one of them gets right, and the exact p."""

    only_first: int
    only_second: int
    p: float


def interval(values: ArrayLike) -> Interval:
    """The mean, and bounds that hold the true mean in 95 % of all studies if values are normal.

        mean +- t sd / sqrt(n),   sd^2 = sum_i (x_i - mean)^2 / (n - 1),

    t being the 97.5 % quantile of Student's distribution with n - 1 degrees of freedom.
    Student, "The Probable Error of a Mean", Biometrika 6, 1908.

    Args:
        values: [n], one a seed.

    Raises:
        ValueError: no values, not a vector, or a value that is not finite or beyond 1e100.
    """
    x = _vector(values)
    mean, sd, half = _spread(x)
    if sd is None or half is None:
        return Interval(x.size, mean, None, None, None)
    return Interval(x.size, mean, sd, mean - half, mean + half)


def paired(variant: ArrayLike, baseline: ArrayLike) -> Effect:
    """How much better a variant is than a baseline, by the differences d_i = variant_i - baseline_i.

    The interval is `interval` of d, at 95 %; the t-test asks how far mean / (sd / sqrt(n)) is from 0. Wilcoxon's
    signed-rank test ("Individual Comparisons by Ranking Methods", Biometrics Bulletin 1, 1945) is exact, given the
    ranks: zeros are left out, ties share their mean rank. The probability of improvement is

        sum_ij S(variant_i, baseline_j) / n^2,   S(x, y) = 1 where x > y, 1/2 where x = y, 0 where x < y

    of Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement Learning at the Edge of the Statistical
    Precipice", NeurIPS 2021, section 4.3. Over all pairs of runs, it says what to expect of seeds that are not shared.

    If all differences are the same number, the result is the t-test's limit: bounds that meet, and p = 0; or p = 1 if
    that number is 0. For one pair, spread, bounds and p are None.

    Args:
        variant: [n], larger is better; in the order of the seeds, as is the other.
        baseline: [n].

    Raises:
        ValueError: no pairs, two lengths, or values that `interval` would refuse.
    """
    from scipy.special import stdtr  # scipy.stats.t.cdf, a hundred times as fast

    ours, theirs = _vector(variant), _vector(baseline)
    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.size} values cannot be paired with {theirs.size}")
    # 0.9712 - 0.9701 and 0.9512 - 0.9501 are equal, but not in floating point: 0.0011 - 1.0e-17, 0.0011 + 1.0e-16.
    # Left as they are, equal differences would get two ranks, and a spread that makes t some 1e13.
    decimals = _decimals(ours, theirs)
    d = np.round(ours - theirs, decimals) + 0.0  # [n], with no zero of the other sign
    wins = np.sign(np.round(ours[:, None] - theirs, decimals))  # [n, n]
    mean, sd, half = _spread(d)
    mean = float(np.round(mean, decimals + 3)) + 0.0  # differences that cancel have a mean of 0, not of 1e-17
    low = high = p_t = p_wilcoxon = None
    if sd is not None and half is not None:
        if sd <= _NEGLIGIBLE * abs(mean):
            sd = half = 0.0
        low, high = mean - half, mean + half
        p_t = float(2 * stdtr(d.size - 1, -abs(mean) / (sd / np.sqrt(d.size)))) if sd else float(mean == 0)
        p_wilcoxon = _signed_rank_test(d)
    return Effect(
        d.size,
        mean,
        sd,
        low,
        high,
        p_t,
        p_wilcoxon,
        improvement=float((1 + wins).mean() / 2),
        agreeing=int((np.sign(d) == np.sign(mean)).sum()),
        differences=tuple(d.tolist()),
    )


def holm(p: Sequence[float]) -> list[float]:
    """Corrects the p of m tests so that all that fall below alpha hold together, but for a chance of alpha at most.

    With p_(1) <= ... <= p_(m):   corrected p_(k) = min(1, max_{j <= k} (m - j + 1) p_(j)).
    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6, 1979.

    Args:
        p: m of them, in any order, however dependent; the corrected ones come in the same order.

    Raises:
        ValueError: a p outside [0, 1].
    """
    raw = np.asarray(p, dtype=np.float64)
    if not ((raw >= 0) & (raw <= 1)).all():
        raise ValueError(f"a p is between 0 and 1: {list(p)}")
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(np.arange(raw.size, 0, -1) * raw[order])
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(stepped, 1)
    return [float(each) for each in corrected]


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Are two classifiers right equally often? On b + c examples one alone is right; if so, b ~ Binomial(b + c, 1/2).

    The p is exact and two-sided; 1 if the two agree on all. It is about these two models, not about how they are made.
    McNemar, "Note on the Sampling Error of the Difference between Correlated Proportions", Psychometrika 12, 1947.

    Args:
        first_right: [n] bool, example by example.
        second_right: [n] bool, of the same examples.

    Raises:
        ValueError: two shapes.
    """
    from scipy.special import bdtr

    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"two classifiers are compared on the same examples, not on {first.shape} and {second.shape}")
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    # Two equal tails, which overlap where b = c. It is scipy.stats.binomtest, which takes long to import.
    return McNemar(b, c, min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0)


def verdict(effect: Effect | None, corrected_p: float | None) -> str:
    """`better`, `worse`, `no difference` (of any pair), `undecided`, or `no verdict` from fewer than 3 pairs."""
    if effect is None or corrected_p is None or effect.n < FEWEST:
        return "no verdict"
    if not any(effect.differences):
        return "no difference"
    if corrected_p >= ALPHA:
        return "undecided"
    return "better" if effect.mean > 0 else "worse"


def wilcoxon_floor(n: int) -> float:
    """The smallest two-sided p that Wilcoxon's signed-rank test can give with n pairs: 2 / 2^n, and 1 for no pair."""
    return min(1.0, 2.0 ** (1 - n))


def _vector(values: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"values must be a vector that is not empty, not of shape {x.shape}")
    if not (np.abs(x) <= _LARGEST).all():
        raise ValueError(f"a value is not finite, or beyond {_LARGEST:g}: {x.tolist()}")
    return x


def _spread(x: NDArray[np.float64]) -> tuple[float, float | None, float | None]:
    """Mean, standard deviation, and half the width of the interval."""
    from scipy.special import stdtrit  # scipy.stats.t.ppf

    mean = float(x[0] + (x - x[0]).mean())  # so that equal values have just that mean, and no spread
    if x.size < 2:
        return mean, None, None
    sd = float(np.sqrt(np.square(x - mean).sum() / (x.size - 1)))
    return mean, sd, float(stdtrit(x.size - 1, (1 + LEVEL) / 2) * sd / np.sqrt(x.size))


def _decimals(*operands: NDArray[np.float64]) -> int:
    # Differences carry the rounding of their operands, 1e-16 of these: far below _DIGITS, which metrics never reach.
    size = max(np.abs(x).max() for x in operands)
    return _DIGITS - int(np.ceil(np.log10(max(size, 1 / _LARGEST))))


def _signed_rank_test(d: NDArray[np.float64]) -> float:
    # Exact with ties, too, where scipy.stats.wilcoxon falls back on a normal curve: accuracies tie all the time.
    size = np.abs(d[d != 0])
    rank = (size[:, None] > size).sum(1) + (size[:, None] >= size).sum(1) + 1  # [n], twice the mean rank: an integer
    chance = np.zeros(rank.sum() + 1)  # chance[s]: s is the sum of the ranks with a plus, where signs are tossed
    chance[0] = 1
    for r in rank:
        chance[r:] = chance[r:] + chance[:-r]
        chance /= 2
    plus = rank[d[d != 0] > 0].sum()
    return float(min(1, 2 * min(chance[: plus + 1].sum(), chance[plus:].sum())))
