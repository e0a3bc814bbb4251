import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import log_loss, mean_squared_error

from src.nn.losses import HEADS, Head
from tests.nn import used

pytestmark = pytest.mark.usefixtures("each_arithmetic")
DTYPES = ["float32", "float64"]
SOFTMAX = [head for head in HEADS if head[0] == "softmax"]
RNG = np.random.default_rng(5)
BATCH, CLASSES = 40, 5
Z = 3 * RNG.standard_normal((BATCH, CLASSES))
Y = RNG.integers(0, CLASSES, BATCH)
T = np.eye(CLASSES)[Y]
FAR = 1e4 * np.array([[1, -1, 0], [-1, 1, 0], [1, 1, -1], [1, 1, 1], [-1, -1, -1], [0, 0, 1]])


def even(batch: int, dtype: str = "float64") -> np.ndarray:
    return np.full((batch, 1), 1 / batch, dtype)


def loss_and_delta(head: Head, z: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    out = np.full_like(z, np.nan)
    loss = head.loss(used.OPS, z.copy(), y, weight, out, True)
    return loss, out


def probabilities(head: Head, z: np.ndarray) -> np.ndarray:
    out = np.full_like(z, np.nan)
    head.probabilities(used.OPS, z, out)
    return out


P, Q = special.softmax(Z, axis=1), special.expit(Z)
# head -> the loss by scikit-learn, and its gradient by hand; a head that is added needs no entry here
EXPECTED = {
    ("softmax", "cross_entropy"): (log_loss(Y, P, labels=range(CLASSES)), (P - T) / BATCH),
    ("sigmoid", "mse"): (mean_squared_error(T, Q), 2 * (Q - T) * Q * (1 - Q) / CLASSES / BATCH),
    ("sigmoid", "binary_cross_entropy"): (
        sum(log_loss(T[:, k], Q[:, k], labels=[0, 1]) for k in range(CLASSES)),
        (Q - T) / BATCH,
    ),
}


@pytest.mark.parametrize("head", EXPECTED, ids="+".join)
def test_the_loss_is_sklearns_and_the_gradient_is_that_of_the_textbook(head: tuple[str, str]) -> None:
    loss, delta = loss_and_delta(HEADS[head], Z, Y, even(BATCH))
    assert loss == pytest.approx(EXPECTED[head][0], rel=1e-12)
    np.testing.assert_allclose(delta, EXPECTED[head][1], rtol=1e-11, atol=1e-16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("head", HEADS, ids="+".join)
class TestEveryHead:
    def test_far_out_it_is_finite_without_a_warning(self, head: tuple[str, str], dtype: str) -> None:
        far = FAR.astype(dtype)
        for label in range(3):
            y = np.full(len(far), label)
            loss, delta = loss_and_delta(HEADS[head], far, y, even(len(far), dtype))
            p = probabilities(HEADS[head], far)
            assert np.isfinite(loss)
            assert loss >= 0
            assert np.isfinite(delta).all()
            assert (np.abs(delta) <= 1 / len(far)).all()
            assert ((p >= 0) & (p <= 1)).all()

    def test_is_near_0_where_the_answer_is_right_and_sure(self, head: tuple[str, str], dtype: str) -> None:
        z = np.array([[-1e4, 1e4, -1e4]], dtype)
        loss, delta = loss_and_delta(HEADS[head], z, np.array([1]), even(1, dtype))
        assert loss == 0
        assert not delta.any()
        assert probabilities(HEADS[head], z).tolist() == [[0, 1, 0]]

    @pytest.mark.parametrize("z", [Z, FAR], ids=["near", "far"])
    def test_probabilities_are_the_outputs_definition(self, head: tuple[str, str], z: np.ndarray, dtype: str) -> None:
        expected = special.softmax(z, axis=1) if head[0] == "softmax" else special.expit(z)
        z = z.astype(dtype)
        before, eps = z.copy(), np.finfo(dtype).eps
        np.testing.assert_allclose(probabilities(HEADS[head], z), expected, rtol=20 * eps, atol=eps)
        np.testing.assert_array_equal(z, before)

    def test_is_the_weighted_sum_of_the_examples_losses(self, head: tuple[str, str], dtype: str) -> None:
        z, weight, rtol = Z.astype(dtype), RNG.random((BATCH, 1), dtype), 400 * float(np.finfo(dtype).eps)
        weight /= weight.sum()
        alone = [loss_and_delta(HEADS[head], z[[i]], Y[[i]], even(1, dtype)) for i in range(BATCH)]
        loss, delta = loss_and_delta(HEADS[head], z, Y, weight)
        assert loss == pytest.approx(sum(w * one for w, (one, _) in zip(weight[:, 0], alone, strict=True)), rel=rtol)
        np.testing.assert_allclose(delta, weight * np.concatenate([one for _, one in alone]), rtol=rtol)

    def test_returns_a_python_float_and_keeps_the_dtype_whatever_the_labels(
        self, head: tuple[str, str], dtype: str
    ) -> None:
        reference, _ = loss_and_delta(HEADS[head], Z, Y, even(BATCH))
        losses = []
        for labels in (np.uint8, np.int32, np.int64):
            loss, delta = loss_and_delta(HEADS[head], Z.astype(dtype), Y.astype(labels), even(BATCH, dtype))
            assert type(loss) is float
            assert delta.dtype == dtype
            losses.append(loss)
        assert losses == [losses[0]] * 3
        assert losses[0] == pytest.approx(reference, rel=1e-5)

    def test_a_nan_shows_in_the_loss(self, head: tuple[str, str], dtype: str) -> None:
        z = Z.astype(dtype)
        z[3, 1] = np.nan
        assert np.isnan(loss_and_delta(HEADS[head], z, Y, even(BATCH, dtype))[0])


@pytest.mark.parametrize("head", SOFTMAX, ids="+".join)
@given(shift=st.integers(-(2**20), 2**20))
def test_softmax_does_not_change_under_a_shift(head: tuple[str, str], shift: int) -> None:
    z = np.round(Z * 64) / 64  # to which adding an integer is exact
    np.testing.assert_array_equal(probabilities(HEADS[head], z + shift), probabilities(HEADS[head], z))
    (loss, delta), shifted = (loss_and_delta(HEADS[head], scores, Y, even(BATCH)) for scores in (z, z + shift))
    assert shifted[0] == loss
    np.testing.assert_array_equal(shifted[1], delta)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("head", "expected", "gradient"),
    [
        (("softmax", "cross_entropy"), 2e4, [1, -1, 0]),
        (("sigmoid", "binary_cross_entropy"), 2e4 + np.log(2), [1, -1, 0.5]),
        (("sigmoid", "mse"), (1 + 1 + 0.25) / 3, [0, 0, 2 * 0.5 * 0.25 / 3]),
    ],
    ids=str,
)
def test_where_the_answer_is_wrong_and_sure_cross_entropy_is_linear_and_mse_flat(
    head: tuple[str, str], expected: float, gradient: list[float], dtype: str
) -> None:
    loss, delta = loss_and_delta(HEADS[head], np.array([[1e4, -1e4, 0]], dtype), np.array([1]), even(1, dtype))
    assert loss == pytest.approx(expected)
    np.testing.assert_allclose(delta, [gradient], rtol=1e-6)


def test_a_large_score_of_the_true_class_does_not_hide_the_other_outputs_loss() -> None:
    head, z = HEADS["sigmoid", "binary_cross_entropy"], np.array([[3000.0, 0.3]], np.float32)
    loss, _ = loss_and_delta(head, z, np.array([0]), even(1, "float32"))
    assert loss == pytest.approx(np.log1p(np.exp(0.3)), rel=1e-5)
