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
from src.nn.arithmetic.operations import Arithmetic
from src.nn.arrays import Array, Labels


class Head(NamedTuple):
    """Output probabilities, and the loss with its gradient.

    `probabilities(ops, z, out)`: z and out [batch, units].
    `loss(ops, z, y, weight, out, wanted)`: z [batch, units], overwritten; y [batch] integers; weight [batch, 1], sum 1;
    out [batch, units] <- dloss/dz; returns the loss, a float, or any that is finite if the loss is and not `wanted`.
    """

    probabilities: Callable[[Arithmetic, Array, Array], None]
    loss: Callable[[Arithmetic, Array, Labels, Array, Array, bool], float]


def softmax(ops: Arithmetic, z: Array, out: Array) -> None:
    """p_k = exp(z_k) / sum_j exp(z_j)"""
    ops.softmax(z, out)


def softmax_cross_entropy(ops: Arithmetic, z: Array, y: Labels, weight: Array, out: Array, wanted: bool) -> float:
    """L = -log p_y = log sum_k exp(z_k) - z_y,  dL/dz = p - t"""
    return ops.softmax_loss(z, y, weight, out, wanted)


def sigmoid_mse(ops: Arithmetic, z: Array, y: Labels, weight: Array, out: Array, wanted: bool) -> float:
    """L = mean_k (p_k - t_k)^2,  dL/dz = 2 (p - t) p (1 - p) / units"""
    units = z.shape[1]
    ops.sigmoid(z, out)
    slope = sigmoid_slope(out, z)  # dp/dz
    _subtract_target(out, y)  # p - t
    gradient = out * (weight * (2 / units))  # dL/dp
    loss = ops.dot(out, gradient) / 2
    np.multiply(gradient, slope, out=out)
    return loss


def sigmoid_binary_cross_entropy(
    ops: Arithmetic, z: Array, y: Labels, weight: Array, out: Array, wanted: bool
) -> float:
    """L = sum_k -t_k log p_k - (1 - t_k) log(1 - p_k),  dL/dz = p - t

    As -log p = log(1 + exp(-z)) and -log(1 - p) = log(1 + exp z), no logarithm of a rounded p is needed.
    """
    ops.sigmoid(z, out)
    _subtract_target(out, y)
    out *= weight
    if z.shape[1] == 1:
        z[y == 1] *= -1
    else:
        z[np.arange(len(y)), y] *= -1
    return ops.dot(ops.sum_columns(ops.softplus(z)), weight[:, 0])


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
