"""The operations that an arithmetic defines: all that two machines may compute differently, and nothing else."""

from typing import Any, Protocol

from src.nn.arrays import Array, Labels

MOST_TERMS = 1 << 29  # of a product of portable arithmetic: more would leave its operands fewer than 12 bits


class Arithmetic(Protocol):
    """The operations of a network and its training.

    What is not here (+ - * / and square roots of arrays, comparisons, maxima, gathering) is the same on every machine.
    Arrays are float32 or float64; an `out` is overwritten.
    """

    name: str  # in `ARITHMETICS`
    terms: int  # the most that a product sums
    everywhere: bool  # whether results are the same on every machine

    def operand(self, a: Array, name: str) -> Array:
        """The array as a factor of `matmul` and for `sum_rows`, of the same shape.

        It is good until this thread asks for another one of this name and shape.
        """

    def matmul(self, a: Array, b: Array, out: Array) -> None:
        """out <- a b, of operands."""

    def sum_rows(self, a: Array, out: Array) -> None:
        """out [n] <- the sum over the rows of an operand [rows, n]."""

    def sum_columns(self, a: Array) -> Array:
        """[rows], the sum over the columns of a [rows, n]."""

    def total(self, a: Array) -> Any:
        """The sum of all entries."""

    def mean(self, a: Array) -> Any:
        """The mean of all entries."""

    def dot(self, a: Array, b: Array) -> float:
        """sum a b, over all entries of two arrays of one shape."""

    def norm(self, g: Array) -> float:
        """The square root of sum g^2; the squares may overflow the array's type."""

    def moments(self, a: Array) -> tuple[Array, Array]:
        """[n] each: mean and standard deviation of the columns of a [rows, n]."""

    def tanh(self, z: Array, out: Array) -> None:
        """out <- tanh z"""

    def sigmoid(self, z: Array, out: Array) -> None:
        """out <- 1 / (1 + exp(-z)), without overflow"""

    def softplus(self, z: Array) -> Array:
        """log(1 + exp z), without overflow, as a new array"""

    def log(self, x: Array) -> Array:
        """log x, of float64, as a new array"""

    def softmax(self, z: Array, out: Array) -> None:
        """out [batch, units] <- exp(z_k) / sum_j exp(z_j), shifted by max z, so that it never overflows"""

    def softmax_loss(self, z: Array, y: Labels, weight: Array, out: Array, wanted: bool) -> float:
        """L = -log p_y = log sum_k exp(z_k) - z_y,  out <- dL/dz = p - t, with weights [batch, 1]; overwrites z.

        If it is not `wanted`, any number may be returned that is finite if the loss is.
        """

    def power(self, x: float, n: float) -> float:
        """x^n, for x > 0 or a whole n >= 0"""

    def root(self, x: float) -> float:
        """The square root of a number; native's is the C library's power."""

    def cos_pi(self, x: float) -> float:
        """cos(pi x)"""
