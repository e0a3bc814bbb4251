"""NumPy's and the C library's own operations, in the arrays' type: fast, and other bits on other machines."""

from math import cos, pi
from typing import Any

import numpy as np

from src.nn.arrays import Array, Labels


class Native:
    """Each operation as `Arithmetic` says."""

    name = "native"
    everywhere = False

    def __init__(self, terms: int) -> None:
        self.terms = terms

    def operand(self, a: Array, name: str) -> Array:
        return a

    def matmul(self, a: Array, b: Array, out: Array) -> None:
        np.matmul(a, b, out=out)

    def sum_rows(self, a: Array, out: Array) -> None:
        np.add.reduce(a, axis=0, out=out)

    def sum_columns(self, a: Array) -> Array:
        summed: Array = a.sum(axis=1)
        return summed

    def total(self, a: Array) -> Any:
        return a.sum()

    def mean(self, a: Array) -> Any:
        return a.mean()

    def dot(self, a: Array, b: Array) -> float:
        return float(a @ b) if a.ndim == 1 else float(np.einsum("ij,ij->", a, b))

    def norm(self, g: Array) -> float:
        return self.root(float(np.einsum("i,i->", g, g, dtype=np.float64)))

    def moments(self, a: Array) -> tuple[Array, Array]:
        return a.mean(axis=0), a.std(axis=0)

    def tanh(self, z: Array, out: Array) -> None:
        np.tanh(z, out=out)

    def sigmoid(self, z: Array, out: Array) -> None:
        np.multiply(z, 0.5, out=out)  # (1 + tanh(z/2)) / 2
        np.tanh(out, out=out)
        out *= 0.5
        out += 0.5

    def softplus(self, z: Array) -> Array:
        softplus: Array = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
        return softplus

    def log(self, x: Array) -> Array:
        return np.log(x)

    def softmax(self, z: Array, out: Array) -> None:
        np.subtract(z, z.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)

    def softmax_loss(self, z: Array, y: Labels, weight: Array, out: Array, wanted: bool) -> float:
        rows = np.arange(len(y))
        z -= z.max(axis=1, keepdims=True)  # log-sum-exp: the largest exponent is 0
        np.exp(z, out=out)
        total = out.sum(axis=1, keepdims=True)  # [batch, 1]
        loss = np.log(total)[:, 0] - z[rows, y]  # [batch]
        out /= total
        out[rows, y] -= 1
        out *= weight
        return float(loss @ weight[:, 0])

    def power(self, x: float, n: float) -> float:
        return float(x**n)

    def root(self, x: float) -> float:
        return float(x**0.5)

    def cos_pi(self, x: float) -> float:
        return cos(pi * x)
