"""Dropout (Hinton et al., 2012): in training, each example drops each hidden unit with a probability."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from src.nn.arrays import Array


class Scaling(NamedTuple):
    """What activations are multiplied by, as functions of the probability of dropping a unit."""

    kept: Callable[[float], float]  # while units are dropped, those that are kept
    all: Callable[[float], float]  # while none are


# Activations have the same mean with and without dropout, but for `none`. `train` is known as inverted dropout.
SCALINGS = {
    "train": Scaling(lambda p: 1 / (1 - p), lambda p: 1),  # Srivastava et al. (2014), section 10
    "inference": Scaling(lambda p: 1, lambda p: 1 - p),  # section 4, where it is the outgoing weights that are scaled
    "none": Scaling(lambda p: 1, lambda p: 1),
}


class Masks(Protocol):
    """A stream of published code that draws dropout masks."""

    def keep(self, share: float, out: Array) -> None:
        """Fills `out` [batch, width] with 1 with probability `share`, else 0."""


Dropping = np.random.Generator | Masks


def draw_mask(rng: Dropping, dropout: float, out: Array) -> Array:
    """Fills `out`, of any shape, with 0 with probability `dropout`, else with 1."""
    if isinstance(rng, np.random.Generator):
        rng.random(out=out, dtype=out.dtype.type)
        np.greater_equal(out, dropout, out=out)
    else:
        rng.keep(1 - dropout, out)
    return out
