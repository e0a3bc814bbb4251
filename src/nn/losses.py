"""The table of heads: pairs of output activation and loss that belong together.

A loss takes the pre-activations z of the output layer and class labels y (integers). The target t is the one-hot vector
of y, or y itself for a single output unit. It returns the weighted sum of the examples' losses and writes
delta = dloss/dz. The weights of the examples sum to one, so a loss is a mean: each weight is 1/batch, or
w[y] / sum w[y] with class weights.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from src.nn.activations import sigmoid, sigmoid_slope
from src.nn.arrays import Array, Labels


class Head(NamedTuple):
    """Output probabilities, and the loss with its gradient.

    `probabilities(z, out)`: z and out [batch, units].
    `loss(z, y, weight, out)`: z [batch, units], overwritten; y [batch] integers; weight [batch, 1], sum 1;
    out [batch, units] <- dloss/dz; returns the loss, a float.
    """

    probabilities: Callable[[Array, Array], Array]
    loss: Callable[[Array, Labels, Array, Array], float]


def softmax(z: Array, out: Array) -> Array:
    """p_k = exp(z_k) / sum_j exp(z_j), shifted by max z, so that it never overflows."""
    np.subtract(z, z.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out


def softmax_cross_entropy(z: Array, y: Labels, weight: Array, out: Array) -> float:
    """L = -log p_y = log sum_k exp(z_k) - z_y,  dL/dz = p - t"""
    rows = np.arange(len(y))
    z -= z.max(axis=1, keepdims=True)  # log-sum-exp: the largest exponent is 0
    np.exp(z, out=out)
    total = out.sum(axis=1, keepdims=True)  # [batch, 1]
    loss = np.log(total)[:, 0] - z[rows, y]  # [batch]
    out /= total
    out[rows, y] -= 1
    out *= weight
    return float(loss @ weight[:, 0])


def sigmoid_mse(z: Array, y: Labels, weight: Array, out: Array) -> float:
    """L = mean_k (p_k - t_k)^2,  dL/dz = 2 (p - t) p (1 - p) / units"""
    units = z.shape[1]
    sigmoid(z, out)
    slope = sigmoid_slope(out, z)  # dp/dz
    _subtract_target(out, y)  # p - t
    gradient = out * (weight * (2 / units))  # dL/dp
    loss = np.einsum("ij,ij->", out, gradient) / 2
    np.multiply(gradient, slope, out=out)
    return float(loss)


def sigmoid_binary_cross_entropy(z: Array, y: Labels, weight: Array, out: Array) -> float:
    """L = sum_k -t_k log p_k - (1 - t_k) log(1 - p_k),  dL/dz = p - t

    As -log p = log(1 + exp(-z)) and -log(1 - p) = log(1 + exp z), no logarithm of a rounded p is needed.
    """
    sigmoid(z, out)
    _subtract_target(out, y)
    out *= weight
    if z.shape[1] == 1:
        z[y == 1] *= -1
    else:
        z[np.arange(len(y)), y] *= -1
    softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))  # log(1 + exp z), without overflow
    return float(softplus.sum(axis=1) @ weight[:, 0])


def _subtract_target(out: Array, y: Labels) -> None:
    # out <- out - t
    if out.shape[1] == 1:
        out[:, 0] -= y
    else:
        out[np.arange(len(y)), y] -= 1


HEADS = {
    ("softmax", "cross_entropy"): Head(softmax, softmax_cross_entropy),
    ("sigmoid", "mse"): Head(sigmoid, sigmoid_mse),
    ("sigmoid", "binary_cross_entropy"): Head(sigmoid, sigmoid_binary_cross_entropy),
}
OUTPUTS = tuple(dict.fromkeys(output for output, _ in HEADS))
LOSSES = tuple(dict.fromkeys(loss for _, loss in HEADS))
