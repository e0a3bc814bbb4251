"""exp, tanh and sigmoid for float32: computed in float64 to about 2^-34, then rounded once, which is within 0.51 ulp.

Fewer operations than those of `elementary`, and like them of IEEE 754 operations alone.
"""

import decimal

import numpy as np

from src.nn.arithmetic import elementary
from src.nn.arithmetic.elementary import Floats, polynomial

_DIGITS = decimal.Context(prec=40)
_STEPS = 64  # of exp, for each power of two
_STEP = 0.010830424696249145  # ln 2 / 64
_PER_STEP = 92.33248261689366  # 64 / ln 2
_LOWEST, _HIGHEST = -104.0, 110.0  # beyond, exp is 0 or infinite when it is rounded
_EXP = (1.0, 1.0, 1 / 2, 1 / 6)  # over |r| <= ln 2 / 128
_PER_ONE = 128  # steps of tanh
_TANH = (1.0, -1 / 3)  # of tanh(r) / r, in r^2, for |r| <= 1/256
_SATURATED = 10  # from here on, tanh is 1


def _powers() -> Floats:
    # 2^(k / 64), where k is what `exp` rounds to
    within = np.array([float(_DIGITS.power(decimal.Decimal(2), decimal.Decimal(k) / _STEPS)) for k in range(_STEPS)])
    k = np.arange(-_OFFSET, round(_HIGHEST * _PER_STEP) + 1)
    powers: Floats = np.ldexp(within[k % _STEPS], k // _STEPS)
    return powers


_OFFSET = -round(_LOWEST * _PER_STEP)
_POWERS = _powers()
_TANHS = elementary.tanh(np.arange(-_SATURATED * _PER_ONE, _SATURATED * _PER_ONE + 1) / _PER_ONE)


def exp(x: Floats) -> Floats:
    """exp x, to be rounded to float32"""
    x = np.clip(x, _LOWEST, _HIGHEST)
    k = np.rint(x * _PER_STEP)
    x -= k * _STEP
    k += _OFFSET
    result = polynomial(x, _EXP)
    result *= _at(_POWERS, k)
    return result


def tanh(x: Floats) -> Floats:
    """tanh x, from that of the nearest k / 128: tanh(a + b) = (tanh a + tanh b) / (1 + tanh a tanh b)"""
    r = np.clip(x, -_SATURATED, _SATURATED)
    k = np.rint(r * _PER_ONE)
    r -= k / _PER_ONE  # exact
    k += _SATURATED * _PER_ONE
    square = r * r
    r *= polynomial(square, _TANH)
    result = _at(_TANHS, k)
    denominator = np.multiply(result, r, out=square)
    denominator += 1
    result += r
    result /= denominator
    return np.copysign(result, x, out=result)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x))"""
    e = exp(-x)
    e += 1
    return np.divide(1, e, out=e)


def _at(table: Floats, k: Floats) -> Floats:
    with np.errstate(invalid="ignore"):  # any entry for NaN
        return np.take(table, k.astype(np.int64), mode="clip")
