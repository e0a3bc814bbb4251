"""Normal draws: the quantiles of another library, the same bits everywhere, and nothing of the C library."""

import ast
import hashlib
from decimal import Decimal
from math import ulp

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from src.nn import normal
from src.nn.normal import log, quantile, standard_normal
from tests.conftest import ROOT

UNIT = 2.0**-52
FIRST, LAST = 0.5 * UNIT, (2.0**52 - 0.5) * UNIT  # the least and the largest u that is drawn
EDGES = np.array([FIRST, 1.5 * UNIT, *2.0 ** -np.arange(1, 52), *(1 - 2.0 ** -np.arange(2, 52)), 0.075, 0.925, LAST])


@pytest.mark.parametrize("u", [EDGES, np.random.default_rng(3).random(200_000)], ids=["edges", "uniform"])
def test_quantiles_are_those_of_another_library(u: np.ndarray) -> None:
    np.testing.assert_allclose(quantile(u), ndtri(u), rtol=2e-15, atol=1e-16)


def test_quantiles_are_antisymmetric_and_increase() -> None:
    u = np.rint(np.sort(EDGES) / UNIT * 2) * UNIT / 2  # of which 1 - u is exact
    np.testing.assert_array_equal(quantile(1 - u), -quantile(u))
    assert (np.diff(quantile(np.unique(u))) > 0).all()


def test_logarithms_are_within_an_ulp() -> None:
    x = np.concatenate([EDGES, np.random.default_rng(4).random(2000), [1.0, 2.0, 1e300, 1e-300]])
    for value, found in zip(x, log(x), strict=True):
        exact = Decimal(float(value)).ln()
        assert abs(Decimal(float(found)) - exact) <= Decimal(ulp(float(exact))), value


def test_a_draw_takes_the_upper_52_of_64_bits() -> None:
    bits = np.random.default_rng(5).bit_generator.random_raw(1000)
    u = np.array([(int(k) >> 12) + 0.5 for k in bits]) / 2**52
    np.testing.assert_array_equal(standard_normal(np.random.default_rng(5), (10, 100)), quantile(u).reshape(10, 100))


def test_draws_have_the_moments_and_the_distribution() -> None:
    n = 400_000
    x = standard_normal(np.random.default_rng(6), (n,))
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(x**power) - expected) < 4 * (variance / n) ** 0.5
    assert stats.kstest(x, "norm").pvalue > 1e-3


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3, 4)])
def test_shapes_and_dtype(shape: tuple[int, ...]) -> None:
    drawn = standard_normal(np.random.default_rng(7), shape)
    assert drawn.shape == shape
    assert drawn.dtype == np.float64


def test_the_bits_are_the_same_on_every_machine() -> None:
    drawn = standard_normal(np.random.default_rng(np.random.SeedSequence(0)), (100_000,))
    digest = hashlib.sha256(drawn.astype("<f8").tobytes()).hexdigest()
    assert digest == "fb29f92cb3d7581f2e5629be6b45787ca88a9eca2702a59f9753b3c7b945713c"
    assert float(drawn[0]).hex() == "0x1.66c1f2a4fbb6cp-2"


def test_nothing_of_the_c_library_is_called() -> None:
    tree = ast.parse((ROOT / "src" / "nn" / "normal.py").read_text())  # calls: in test_arithmetic.py
    powers = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)}
    assert powers == {"2.0 ** (-52)"}
    assert normal.log is not np.log
