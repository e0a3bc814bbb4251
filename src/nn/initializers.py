"""Initial weights, as entries of one table. Biases start at zero.

An initializer is a distribution of unit scale and a factor. Variants that share a seed and a distribution therefore
share their draws *before* scaling, which is what makes their differences paired.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np

from src.nn.arrays import Array


class Spread(NamedTuple):
    """What the two initializers of a fixed spread are told: a standard deviation and a bound."""

    std: float
    bound: float


class Initializer(NamedTuple):
    """W = draw(rng, (fan_in, fan_out)) * scale(fan_in, fan_out, spread), in float64."""

    draw: Callable[[np.random.Generator, tuple[int, int]], Array]
    scale: Callable[[int, int, Spread], float]

    def weights(self, rng: np.random.Generator, fan_in: int, fan_out: int, spread: Spread) -> Array:
        """A weight matrix [fan_in, fan_out], float64."""
        return self.draw(rng, (fan_in, fan_out)) * self.scale(fan_in, fan_out, spread)


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.standard_normal(shape)  # mean 0, deviation 1


def _uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return rng.uniform(-1, 1, shape)  # deviation 1/sqrt(3)


def _zeros(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return np.zeros(shape)


INITIALIZERS = {
    "zeros": Initializer(_zeros, lambda fan_in, fan_out, spread: 1),
    "normal": Initializer(_normal, lambda fan_in, fan_out, spread: spread.std),
    "uniform": Initializer(_uniform, lambda fan_in, fan_out, spread: spread.bound),
    # Glorot and Bengio (2010), eq. 12 and 16: Var W = 2 / (fan_in + fan_out)
    "glorot": Initializer(_normal, lambda fan_in, fan_out, spread: sqrt(2 / (fan_in + fan_out))),
    "glorot_uniform": Initializer(_uniform, lambda fan_in, fan_out, spread: sqrt(6 / (fan_in + fan_out))),
    # He et al. (2015), eq. 10: Var W = 2 / fan_in
    "he": Initializer(_normal, lambda fan_in, fan_out, spread: sqrt(2 / fan_in)),
    "he_uniform": Initializer(_uniform, lambda fan_in, fan_out, spread: sqrt(6 / fan_in)),
    # Weidman (2019), ch. 4: the glorot variance used as a deviation
    "scaled": Initializer(_normal, lambda fan_in, fan_out, spread: 2 / (fan_in + fan_out)),
}
