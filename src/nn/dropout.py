"""Inverted dropout (Srivastava et al., 2014, section 10): kept units are scaled up, inference stays plain."""

import numpy as np

from src.nn.arrays import Array


def draw_mask(rng: np.random.Generator, dropout: float, out: Array) -> Array:
    """Fills `out` with 0 with probability `dropout`, else 1 / (1 - dropout): mean 1, so mean activations stay."""
    rng.random(out=out, dtype=out.dtype.type)
    np.greater_equal(out, dropout, out=out)
    out *= 1 / (1 - dropout)
    return out
