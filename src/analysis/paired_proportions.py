"""The interval of a difference between two classifiers' accuracies on the same examples."""

import math
from typing import NamedTuple

from numpy.typing import ArrayLike

from src.analysis.statistics import ALPHA, McNemar, mcnemar

_Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution


class Gain(NamedTuple):
    """How much more often the second classifier is right, with its 95 % interval; and McNemar's test."""

    difference: float  # of accuracies: second minus first
    low: float
    high: float
    mcnemar: McNemar

    @property
    def at_the_edge(self) -> bool:
        """Whether test and interval disagree: one sees a difference at the 5 % level, and the other does not."""
        return (self.mcnemar.p < ALPHA) == (self.low <= 0 <= self.high)


def gain(first_right: ArrayLike, second_right: ArrayLike) -> Gain:
    """The difference of two accuracies on the same n examples, by Newcombe's method 10.

    With a both right, b only the first, c only the second, d neither, and Wilson's interval [l, u] of each share p:

        low  = D - sqrt(f^2 - 2 phi f g + g^2),    f = p2 - l2, g = u1 - p1,    D = p2 - p1
        high = D + sqrt(f^2 - 2 phi f g + g^2),    f = u2 - p2, g = p1 - l1
        phi  = (a d - b c) / sqrt((a + b)(c + d)(a + c)(b + d)), with a d - b c > 0 reduced by n / 2, at least to 0

    R. G. Newcombe, "Improved Confidence Intervals for the Difference between Binomial Proportions Based on Paired
    Data", Statistics in Medicine 17, 1998.

    Args:
        first_right: [n] bool, example by example.
        second_right: [n] bool, of the same examples.

    Raises:
        ValueError: two shapes, or no example.
    """
    import numpy as np

    test = mcnemar(first_right, second_right)
    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    if not (n := first.size):
        raise ValueError("no example")
    a, b, c = int((first & second).sum()), test.only_first, test.only_second
    d = n - a - b - c
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    product = float(a * d - b * c)
    if product > 0:
        product = max(product - n / 2, 0.0)
    phi = product / math.sqrt(margins) if margins else 0.0
    p1, p2 = (a + b) / n, (a + c) / n
    (l1, u1), (l2, u2) = wilson(a + b, n), wilson(a + c, n)
    below = _combined(p2 - l2, u1 - p1, phi)
    above = _combined(u2 - p2, p1 - l1, phi)
    return Gain((c - b) / n, (c - b) / n - below, (c - b) / n + above, test)


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share k of n: the p from which k / n is at most z standard errors away.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927.
    """
    middle = (k + _Z**2 / 2) / (n + _Z**2)
    half = _Z * math.sqrt(k * (n - k) / n + _Z**2 / 4) / (n + _Z**2)
    return (middle - half if k else 0.0), (middle + half if k < n else 1.0)


def _combined(f: float, g: float, phi: float) -> float:
    return math.sqrt(max(f * f - 2 * phi * f * g + g * g, 0.0))
