"""exp, log and tanh of exact operations alone: + - * / and rint, comparisons, signs, and powers of two.

IEEE 754 defines each of them to the bit, and each is a NumPy function of its own, so that no compiler contracts two.
So the results are the same on every machine, which those of NumPy and of C libraries are not. Arrays are float64;
coefficients are those of fdlibm and Cephes.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# ln 2, whose first part times an exponent is exact.
_LN2, _LN2_REST = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LOG2_E = 1.44269504088896338700
_SQRT_HALF = 0.7071067811865476
# Of r (exp(r) + 1) / (exp(r) - 1) - 2, in r^2 (fdlibm, exp).
_E = (
    *(1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05),
    *(-1.65339022054652515390e-06, 4.13813679705723846039e-08),
)
# Of log((1 + s) / (1 - s)) - 2 s over s^3, in s^2 (fdlibm, log).
_L = (
    *(6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01),
    *(1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01),
)
# Of (tanh(x) - x) / x^3, in x^2 (Cephes, tanh).
_T = (-1.61468768441708447952e3, -9.92877231001918586564e1, -9.64399179425052238628e-1)
_U = (4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2, 1.0)
_SMALL = 0.625
_LARGE = 22.0  # from here on, tanh is 1


def exp(x: Floats) -> Floats:
    """exp x, to within an ulp, subnormal results included."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = np.minimum(np.maximum(x, -746.0), 710.0)  # beyond, it is 0 or infinite
        k = np.rint(x * _LOG2_E)
        high, low = x - k * _LN2, k * _LN2_REST
        r = high - low
        t = r * r
        c = r - t * polynomial(t, _E)
        power = k.astype(np.int64)
        half = power >> 1  # in two steps, neither of which leaves the normal numbers
        scaled: Floats = (1 - ((low - r * c / (2 - c)) - high)) * _power_of_two(half) * _power_of_two(power - half)
        return scaled


def log(x: Floats) -> Floats:
    """log x, to within an ulp; -infinity of 0, NaN below."""
    m, exponent = np.frexp(x)  # x = m 2^exponent, 1/2 <= m < 1
    low = m < _SQRT_HALF
    f = np.where(low, m + m, m) - 1  # exact
    k = (exponent - low).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = f / (2 + f)
        half_square = 0.5 * f * f
        rest = s * (half_square + s * s * polynomial(s * s, _L)) + k * _LN2_REST
        logarithm: Floats = k * _LN2 - ((half_square - rest) - f)
    if not (x.min(initial=1.0) > 0 and x.max(initial=1.0) < np.inf):  # NaN, too
        logarithm = np.where(x > 0, np.where(x == np.inf, np.inf, logarithm), np.where(x == 0, -np.inf, np.nan))
    return logarithm


def tanh(x: Floats) -> Floats:
    """tanh x, to within 2 ulps."""
    size = np.minimum(np.abs(x), _LARGE)
    square = size * size
    small = size + size * (square * (polynomial(square, _T) / polynomial(square, _U)))
    large = 1 - 2 / (exp(size + size) + 1)
    return np.copysign(np.where(size < _SMALL, small, large), x)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    e = exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


def softplus(x: Floats) -> Floats:
    """log(1 + exp x), without overflow."""
    e = exp(-np.abs(x))
    u = 1 + e
    rounded = u - 1  # what of e is in u: log(u) e / (u - 1) makes up for the rest
    return np.maximum(x, 0) + np.where(rounded > 0, log(u) * (e / np.where(rounded > 0, rounded, 1.0)), e)


def polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """By Horner's rule, constant term first."""
    value = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= x
    value += coefficients[0]
    return value


def _power_of_two(k: NDArray[np.int64]) -> Floats:
    return ((k + 1023) << 52).view(np.float64)
