from typing import Any

import numpy as np
import pytest

from src.nn.activations import ACTIVATIONS
from src.nn.initializers import INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network

HEAD_IDS = ["+".join(head) for head in HEADS]
RNG = np.random.default_rng(4)
X, Y = RNG.standard_normal((60, 8)).astype(np.float32), RNG.integers(0, 3, 60)


def make(act: str = "tanh", head: tuple[str, str] = ("softmax", "cross_entropy"), **settings: Any) -> Network:
    widths = settings.pop("widths", (8, 7, 5, 3))
    network = Network(widths, ACTIVATIONS[act], HEADS[head], **settings)
    network.initialize(INITIALIZERS["glorot"], Spread(0.1, 0.1), np.random.SeedSequence(6))
    for b in network.parameters.b:
        b[:] = np.linspace(-0.5, 0.5, b.size)
    return network


def both(network: Network, x: np.ndarray, y: np.ndarray, seed: int = 1) -> tuple[float, bytes, float, bytes]:
    """All that a network says of a batch, in training and in prediction."""
    loss = network.loss_and_gradient(x, y, np.random.default_rng(seed))
    gradient = network.gradient.theta.tobytes()
    return loss, gradient, *_prediction(network, x, y)


def _prediction(network: Network, x: np.ndarray, y: np.ndarray) -> tuple[float, bytes]:
    loss, probabilities = network.loss_and_probabilities(x, y)
    return loss, probabilities.tobytes()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("head", HEADS, ids=HEAD_IDS)
@pytest.mark.parametrize("act", ACTIVATIONS)
class TestEveryNetwork:
    def test_a_batchs_result_does_not_depend_on_what_was_seen_before(
        self, act: str, head: tuple[str, str], dropout: float
    ) -> None:
        used = make(act, head, dropout=dropout)
        for size in (20, 7, 60, 1, 20, 33):
            x, y = X[-size:], Y[-size:]
            assert both(used, x, y) == both(make(act, head, dropout=dropout), x, y)

    def test_repeats_itself_to_the_bit(self, act: str, head: tuple[str, str], dropout: float) -> None:
        network = make(act, head, dropout=dropout)
        assert both(network, X, Y) == both(network, X, Y)

    def test_precisions_agree(self, act: str, head: tuple[str, str], dropout: float) -> None:
        single, double = make(act, head), make(act, head, dtype="float64")
        single.dropout = double.dropout = 0.0
        loss = single.loss_and_gradient(X, Y, np.random.default_rng(1))
        expected = double.loss_and_gradient(X.astype(np.float64), Y, np.random.default_rng(1))
        assert loss == pytest.approx(expected, rel=1e-5)
        off = single.gradient.theta - double.gradient.theta
        assert single.gradient.theta.dtype == np.float32
        assert np.linalg.norm(off) < 1e-5 * np.linalg.norm(double.gradient.theta)
        p, q = single.loss_and_probabilities(X, Y)[1], double.loss_and_probabilities(X.astype(np.float64), Y)[1]
        assert (p.dtype, q.dtype) == (np.float32, np.float64)
        np.testing.assert_allclose(p, q, rtol=1e-5)

    def test_leaves_batch_and_parameters_alone(self, act: str, head: tuple[str, str], dropout: float) -> None:
        network, x, y = make(act, head, dropout=dropout), X.copy(), Y.copy()
        before = network.parameters.theta.tobytes()
        both(network, x, y)
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(y, Y)
        assert network.parameters.theta.tobytes() == before

    def test_takes_read_only_batches(self, act: str, head: tuple[str, str], dropout: float) -> None:
        x, y = X.copy(), Y.copy()
        x.flags.writeable = y.flags.writeable = False
        assert both(make(act, head, dropout=dropout), x, y) == both(make(act, head, dropout=dropout), X, Y)


