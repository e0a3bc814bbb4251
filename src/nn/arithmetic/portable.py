"""Operations with one result, whatever the BLAS, its kernel and threads, NumPy's SIMD, the C library or the processor.

Products: operands are rounded to a grid so fine that float64 holds every partial sum exactly; so the order of summation
has no influence (the error-free splitting of Rump, Ogita and Oishi, 2008, with one slice). Functions are those of
`elementary` and `single`, in float64 and rounded once. Sums of losses are exact and rounded once (`math.fsum`).
docs/portable.md defines all of it.
"""

import decimal
import math
import threading
from types import ModuleType
from typing import Any

import numpy as np

from src.nn.arithmetic import elementary, single
from src.nn.arrays import Array, Labels

_SIGNIFICAND = 53  # bits of a float64
_COLUMNS = 256  # of `norm`
_HUGE = 2 << 20  # bytes of a huge page
_DIGITS = decimal.Context(prec=40)
_PI = decimal.Decimal("3.141592653589793238462643383279502884197169399375105820974944592")


class _Buffers(threading.local):
    def __init__(self) -> None:
        self._known: dict[Any, Array] = {}

    def of(self, name: str, shape: tuple[int, ...], dtype: type[np.floating[Any]]) -> Array:
        """An array for a purpose, not initialized: allocating one each time takes longer than filling it."""
        if (key := (name, shape, dtype)) not in self._known:
            self._known[key] = _empty(shape, np.dtype(dtype))
        return self._known[key]


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    # Aligned to huge pages, for which NumPy asks Linux from 4 MB on: a tenth of the time of a large network.
    if (size := math.prod(shape) * dtype.itemsize) < _HUGE // 2:
        return np.empty(shape, dtype)
    block = np.empty(-(-size // _HUGE) * _HUGE + _HUGE, np.uint8)
    first = -block.ctypes.data % _HUGE
    return block[first : first + size].view(dtype).reshape(shape)


class Portable:
    """Each operation as `Arithmetic` says.

    bits: of an operand below the power of two that bounds it: 2 bits + ceil(log2 terms) <= 53.
    """

    name = "portable"
    everywhere = True

    def __init__(self, terms: int) -> None:
        self.terms = terms
        self.bits = (_SIGNIFICAND - (terms - 1).bit_length()) // 2
        self._buffers = _Buffers()

    def operand(self, a: Array, name: str) -> Array:
        """Multiples of 2^(e - bits), where 2^e bounds |a|, in float64: the nearest ones, of two the even one."""
        _, e = math.frexp(max(float(np.maximum.reduce(a, axis=None)), -float(np.minimum.reduce(a, axis=None))))
        wide = self._buffers.of(name, a.shape, np.float64)
        # Adding and subtracting c rounds to the last place of c. In float32 it does the same for up to 22 bits.
        if a.dtype == np.float32 and self.bits <= 22 and e <= 64:
            c = np.float32(math.ldexp(1.5, 23 + e - self.bits))
            rounded = self._buffers.of(name, a.shape, np.float32)
            np.add(a, c, out=rounded)
            np.subtract(rounded, c, out=rounded)
            wide[...] = rounded
            return wide
        wide[...] = a
        # Numbers from 2^899 on become NaN, as in a training that diverges.
        shift = math.ldexp(1.5, _SIGNIFICAND - 1 + e - self.bits) if e < 900 else math.inf
        wide += shift
        wide -= shift
        return wide

    def matmul(self, a: Array, b: Array, out: Array) -> None:
        if out.dtype == np.float64:
            np.matmul(a, b, out=out)
        else:
            wide = self._buffers.of("", out.shape, np.float64)
            np.matmul(a, b, out=wide)  # exact
            out[...] = wide  # rounded once

    def sum_rows(self, a: Array, out: Array) -> None:
        out[...] = np.add.reduce(a, axis=0)

    def sum_columns(self, a: Array) -> Array:
        """Column by column, from the left."""
        summed = a[:, 0].copy()
        for column in range(1, a.shape[1]):
            summed += a[:, column]
        return summed

    def total(self, a: Array) -> float:
        """The exact sum, rounded once to float64; NaN beyond that, or if an entry is not finite."""
        try:
            return math.fsum(a.ravel().tolist()) if np.isfinite(a).all() else math.nan
        except OverflowError:
            return math.nan

    def mean(self, a: Array) -> float:
        return self.total(a) / a.size

    def dot(self, a: Array, b: Array) -> float:
        return self.total(a.astype(np.float64) * b)

    def norm(self, g: Array) -> float:
        """Squares in float64 are added in 256 columns, entry i in column i mod 256, and the columns exactly."""
        squares = np.zeros(-(-g.size // _COLUMNS) * _COLUMNS)
        with np.errstate(over="ignore"):  # then the norm is NaN
            np.square(g, out=squares[: g.size], dtype=np.float64)
            sums = np.add.reduce(squares.reshape(-1, _COLUMNS), axis=0)
        return math.sqrt(self.total(sums))

    def moments(self, a: Array) -> tuple[Array, Array]:
        wide, n = a.astype(np.float64), len(a)
        mean = np.add.reduce(wide, axis=0) / n
        wide -= mean
        deviation = np.sqrt(np.add.reduce(np.square(wide), axis=0) / n)
        return mean.astype(a.dtype), deviation.astype(a.dtype)

    def tanh(self, z: Array, out: Array) -> None:
        out[...] = _functions(z).tanh(z.astype(np.float64))

    def sigmoid(self, z: Array, out: Array) -> None:
        out[...] = _functions(z).sigmoid(z.astype(np.float64))

    def softplus(self, z: Array) -> Array:
        return elementary.softplus(z.astype(np.float64))

    def log(self, x: Array) -> Array:
        return elementary.log(x.astype(np.float64))

    def softmax(self, z: Array, out: Array) -> None:
        exps, total, _ = _softmax(z)
        exps /= total
        out[...] = exps.T

    def softmax_loss(self, z: Array, y: Labels, weight: Array, out: Array, wanted: bool) -> float:
        exps, total, shifted = _softmax(z)
        at_target = y * len(y) + np.arange(len(y))
        loss = shifted.take(at_target)
        if wanted:
            loss = elementary.log(total) - loss
        exps /= total
        exps.put(at_target, exps.take(at_target) - 1)
        exps *= weight[:, 0]
        out[...] = exps.T
        return self.dot(loss, weight[:, 0]) if wanted else float(np.add.reduce(loss))

    def power(self, x: float, n: float) -> float:
        """By squaring, from the low bit, if n is a whole number; else correctly rounded."""
        if n != int(n) or n < 0:
            return float(_DIGITS.power(decimal.Decimal(x), decimal.Decimal(n)))
        result, square, bits = 1.0, float(x), int(n)
        while bits:
            if bits & 1:
                result *= square
            square *= square
            bits >>= 1
        return result

    def root(self, x: float) -> float:
        return math.sqrt(x)

    def cos_pi(self, x: float) -> float:
        """Correctly rounded, from its Taylor series with 40 digits."""
        if x % 1 == 0.5:
            return 0.0
        angle = _DIGITS.multiply(_PI, decimal.Decimal(x % 2))
        square, term, total = _DIGITS.multiply(angle, angle), decimal.Decimal(1), decimal.Decimal(0)
        for n in range(0, 80, 2):
            total = _DIGITS.add(total, term)
            term = _DIGITS.divide(_DIGITS.multiply(term, square).copy_negate(), decimal.Decimal((n + 1) * (n + 2)))
        return float(total)


def _softmax(z: Array) -> tuple[elementary.Floats, elementary.Floats, elementary.Floats]:
    """exp(z - max z) [units, batch], its sums [batch], and z - max z, in float64."""
    shifted = np.array(z.T, np.float64, order="C")
    shifted -= np.maximum.reduce(shifted, axis=0)
    exps = _functions(z).exp(shifted)
    total = exps[0].copy()
    for unit in exps[1:]:
        total += unit
    return exps, total, shifted


def _functions(z: Array) -> ModuleType:
    return single if z.dtype == np.float32 else elementary
