"""The parameters of a network as one flat vector, with a view for each layer.

Optimizers, checkpoints, digests and gradient checks use the vector; layers use the views. All weights precede all
biases, so the weights are one slice.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from src.nn.arrays import Array


class Parameters:
    """Weights and biases, or their gradient, which has the same layout.

    theta: [size], the flat vector; weights: its first part, all weight matrices; W[l]: [fan_in, fan_out];
    b[l]: [fan_out], or an empty list for a network without biases. All are views of `theta`.
    """

    def __init__(self, widths: Sequence[int], bias: bool, dtype: str) -> None:
        shapes = list(itertools.pairwise(widths))
        weights = sum(fan_in * fan_out for fan_in, fan_out in shapes)
        biases = sum(widths[1:]) if bias else 0
        self.theta: Array = np.zeros(weights + biases, dtype)
        self.weights = self.theta[:weights]
        self.W: list[Array] = []
        self.b: list[Array] = []
        start = 0
        for fan_in, fan_out in shapes:
            self.W.append(self.theta[start : start + fan_in * fan_out].reshape(fan_in, fan_out))
            start += fan_in * fan_out
        for fan_out in widths[1:] if bias else ():
            self.b.append(self.theta[start : start + fan_out])
            start += fan_out

    def arrays(self) -> dict[str, Array]:
        """The views by name: W0, b0, W1, b1, ... as a model file stores them."""
        named = {f"W{layer}": weights for layer, weights in enumerate(self.W)}
        return named | {f"b{layer}": biases for layer, biases in enumerate(self.b)}
