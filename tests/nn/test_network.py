from math import sqrt
from typing import Any

import numpy as np
import pytest

from src.nn.activations import ACTIVATIONS
from src.nn.dropout import SCALINGS
from src.nn.initializers import INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network

RNG = np.random.default_rng(4)
X, Y = RNG.standard_normal((60, 8)).astype(np.float32), RNG.integers(0, 3, 60)


def make(act: str = "tanh", head: tuple[str, str] = ("softmax", "cross_entropy"), **settings: Any) -> Network:
    widths = settings.pop("widths", (8, 7, 5, 3))
    hidden = len(widths) - 2
    settings["dropout"] = [settings.get("dropout", 0.0)] * hidden
    network = Network(widths, [ACTIVATIONS[act]] * hidden, HEADS[head], **settings)
    network.initialize(INITIALIZERS["glorot"], Spread(0.1, 0.1), np.random.SeedSequence(6))
    for b in network.parameters.b:
        b[:] = np.linspace(-0.5, 0.5, b.size)
    return network


def learn(network: Network, x: np.ndarray = X, y: np.ndarray = Y) -> float:
    """The loss in training."""
    return network.loss_and_gradient(x.astype(network.dtype, copy=False), y, np.random.default_rng(1))


def both(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[float, bytes, float, bytes]:
    """All that a network computes from a batch, in training and in prediction."""
    loss, gradient = learn(network, x, y), network.gradient.theta.tobytes()
    predicted, probabilities = network.loss_and_probabilities(x, y)
    return loss, gradient, predicted, probabilities.tobytes()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("head", HEADS, ids="+".join)
@pytest.mark.parametrize("act", ACTIVATIONS)
class TestEveryNetwork:
    def test_a_batchs_result_does_not_depend_on_what_was_seen_before(
        self, act: str, head: tuple[str, str], dropout: float
    ) -> None:
        used = make(act, head, dropout=dropout)
        for size in (20, 7, 60, 1, 20, 33):
            x, y = X[-size:], Y[-size:]
            result = both(used, x, y)
            assert result == both(make(act, head, dropout=dropout), x, y)
            assert dropout or result[0] == result[2]  # the same loss in training and in prediction

    def test_precisions_agree(self, act: str, head: tuple[str, str], dropout: float) -> None:
        single, double = make(act, head), make(act, head, dtype="float64")
        assert learn(single) == pytest.approx(learn(double), rel=1e-5)
        off = single.gradient.theta - double.gradient.theta
        assert single.gradient.theta.dtype == np.float32
        assert np.linalg.norm(off) < 1e-5 * np.linalg.norm(double.gradient.theta)
        p, q = single.loss_and_probabilities(X, Y)[1], double.loss_and_probabilities(X.astype(np.float64), Y)[1]
        assert (p.dtype, q.dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(p, q, rtol=1e-5)

    def test_changes_neither_batch_nor_parameters_nor_earlier_probabilities(
        self, act: str, head: tuple[str, str], dropout: float
    ) -> None:
        network, x, y = make(act, head, dropout=dropout), X.copy(), Y.copy()
        x.flags.writeable = y.flags.writeable = False
        _, probabilities = network.loss_and_probabilities(X[::-1], Y)
        before = network.parameters.theta.tobytes(), probabilities.tobytes()
        assert both(network, x, y) == both(network, X, Y)  # to the bit
        assert (network.parameters.theta.tobytes(), probabilities.tobytes()) == before

    def test_large_inputs_give_finite_results_without_a_warning(
        self, act: str, head: tuple[str, str], dropout: float
    ) -> None:
        network = make(act, head, dropout=dropout)
        assert np.isfinite(learn(network, X * np.float32(1e4)))
        assert np.isfinite(network.gradient.theta).all()


def test_example_weights_sum_to_1() -> None:
    for network in (make(), make(class_weights=np.array([0.1, 1.0, 10.0]))):
        weights = network.example_weights(Y)
        assert weights.shape == (len(Y), 1)
        assert weights.dtype == np.float32
        assert weights.sum() == pytest.approx(1, rel=1e-6)


class TestDropout:
    def test_is_off_at_prediction_which_one_scaling_multiplies(self) -> None:
        with_dropout = make(dropout=0.5, scaling=SCALINGS["inference"])
        without = make()
        for W in without.parameters.W[1:]:  # the outgoing weights
            W *= 0.5
        np.testing.assert_allclose(
            with_dropout.loss_and_probabilities(X, Y)[1], without.loss_and_probabilities(X, Y)[1], rtol=1e-6
        )

    @pytest.mark.parametrize("scaling", ["train", "none"])
    def test_is_off_at_prediction(self, scaling: str) -> None:
        with_dropout, without = make(dropout=0.5, scaling=SCALINGS[scaling]), make()
        loss, p = with_dropout.loss_and_probabilities(X, Y)
        expected, q = without.loss_and_probabilities(X, Y)
        assert loss == expected
        np.testing.assert_array_equal(p, q)
        learn(with_dropout)
        np.testing.assert_array_equal(with_dropout.loss_and_probabilities(X, Y)[1], q)

    def test_is_on_in_training_and_differs_from_pass_to_pass(self) -> None:
        network, rng = make(dropout=0.5), np.random.default_rng(1)
        losses = {network.loss_and_gradient(X, Y, rng) for _ in range(5)}
        assert len(losses | {network.loss_and_probabilities(X, Y)[0]}) == 6

    @pytest.mark.parametrize(("dropout", "widths"), [(0.0, (8, 7, 5, 3)), (0.5, (8, 3))], ids=["0", "no hidden layer"])
    def test_draws_nothing_where_there_is_none(self, dropout: float, widths: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        before = rng.bit_generator.state
        network, plain = make(dropout=dropout, widths=widths), make(widths=widths)
        assert network.loss_and_gradient(X, Y, rng) == plain.loss_and_gradient(X, Y, rng)
        assert network.gradient.theta.tobytes() == plain.gradient.theta.tobytes()
        assert rng.bit_generator.state == before

    @pytest.mark.parametrize("scaling", ["train", "inference"])
    def test_is_unbiased_in_what_enters_the_next_layer(self, scaling: str) -> None:
        # With one hidden layer the outputs' pre-activations are linear in the mask, so their mean over masks is the
        # prediction's. The gradient of the biases is p - t; for small z, p is nearly linear, too.
        settings: dict[str, Any] = {"scaling": SCALINGS[scaling], "widths": (8, 50, 3), "dtype": "float64"}
        network, x = make("sigmoid", dropout=0.3, **settings), X.astype(np.float64)
        network.parameters.W[1] *= 1e-3
        exact = network.loss_and_probabilities(x, Y)[1]
        rng, rounds = np.random.default_rng(3), 2000
        sums = np.zeros((rounds, 3))
        for i in range(rounds):
            network.loss_and_gradient(x, Y, rng)
            sums[i] = network.gradient.b[1]
        t = np.eye(3)[Y]
        z = (sums.mean(axis=0) - (exact - t).mean(axis=0)) / (sums.std(axis=0) / sqrt(rounds))
        assert (np.abs(z) < 4).all()
