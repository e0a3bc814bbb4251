import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import StandardScaler

from src.data import scaling
from src.data.raw import GRID
from src.data.scaling import BY_THE_LARGEST, SCALINGS, fit, scaled

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (5000, 7), dtype=np.uint8) // np.array([1, 1, 2, 3, 50, 200, 255], np.uint8)
X[:, 6] = 9  # constant
TRAIN = RANDOM.permutation(5000)[:4500]
EVERY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 7, axis=1)
ON_THE_GRID = np.rint(RANDOM.normal(0.3, 0.7, (5000, 2)) / GRID) * GRID


@pytest.mark.parametrize("kind", SCALINGS)
class TestEveryScaling:
    def test_is_fitted_on_the_given_rows_whatever_their_type_and_survives_json(self, kind: str) -> None:
        fitted, changed = fit(kind, X, TRAIN, 255), X.astype(np.float64)
        changed[np.setdiff1d(np.arange(len(X)), TRAIN)] = 255
        assert fit(kind, changed, TRAIN, 255) == fitted
        assert (fit(kind, X, TRAIN, None) == fitted) == (kind not in BY_THE_LARGEST)  # which the others don't need
        assert json.loads(json.dumps(fitted, allow_nan=False)) == fitted
        assert fitted["kind"] == kind

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_is_finite_and_in_order_and_does_not_change_its_input(self, kind: str, dtype: str) -> None:
        fitted, before = fit(kind, X, TRAIN, 255), X.copy()
        assert (np.diff(scaled(EVERY, fitted, dtype), axis=0) > 0).all()
        result = scaled(X, fitted, dtype)
        assert (result.dtype, result.shape) == (dtype, X.shape)
        assert np.isfinite(result).all()
        np.testing.assert_array_equal(X, before)
        np.testing.assert_array_equal(result, scaled(X, fitted, "float64").astype(dtype))  # rounded once, at the end

    def test_does_not_depend_on_the_size_of_batches(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        fitted = fit(kind, X, TRAIN, 255)
        one_by_one = np.concatenate([scaled(X[row : row + 1], fitted) for row in range(50)])
        np.testing.assert_array_equal(one_by_one, scaled(X[:50], fitted))
        monkeypatch.setattr(scaling, "ROWS_AT_A_TIME", 7)
        assert fit(kind, X, TRAIN, 255) == fitted

    @pytest.mark.parametrize("value", [0, 255])
    def test_of_constant_data_is_finite(self, kind: str, value: int) -> None:
        x = np.full((10, 3), value, np.uint8)
        assert np.isfinite(scaled(x, fit(kind, x, np.arange(10), 255))).all()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("none", EVERY), ("unit", EVERY / 255), ("symmetric", ((EVERY / 255.0) - 0.5) * 2)],  # the last is a book's
)
def test_a_fixed_scaling_is_its_formula_to_the_bit(kind: str, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(scaled(EVERY, fit(kind, EVERY, np.arange(256), 255)), expected.astype(np.float32))


@pytest.mark.parametrize("x", [X, ON_THE_GRID], ids=["integers", "on the grid"])
def test_per_feature_is_scikit_learns_standard_scaler(x: np.ndarray) -> None:
    reference = StandardScaler().fit(x[TRAIN].astype(np.float64))
    fitted = fit("per_feature", x, TRAIN, None)
    np.testing.assert_allclose(fitted["center"], reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted["scale"], reference.scale_, rtol=1e-12)
    expected = reference.transform(x.astype(np.float64))
    np.testing.assert_allclose(scaled(x, fitted, "float64"), expected, rtol=1e-12, atol=1e-12)


SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 4))
GRID_VALUES = st.integers(-(2**22), 2**22).map(lambda steps: steps * GRID)  # between -4 and 4


@given(arrays.arrays(np.uint8, SHAPES) | arrays.arrays(np.float64, SHAPES, elements=GRID_VALUES))
def test_statistics_are_exact_and_rounded_once(x: np.ndarray) -> None:
    fitted = fit("standard", x, np.arange(len(x)), None)
    values = [Fraction(value) for value in x.ravel().tolist()]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    assert fitted["center"] == float(mean)
    assert fitted["scale"] == (float(np.sqrt(float(variance))) or 1.0)


@given(x=arrays.arrays(np.float64, (20, 3), elements=GRID_VALUES), order=st.permutations(range(20)))
def test_statistics_do_not_depend_on_the_order_of_examples(x: np.ndarray, order: list[int]) -> None:
    assert fit("per_feature", x, np.array(order), None) == fit("per_feature", x, np.arange(20), None)


def test_sums_do_not_overflow() -> None:
    x = np.full((70_000, 784), 255, np.uint8)
    x[0, 0] = 0
    fitted = fit("standard", x, np.arange(len(x)), 255)
    assert fitted["scale"] == pytest.approx(255 * np.sqrt((x.size - 1) / x.size**2), rel=1e-12)
