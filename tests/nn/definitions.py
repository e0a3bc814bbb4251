"""The activations from the textbook, without this project's code.

One that is added to the table needs no entry here: its value is then compared with itself in float64, and its slope
with a numerical derivative, which `autograd` uses as its gradient.
"""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive

from src.nn.activations import ACTIVATIONS

STEP = 2e-4  # twice that is less than the distance that tests keep from a kink

TEXTBOOK: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.where(z > 0, z, 0.0),
    "leaky_relu": lambda z: anp.where(z > 0, z, 0.01 * z),
    "linear": lambda z: z,
}


def value(name: str, z: np.ndarray) -> np.ndarray:
    """f(z) by the table; `z` keeps its values."""
    out = np.full_like(z, np.nan)
    ACTIVATIONS[name].value(z, out)
    return out


def derivative(name: str, z: np.ndarray) -> np.ndarray:
    """f'(z) from f alone, by differences over five points; the error is about 1e-12 where f is smooth."""
    f = {k: value(name, z + k * STEP) for k in (-2, -1, 1, 2)}
    return (f[-2] - 8 * f[-1] + 8 * f[1] - f[2]) / (12 * STEP)


def definition(name: str) -> Callable[[Any], Any]:
    """f as a function that `autograd` can differentiate without the table's slope."""
    if name in TEXTBOOK:
        return TEXTBOOK[name]
    f = primitive(lambda z: value(name, z))
    defvjp(f, lambda a, z: lambda gradient: gradient * derivative(name, z))
    return f


DEFINITIONS = {name: definition(name) for name in ACTIVATIONS}
