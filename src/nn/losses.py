"""Output units and losses, in the pairs that make sense together, as entries of one table.

A loss takes the output layer's pre-activations z and the class labels y (an integer an example; the target t is the
one-hot vector of y, or y itself where a single unit tells two classes apart), returns the weighted sum of the examples'
losses, and writes delta = dloss/dz. The examples' weights sum to one, so that a loss is a mean whatever the weights:
1/batch each, or w[y] / sum w[y] with class weights.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from src.nn.activations import sigmoid, sigmoid_slope
from src.nn.arrays import Array, Labels


class Head(NamedTuple):
    """The output units' probabilities, and the loss with its gradient.

    `probabilities(z, out)`: z and out [batch, units].
    `loss(z, y, weight, out)`: z [batch, units], overwritten; y [batch] integers; weight [batch, 1], sum 1;
    out [batch, units] <- dloss/dz; returns the loss, a float.
    """

    probabilities: Callable[[Array, Array], Array]
    loss: Callable[[Array, Labels, Array, Array], float]


def softmax(z: Array, out: Array) -> Array:
    """p_k = exp(z_k) / sum_j exp(z_j), shifted by max z, so that it overflows nowhere."""
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

    As -log p = log(1 + exp(-z)) and -log(1 - p) = log(1 + exp z), no logarithm of a rounded p is taken.
    """
    sigmoid(z, out)
    _subtract_target(out, y)
    out *= weight
    if z.shape[1] == 1:
        z[y == 1] *= -1
    else:
        z[np.arange(len(y)), y] *= -1
    softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))  # log(1 + exp z), overflowing nowhere
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
