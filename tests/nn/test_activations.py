"""The activations against the textbook, written here without this project's code.

One that is added to the table needs no entry here: its value is then compared with itself in float64, and its slope
with a numerical derivative, which `autograd` uses as its gradient.
"""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.extend import defvjp, primitive

from src.nn.activations import ACTIVATIONS
from tests.nn import used

pytestmark = pytest.mark.usefixtures("each_arithmetic")
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
    ACTIVATIONS[name].value(used.OPS, z, out)
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
DTYPES = ["float32", "float64"]
# f(-10^4), f(10^4), f'(-10^4), f'(10^4)
FAR = {
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, 1e4, 0, 1),
    "leaky_relu": (-100, 1e4, 0.01, 1),
    "linear": (-1e4, 1e4, 1, 1),
}


def slope(name: str, a: np.ndarray) -> np.ndarray:
    out = np.full_like(a, np.nan)
    ACTIVATIONS[name].slope(a, out)
    return out


@pytest.mark.parametrize("name", ACTIVATIONS)
class TestEveryActivation:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_is_its_definition(self, name: str, dtype: str) -> None:
        z = np.linspace(-30, 30, 1200, dtype=dtype).reshape(3, -1)
        before, ulp = z.copy(), np.finfo(dtype).eps
        a = value(name, z)
        assert a.dtype == dtype
        np.testing.assert_allclose(a, DEFINITIONS[name](z.astype(np.float64)), rtol=4 * ulp, atol=ulp)
        np.testing.assert_array_equal(z, before)  # neither f nor its slope changes its input
        before = a.copy()
        slope(name, a)
        np.testing.assert_array_equal(a, before)

    def test_slope_equals_central_differences(self, name: str) -> None:
        z = np.linspace(-5, 5, 400)  # 0, where the ReLUs have their kink, is not among them
        np.testing.assert_allclose(slope(name, value(name, z)), derivative(name, z), rtol=1e-6, atol=1e-9)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_far_out_it_reaches_its_limits_without_a_warning(self, name: str, dtype: str) -> None:
        z = np.array([-1e4, 1e4], dtype)
        a = value(name, z)
        slopes = slope(name, a)
        if name in FAR:
            np.testing.assert_allclose(np.concatenate([a, slopes]), FAR[name], rtol=1e-6, atol=0)
        else:
            exact = z.astype(np.float64)
            np.testing.assert_allclose(a, value(name, exact), rtol=1e-6)
            np.testing.assert_allclose(slopes, derivative(name, exact), atol=1e-4)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_is_finite_over_the_whole_range_and_monotone_if_the_textbook_says_so(self, name: str, dtype: str) -> None:
        z = np.concatenate([-np.geomspace(1e30, 1e-30, 500), [0], np.geomspace(1e-30, 1e30, 500)]).astype(dtype)
        a = value(name, z)
        slopes = slope(name, a)
        assert np.isfinite(a).all()
        assert np.isfinite(slopes).all()
        if name in TEXTBOOK:  # all of which rise, by 1 at most
            assert (np.diff(a) >= 0).all()
            assert (slopes >= 0).all()
            assert (slopes <= 1).all()

    def test_lets_nan_through(self, name: str) -> None:
        # What hid it would hide a divergence.
        assert np.isnan(value(name, np.array([np.nan]))).all()


@pytest.mark.parametrize(("name", "expected"), [("relu", 0), ("leaky_relu", 0.01)])
def test_the_slope_at_the_kink_is_the_left_one(name: str, expected: float) -> None:
    assert slope(name, value(name, np.array([0.0, -0.0]))).tolist() == [expected, expected]