@pytest.mark.parametrize("head", HEADS, ids=HEAD_IDS)
class TestEveryHead:
    def test_training_and_prediction_tell_the_same_loss_without_dropout(self, head: tuple[str, str]) -> None:
        network = make(head=head)
        assert network.loss_and_gradient(X, Y, np.random.default_rng(1)) == network.loss_and_probabilities(X, Y)[0]

    def test_class_weights_give_the_weighted_mean(self, head: tuple[str, str]) -> None:
        w = np.array([0.2, 1.0, 5.0])
        x = X.astype(np.float64)
        network, plain = make(head=head, class_weights=w, dtype="float64"), make(head=head, dtype="float64")
        losses, gradients = [], []
        for i in range(len(Y)):
            losses.append(plain.loss_and_gradient(x[[i]], Y[[i]], np.random.default_rng(1)))
            gradients.append(plain.gradient.theta.copy())
        loss = network.loss_and_gradient(x, Y, np.random.default_rng(1))
        assert loss == pytest.approx(np.average(losses, weights=w[Y]), rel=1e-13)
        expected = np.average(gradients, axis=0, weights=w[Y])
        assert np.linalg.norm(network.gradient.theta - expected) < 1e-13 * np.linalg.norm(expected)
        assert network.loss_and_probabilities(x, Y)[0] == pytest.approx(loss, rel=1e-14)

    def test_a_weight_of_2_is_an_example_given_twice(self, head: tuple[str, str]) -> None:
        x = X.astype(np.float64)
        weighted = make(head=head, class_weights=np.array([1.0, 2.0, 1.0]), dtype="float64")
        plain = make(head=head, dtype="float64")
        twice = np.repeat(np.arange(len(Y)), np.where(Y == 1, 2, 1))
        loss = weighted.loss_and_gradient(x, Y, np.random.default_rng(1))
        expected = plain.loss_and_gradient(x[twice], Y[twice], np.random.default_rng(1))
        assert loss == pytest.approx(expected, rel=1e-13)
        off = np.linalg.norm(weighted.gradient.theta - plain.gradient.theta)
        assert off < 1e-13 * np.linalg.norm(plain.gradient.theta)

    @pytest.mark.parametrize("scale", [1.0, 3.0, 1e-3])
    def test_equal_class_weights_change_nothing(self, head: tuple[str, str], scale: float) -> None:
        weighted, plain = make(head=head, class_weights=np.full(3, scale)), make(head=head)
        loss = weighted.loss_and_gradient(X, Y, np.random.default_rng(1))
        assert loss == pytest.approx(plain.loss_and_gradient(X, Y, np.random.default_rng(1)), rel=1e-6)
        np.testing.assert_allclose(weighted.gradient.theta, plain.gradient.theta, rtol=1e-4, atol=1e-7)

    def test_does_not_depend_on_the_order_of_examples(self, head: tuple[str, str]) -> None:
        order, x = RNG.permutation(len(Y)), X.astype(np.float64)
        one, other = make(head=head, dtype="float64"), make(head=head, dtype="float64")
        loss = one.loss_and_gradient(x, Y, np.random.default_rng(1))
        assert other.loss_and_gradient(x[order], Y[order], np.random.default_rng(1)) == pytest.approx(loss, rel=1e-13)
        np.testing.assert_allclose(one.gradient.theta, other.gradient.theta, rtol=1e-9, atol=1e-15)


def test_example_weights_sum_to_1() -> None:
    for network in (make(), make(class_weights=np.array([0.1, 1.0, 10.0]))):
        weights = network.example_weights(Y)
        assert weights.shape == (len(Y), 1)
        assert weights.dtype == np.float32
        assert weights.sum() == pytest.approx(1, rel=1e-6)


def test_probabilities_are_a_new_array_each_time() -> None:
    network = make()
    _, first = network.loss_and_probabilities(X[:20], Y[:20])
    before = first.copy()
    network.loss_and_probabilities(X[20:40], Y[20:40])
    np.testing.assert_array_equal(first, before)


def test_without_hidden_layers_it_is_a_linear_model() -> None:
    network = make(widths=(8, 3), dtype="float64")
    x = X.astype(np.float64)
    scores = x @ network.parameters.W[0] + network.parameters.b[0]
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(network.loss_and_probabilities(x, Y)[1], expected, rtol=1e-12)


def test_far_out_there_is_no_warning_and_everything_is_finite() -> None:
    for act in ACTIVATIONS:
        for head in HEADS:
            network = make(act, head)
            loss = network.loss_and_gradient(X * np.float32(1e4), Y, np.random.default_rng(1))
            assert np.isfinite(loss)
            assert np.isfinite(network.gradient.theta).all()
