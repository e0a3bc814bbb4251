"""The table of activation functions and their slopes. A new one is two functions and an entry of `ACTIVATIONS`."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from src.nn.arithmetic.operations import Arithmetic
from src.nn.arrays import Array

LEAK = 0.01


class Activation(NamedTuple):
    """f and its slope, elementwise, written into `out`, which has the input's shape but is never the input itself.

    The slope takes a = f(z), so z is free for reuse; functions whose slope does not follow from f(z) don't fit.
    """

    value: Callable[[Arithmetic, Array, Array], object]  # value(ops, z, out): out <- f(z)
    slope: Callable[[Array, Array], object]  # slope(a, out): out <- f'(z)


def sigmoid(ops: Arithmetic, z: Array, out: Array) -> None:
    """f(z) = 1 / (1 + exp(-z))"""
    ops.sigmoid(z, out)


def sigmoid_slope(a: Array, out: Array) -> Array:
    """f'(z) = a (1 - a)"""
    np.subtract(1, a, out=out)
    out *= a
    return out


def tanh(ops: Arithmetic, z: Array, out: Array) -> None:
    """f(z) = tanh z"""
    ops.tanh(z, out)


def tanh_slope(a: Array, out: Array) -> Array:
    """f'(z) = 1 - a^2"""
    np.square(a, out=out)
    return np.subtract(1, out, out=out)


def relu(ops: Arithmetic, z: Array, out: Array) -> Array:
    """f(z) = max(z, 0)"""
    return np.maximum(z, 0, out=out)


def relu_slope(a: Array, out: Array) -> Array:
    """f'(z) = 1 where z > 0, else 0 (also at z = 0)"""
    return np.sign(a, out=out)  # a is never negative


def leaky_relu(ops: Arithmetic, z: Array, out: Array) -> Array:
    """f(z) = max(z, 0.01 z) (Maas, Hannun and Ng, 2013)"""
    np.multiply(z, LEAK, out=out)
    return np.maximum(z, out, out=out)


def leaky_relu_slope(a: Array, out: Array) -> Array:
    """f'(z) = 1 where z > 0, else 0.01"""
    np.greater(a, 0, out=out)
    return np.maximum(out, LEAK, out=out)


def linear(ops: Arithmetic, z: Array, out: Array) -> None:
    """f(z) = z"""
    np.copyto(out, z)


def linear_slope(a: Array, out: Array) -> None:
    """f'(z) = 1"""
    out.fill(1)


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "tanh": Activation(tanh, tanh_slope),
    "relu": Activation(relu, relu_slope),
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope),
    "linear": Activation(linear, linear_slope),
}
