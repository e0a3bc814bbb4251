import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import StandardScaler

from src.data import scaling
from src.data.scaling import BY_THE_LARGEST, SCALINGS, fit, scaled

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (5000, 7), dtype=np.uint8) // np.array([1, 1, 2, 3, 50, 200, 255], np.uint8)
X[:, 6] = 9  # constant
TRAIN = RANDOM.permutation(5000)[:4500]
EVERY = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 7, axis=1)
NUMBERS = RANDOM.normal([0.3, -99, 1e-8], [0.7, 1, 1e-8], (5000, 3))


@pytest.mark.parametrize("kind", SCALINGS)
class TestEveryScaling:
    def test_is_fitted_on_the_given_rows_whatever_their_type_and_survives_json(self, kind: str) -> None:
        fitted, changed = fit(kind, X, TRAIN, 255), X.copy()
        changed[np.setdiff1d(np.arange(len(X)), TRAIN)] = 255
        assert fit(kind, changed, TRAIN, 255) == fitted
        for key, value in fit(kind, changed.astype(np.float64), TRAIN, 255).items():
            assert value == (fitted[key] if key == "kind" else pytest.approx(fitted[key], rel=1e-15))
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


@pytest.mark.parametrize("x", [X, NUMBERS], ids=["integers", "numbers"])
def test_per_feature_is_scikit_learns_standard_scaler(x: np.ndarray) -> None:
    reference = StandardScaler().fit(x[TRAIN].astype(np.float64))
    fitted = fit("per_feature", x, TRAIN, None)
    np.testing.assert_allclose(fitted["center"], reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted["scale"], reference.scale_, rtol=1e-12)
    expected = reference.transform(x.astype(np.float64))
    np.testing.assert_allclose(scaled(x, fitted, "float64"), expected, rtol=1e-12, atol=1e-12)


SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 4))
FINITE = st.floats(allow_nan=False, allow_infinity=False)  # from 5e-324 to 1.8e308
# Values whose deviation is small or large, or which are all the same.
COLUMNS = FINITE.flatmap(lambda c: st.tuples(st.just(c), FINITE, st.floats(0, 1), st.just(np.nextafter(c, 0))))


def exactly(values: list[float]) -> tuple[Fraction, Fraction]:
    """Mean and variance."""
    numbers = [Fraction(value) for value in values]
    mean = sum(numbers) / len(numbers)
    return mean, sum((number - mean) ** 2 for number in numbers) / len(numbers)


@given(arrays.arrays(np.uint8, SHAPES))
def test_statistics_of_integers_are_exact_and_rounded_once(x: np.ndarray) -> None:
    fitted = fit("standard", x, np.arange(len(x)), None)
    mean, variance = exactly(x.ravel().tolist())
    assert fitted["center"] == float(mean)
    assert fitted["scale"] == (float(np.sqrt(float(variance))) or 1.0)


@given(COLUMNS.flatmap(lambda values: st.lists(st.sampled_from(values), min_size=1, max_size=30)))
def test_statistics_of_any_finite_numbers_are_accurate(column: list[float]) -> None:
    x = np.array(column)[:, np.newaxis]
    [center], [scale] = (fit("per_feature", x, np.arange(len(x)), None)[key] for key in ("center", "scale"))
    mean, variance = exactly(column)
    largest = max(map(abs, column))
    assert abs(Fraction(center) - mean) <= Fraction(math.ulp(largest))
    if len(set(column)) == 1:
        assert (center, scale) == (column[0], 1.0)
    elif variance > Fraction(1e-307) ** 2:  # below, a deviation has fewer bits, or none and is set to 1
        assert abs(Fraction(scale) ** 2 / variance - 1) < 1e-9
    assert np.isfinite(scaled(x, {"center": [center], "scale": [scale]})).all()
    assert fit("standard", x, np.arange(len(x)), None) == {"kind": "standard", "center": center, "scale": scale}


@pytest.mark.parametrize("x", [X, NUMBERS, NUMBERS * 1e300], ids=["integers", "numbers", "large numbers"])
@pytest.mark.parametrize("kind", SCALINGS)
def test_statistics_do_not_depend_on_the_order_of_examples(x: np.ndarray, kind: str) -> None:
    rows = RANDOM.permutation(len(x))
    assert fit(kind, x, rows, 255) == fit(kind, x, np.sort(rows), 255)


def test_sums_do_not_overflow() -> None:
    x = np.full((70_000, 784), 255, np.uint8)
    x[0, 0] = 0
    fitted = fit("standard", x, np.arange(len(x)), 255)
    assert fitted["scale"] == pytest.approx(255 * np.sqrt((x.size - 1) / x.size**2), rel=1e-12)
