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
from src.data.scaling import SCALINGS, fit, refuse_unfit, scaled
from src.foundation.errors import UserError

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 256, (5000, 7), dtype=np.uint8) // np.array([1, 1, 2, 3, 50, 200, 255], np.uint8)
X[:, 6] = 9  # constant
TRAIN = RANDOM.permutation(5000)[:4500]


@pytest.mark.parametrize("kind", SCALINGS)
class TestEveryScaling:
    def test_is_fitted_on_the_given_rows_alone(self, kind: str) -> None:
        changed = X.copy()
        changed[np.setdiff1d(np.arange(len(X)), TRAIN)] = 255
        assert fit(kind, changed, TRAIN, 255) == fit(kind, X, TRAIN, 255)

    def test_survives_json(self, kind: str) -> None:
        fitted = fit(kind, X, TRAIN, 255)
        assert json.loads(json.dumps(fitted, allow_nan=False)) == fitted
        assert fitted["kind"] == kind

    def test_gives_finite_float32_and_leaves_its_input_alone(self, kind: str) -> None:
        before = X.copy()
        result = scaled(X, fit(kind, X, TRAIN, 255))
        assert result.dtype == np.float32
        assert result.shape == X.shape
        assert np.isfinite(result).all()
        np.testing.assert_array_equal(X, before)

    def test_does_not_depend_on_the_size_of_batches(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        fitted = fit(kind, X, TRAIN, 255)
        one_by_one = np.concatenate([scaled(X[row : row + 1], fitted) for row in range(50)])
        np.testing.assert_array_equal(one_by_one, scaled(X[:50], fitted))
        monkeypatch.setattr(scaling, "ROWS_AT_A_TIME", 7)
        assert fit(kind, X, TRAIN, 255) == fitted

    def test_keeps_the_order_of_values(self, kind: str) -> None:
        every = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 7, axis=1)
        assert (np.diff(scaled(every, fit(kind, X, TRAIN, 255)), axis=0) > 0).all()

    @pytest.mark.parametrize("value", [0, 255])
    def test_stands_constant_data(self, kind: str, value: int) -> None:
        x = np.full((10, 3), value, np.uint8)
        assert np.isfinite(scaled(x, fit(kind, x, np.arange(10), 255))).all()

    def test_rounds_to_the_dtype_that_is_asked_for_and_not_before(self, kind: str) -> None:
        fitted = fit(kind, X, TRAIN, 255)
        wide = scaled(X, fitted, "float64")
        assert wide.dtype == np.float64
        np.testing.assert_array_equal(wide.astype(np.float32), scaled(X, fitted))


EVERY = np.arange(256, dtype=np.uint8)[:, None]
ALL = np.arange(256)


def test_unit_is_the_share_of_the_largest_value() -> None:
    np.testing.assert_array_equal(scaled(EVERY, fit("unit", EVERY, ALL, 255)), (EVERY / 255).astype(np.float32))


def test_symmetric_is_the_books_formula_to_the_bit() -> None:
    book = ((EVERY / 255.0) - 0.5) * 2
    np.testing.assert_array_equal(scaled(EVERY, fit("symmetric", EVERY, ALL, 255)), book.astype(np.float32))


def test_none_leaves_values_as_they_are() -> None:
    assert fit("none", X, TRAIN, 255) == {"kind": "none", "center": 0, "scale": 1}
    np.testing.assert_array_equal(scaled(X, fit("none", X, TRAIN, 255)), X)


def test_standard_has_mean_0_and_deviation_1_over_all_values() -> None:
    result = scaled(X[TRAIN], fit("standard", X, TRAIN, 255))
    assert result.mean(dtype=np.float64) == pytest.approx(0, abs=1e-7)
    assert result.std(dtype=np.float64) == pytest.approx(1, abs=1e-7)


def test_per_feature_is_scikit_learns_standard_scaler() -> None:
    reference = StandardScaler().fit(X[TRAIN].astype(np.float64))
    fitted = fit("per_feature", X, TRAIN, 255)
    np.testing.assert_allclose(fitted["center"], reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted["scale"], reference.scale_, rtol=1e-12)
    expected = reference.transform(X.astype(np.float64))
    np.testing.assert_allclose(scaled(X, fitted), expected, rtol=1e-6, atol=1e-6)
    assert fitted["scale"][6] == 1


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 4))))
def test_statistics_are_exact_and_rounded_once(x: np.ndarray) -> None:
    fitted = fit("standard", x, np.arange(len(x)), 255)
    values = [Fraction(int(value)) for value in x.ravel()]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    assert fitted["center"] == float(mean)
    assert fitted["scale"] == (float(np.sqrt(float(variance))) or 1.0)


def test_sums_do_not_overflow() -> None:
    x = np.full((70_000, 784), 255, np.uint8)
    x[0, 0] = 0
    fitted = fit("standard", x, np.arange(len(x)), 255)
    count = x.size
    assert fitted["scale"] == pytest.approx(255 * np.sqrt((count - 1) / count**2), rel=1e-12)


# --- raw values that are no integers ---------------------------------------------------------------------------------

OF_THE_LARGEST = ("unit", "symmetric")
GRID_VALUES = st.integers(-(2**22), 2**22).map(lambda steps: steps * GRID)  # between -4 and 4


@pytest.mark.parametrize("kind", OF_THE_LARGEST)
def test_a_scaling_by_the_largest_value_is_refused_where_there_is_none(kind: str) -> None:
    for refuse in (lambda: refuse_unfit(kind, None), lambda: fit(kind, X, TRAIN, None)):
        with pytest.raises(
            UserError, match=rf"data\.scaling={kind}: .*allowed: none, standard, per_feature"
        ) as refused:
            refuse()
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", [kind for kind in SCALINGS if kind not in OF_THE_LARGEST])
def test_the_other_scalings_need_no_largest_value(kind: str) -> None:
    refuse_unfit(kind, None)
    assert fit(kind, X, TRAIN, None) == fit(kind, X, TRAIN, 255)


@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=GRID_VALUES))
def test_statistics_of_values_on_the_grid_are_exact_and_rounded_once(x: np.ndarray) -> None:
    fitted = fit("standard", x, np.arange(len(x)), None)
    values = [Fraction(value) for value in x.ravel().tolist()]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    assert fitted["center"] == float(mean)
    assert fitted["scale"] == (float(np.sqrt(float(variance))) or 1.0)


@given(
    x=arrays.arrays(np.float64, (20, 3), elements=GRID_VALUES),
    order=st.permutations(range(20)),
)
def test_statistics_do_not_depend_on_the_order_of_examples(x: np.ndarray, order: list[int]) -> None:
    assert fit("per_feature", x, np.array(order), None) == fit("per_feature", x, np.arange(20), None)


def test_per_feature_is_scikit_learns_standard_scaler_on_values_on_the_grid_too() -> None:
    x = np.rint(RANDOM.normal(0.3, 0.7, (300, 2)) / GRID) * GRID
    reference = StandardScaler().fit(x)
    fitted = fit("per_feature", x, np.arange(300), None)
    np.testing.assert_allclose(fitted["center"], reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted["scale"], reference.scale_, rtol=1e-12)
    np.testing.assert_allclose(scaled(x, fitted, "float64"), reference.transform(x), rtol=1e-12, atol=1e-12)


def test_whole_numbers_as_floats_have_the_statistics_of_integers() -> None:
    for kind in SCALINGS:
        assert fit(kind, X.astype(np.float64), TRAIN, 255) == fit(kind, X, TRAIN, 255)
