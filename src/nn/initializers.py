"""Initial weights and biases, as entries of two tables.

An initializer is a distribution of unit scale and a factor. Variants that share a seed and a distribution therefore
share their draws *before* scaling, which is what makes their differences paired.
"""

from collections.abc import Callable, Iterator
from math import sqrt
from typing import NamedTuple, Protocol

import numpy as np

from src.nn.arrays import Array
from src.nn.normal import standard_normal


class LayerStream(Protocol):
    """A stream of published code."""

    @property
    def unit_by_unit(self) -> bool:
        """Whether a matrix is drawn as [fan_out, fan_in], else as [fan_in, fan_out]."""

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Mean 0, deviation 1."""

    def uniform(self, shape: tuple[int, ...]) -> Array:
        """In [-1, 1)."""


Stream = np.random.Generator | LayerStream
# What a network draws from: a seed sequence with a child for each layer, or a function that gives the stream of each
# layer in turn.
Seeds = np.random.SeedSequence | Callable[[int], Iterator[LayerStream]]


class Spread(NamedTuple):
    """What scales initial weights besides the layer's size."""

    std: float  # standard deviation of init=normal
    bound: float  # bound of init=uniform
    gain: float = 1.0  # factor on all weights: sqrt(2) makes up for what a ReLU cuts off (He et al., 2015)


class Initializer(NamedTuple):
    """W = draw(stream, shape) * scale(fan_in, fan_out, spread) * gain, in float64."""

    draw: Callable[[Stream, tuple[int, ...]], Array]
    scale: Callable[[int, int, Spread], float]

    def weights(self, stream: Stream, fan_in: int, fan_out: int, spread: Spread) -> Array:
        """A weight matrix [fan_in, fan_out], float64."""
        if not isinstance(stream, np.random.Generator) and stream.unit_by_unit:
            drawn = self.draw(stream, (fan_out, fan_in)).T
        else:
            drawn = self.draw(stream, (fan_in, fan_out))
        return drawn * self.scale(fan_in, fan_out, spread) * spread.gain

    def biases(self, stream: Stream, fan_in: int, fan_out: int, spread: Spread) -> Array:
        """A layer's biases [fan_out], float64; the gain applies to weights alone."""
        return self.draw(stream, (fan_out,)) * self.scale(fan_in, fan_out, spread)


def streams(seeds: Seeds, layers: int) -> Iterator[Stream]:
    """The stream that each layer draws from: its weights first, then its biases."""
    if isinstance(seeds, np.random.SeedSequence):
        yield from map(np.random.default_rng, seeds.spawn(layers))
    else:
        yield from seeds(layers)


def _normal(stream: Stream, shape: tuple[int, ...]) -> Array:
    if isinstance(stream, np.random.Generator):
        return standard_normal(stream, shape)  # mean 0, deviation 1
    return stream.normal(shape)


def _uniform(stream: Stream, shape: tuple[int, ...]) -> Array:
    if isinstance(stream, np.random.Generator):
        return stream.uniform(-1, 1, shape)  # deviation 1/sqrt(3)
    return stream.uniform(shape)


def _zeros(stream: Stream, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape)


_ZEROS = Initializer(_zeros, lambda fan_in, fan_out, spread: 1)
_FIXED_NORMAL = Initializer(_normal, lambda fan_in, fan_out, spread: spread.std)
_FIXED_UNIFORM = Initializer(_uniform, lambda fan_in, fan_out, spread: spread.bound)
# LeCun et al. (1998), section 4.6, has Var W = 1 / fan_in. PyTorch's layers start with a third of that.
_FAN_IN_UNIFORM = Initializer(_uniform, lambda fan_in, fan_out, spread: 1 / sqrt(fan_in))

INITIALIZERS = {
    "zeros": _ZEROS,
    "normal": _FIXED_NORMAL,
    "uniform": _FIXED_UNIFORM,
    "fan_in_uniform": _FAN_IN_UNIFORM,
    # Glorot and Bengio (2010), eq. 12 and 16: Var W = 2 / (fan_in + fan_out)
    "glorot": Initializer(_normal, lambda fan_in, fan_out, spread: sqrt(2 / (fan_in + fan_out))),
    "glorot_uniform": Initializer(_uniform, lambda fan_in, fan_out, spread: sqrt(6 / (fan_in + fan_out))),
    # He et al. (2015), eq. 10: Var W = 2 / fan_in
    "he": Initializer(_normal, lambda fan_in, fan_out, spread: sqrt(2 / fan_in)),
    "he_uniform": Initializer(_uniform, lambda fan_in, fan_out, spread: sqrt(6 / fan_in)),
    # Weidman (2019), ch. 4: the glorot variance used as a deviation
    "scaled": Initializer(_normal, lambda fan_in, fan_out, spread: 2 / (fan_in + fan_out)),
}
BIAS_INITIALIZERS = {
    "zeros": _ZEROS,
    "normal": _FIXED_NORMAL,
    "uniform": _FIXED_UNIFORM,
    "fan_in_uniform": _FAN_IN_UNIFORM,
}
