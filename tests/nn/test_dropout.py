from math import sqrt

import numpy as np
import pytest
from scipy import stats

from src.nn.activations import ACTIVATIONS
from src.nn.dropout import draw_mask
from src.nn.initializers import INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network

SHAPE = (400, 300)
N = SHAPE[0] * SHAPE[1]
SHARES = [0.001, 0.1, 0.5, 0.8, 0.99]


def mask(dropout: float, seed: int = 1, dtype: str = "float32", shape: tuple[int, int] = SHAPE) -> np.ndarray:
    out = np.full(shape, np.nan, dtype)
    draw_mask(np.random.default_rng(seed), dropout, out)
    return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dropout", SHARES)
class TestMask:
    def test_drops_its_share_and_scales_the_rest_so_that_the_mean_is_1(self, dropout: float, dtype: str) -> None:
        values = mask(dropout, dtype=dtype)
        np.testing.assert_allclose(values[values != 0], 1 / (1 - dropout), rtol=np.finfo(dtype).eps)
        assert stats.binomtest(int((values == 0).sum()), N, dropout).pvalue > 1e-3
        # A kept unit is 1/(1-p) with probability 1-p: the variance is p / (1-p).
        z = (values.mean(dtype=np.float64) - 1) / sqrt(dropout / (1 - dropout) / N)
        assert abs(z) < 4

    def test_drops_units_and_examples_independently(self, dropout: float, dtype: str) -> None:
        kept = mask(dropout, dtype=dtype) != 0
        for axis in (0, 1):
            counts = kept.sum(axis=axis)
            n = SHAPE[axis]
            spread = counts.var() / (n * dropout * (1 - dropout))  # of a binomial: 1
            assert abs(spread - 1) < 5 * sqrt(2 / len(counts)) + 1 / (n * dropout * (1 - dropout))

    def test_depends_on_the_seed_alone(self, dropout: float, dtype: str) -> None:
        assert mask(dropout, dtype=dtype).tobytes() == mask(dropout, dtype=dtype).tobytes()
        assert mask(dropout, dtype=dtype).tobytes() != mask(dropout, seed=2, dtype=dtype).tobytes()


def network(dropout: float, widths: tuple[int, ...] = (6, 50, 40, 3)) -> Network:
    made = Network(widths, ACTIVATIONS["sigmoid"], HEADS["softmax", "cross_entropy"], dropout=dropout, dtype="float64")
    made.initialize(INITIALIZERS["glorot"], Spread(0.1, 0.1), np.random.SeedSequence(1))
    return made


RNG = np.random.default_rng(2)
X, Y = RNG.standard_normal((30, 6)), RNG.integers(0, 3, 30)


class TestInANetwork:
    def test_is_off_at_prediction(self) -> None:
        with_dropout, without = network(0.5), network(0.0)
        loss, p = with_dropout.loss_and_probabilities(X, Y)
        expected, q = without.loss_and_probabilities(X, Y)
        assert loss == expected
        np.testing.assert_array_equal(p, q)
        with_dropout.loss_and_gradient(X, Y, np.random.default_rng(1))
        np.testing.assert_array_equal(with_dropout.loss_and_probabilities(X, Y)[1], q)

    def test_is_on_in_training_and_differs_from_pass_to_pass(self) -> None:
        made, rng = network(0.5), np.random.default_rng(1)
        losses = {made.loss_and_gradient(X, Y, rng) for _ in range(5)}
        assert len(losses | {made.loss_and_probabilities(X, Y)[0]}) == 6

    @pytest.mark.parametrize(
        ("dropout", "widths"), [(0.0, (6, 50, 40, 3)), (0.5, (6, 3))], ids=["0", "no hidden layer"]
    )
    def test_draws_nothing_where_there_is_none(self, dropout: float, widths: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        before = rng.bit_generator.state
        made, plain = network(dropout, widths), network(0.0, widths)
        assert made.loss_and_gradient(X, Y, rng) == plain.loss_and_gradient(X, Y, rng)
        assert made.gradient.theta.tobytes() == plain.gradient.theta.tobytes()
        assert rng.bit_generator.state == before

    def test_is_unbiased_in_what_enters_the_next_layer(self) -> None:
        # With one hidden layer the outputs' pre-activations are linear in the mask, so their mean over masks is the
        # prediction's. The gradient of the biases is p - t; for small z, p is nearly linear, too.
        made = network(0.3, (6, 50, 3))
        made.parameters.W[1] *= 1e-3
        exact = made.loss_and_probabilities(X, Y)[1]
        rng, rounds = np.random.default_rng(3), 2000
        sums = np.zeros((rounds, 3))
        for i in range(rounds):
            made.loss_and_gradient(X, Y, rng)
            sums[i] = made.gradient.b[1]
        t = np.eye(3)[Y]
        z = (sums.mean(axis=0) - (exact - t).mean(axis=0)) / (sums.std(axis=0) / sqrt(rounds))
        assert (np.abs(z) < 4).all()
