"""The streams of published code draw what a script draws that calls NumPy's legacy functions, or PyTorch's, in turn."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.nn.activations import ACTIVATIONS
from src.nn.arrays import Array
from src.nn.initializers import BIAS_INITIALIZERS, INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network
from src.training.draws import Draws
from src.training.legacy import LegacyMasks
from src.training.processor import held
from src.training.session import Session
from src.training.streams import Streams

ONE_STREAM = Draws(shared=True, weights="fan_in_first", evaluations_shuffle=False)
LAYER_BY_LAYER = replace(ONE_STREAM, layer_seeds="same", order_first=True, reshuffle="accumulated", dropout="binomial")


def drawn(streams: Streams, init: str = "uniform", widths: tuple[int, ...] = (4, 3, 2)) -> list[Array]:
    """W0, b0, W1, b1, ... as a network draws them, with weights and biases of one kind."""
    network = Network(
        widths, [ACTIVATIONS["tanh"]] * (len(widths) - 2), HEADS["softmax", "cross_entropy"], dtype="float64"
    )
    spread = Spread(1.0, 1.0)
    network.initialize(INITIALIZERS[init], spread, streams.initialization, BIAS_INITIALIZERS[init])
    return [array for pair in zip(network.parameters.W, network.parameters.b, strict=True) for array in pair]


def assert_equal(found: list[Array], expected: list[Array]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("init", ["uniform", "normal"])
def test_one_stream_draws_weights_and_biases_layer_by_layer_and_then_the_batches(init: str) -> None:
    script, streams = np.random.RandomState(159), Streams.of(159, "legacy", ONE_STREAM)
    draw = {"uniform": lambda shape: script.uniform(-1, 1, shape), "normal": script.standard_normal}[init]
    expected = [draw(shape) for shape in ((4, 3), (3,), (3, 2), (2,))]
    assert_equal(drawn(streams, init), expected)
    for _ in range(3):
        streams.order.evaluated(100)
        np.testing.assert_array_equal(streams.order.draw(100, 32), script.choice(100, 32, replace=False))
    np.testing.assert_array_equal(streams.order.permutation(50), script.permutation(50))


def test_two_streams_of_one_seed_draw_weights_unit_by_unit_and_shuffles() -> None:
    weights, orders = np.random.RandomState(5), np.random.RandomState(5)
    streams = Streams.of(5, "legacy")
    expected = [weights.normal(0, 1, shape) for shape in ((3, 4), (3,), (2, 3), (2,))]
    assert_equal(drawn(streams, "normal"), [array.T for array in expected])
    for n in (50, 50):
        np.testing.assert_array_equal(streams.order.permutation(n), orders.permutation(n))
        streams.order.evaluated(7)
        orders.permutation(7)


@pytest.mark.parametrize("shared", [False, True])
def test_numbers_that_were_given_before_are_skipped(shared: bool) -> None:
    script = np.random.RandomState(1234)
    script.permutation(1500)  # of 2 211 numbers, as some are drawn and rejected
    streams = Streams.of(1234, "legacy", replace(ONE_STREAM, shared=shared, skip=2211))
    assert_equal(drawn(streams)[:2], [script.uniform(-1, 1, (4, 3)), script.uniform(-1, 1, 3)])


def test_each_layer_may_have_a_seed_and_a_shared_stream_goes_on_as_the_last_one_left_it() -> None:
    streams = Streams.of(8, "legacy", replace(ONE_STREAM, layer_seeds=(1342, 473)))
    hidden, top = np.random.RandomState(1342), np.random.RandomState(473)
    expected = [hidden.normal(size=(2, 10)), hidden.normal(size=10), top.normal(size=(10, 1)), top.normal(size=1)]
    assert_equal(drawn(streams, "normal", (2, 10, 1)), expected)
    np.testing.assert_array_equal(streams.order.permutation(30), top.permutation(30))


def test_each_unit_may_have_a_stream_for_its_weights_its_bias_and_its_batches() -> None:
    seeds = (213, 4543, 1412)
    streams = Streams.of(0, "legacy", Draws(unit_seeds=seeds, evaluations_shuffle=False))
    W, b, top, top_b = drawn(streams, "uniform", (2, 2, 1))
    found = [(W[:, 0], b[:1]), (W[:, 1], b[1:]), (top[:, 0], top_b)]
    for seed, (weights, bias), order in zip(seeds, found, (*streams.units, streams.order), strict=True):
        script = np.random.RandomState(seed)
        assert_equal([weights, bias], [script.uniform(-1, 1, 2), script.uniform(-1, 1, 1)])
        order.evaluated(100)
        np.testing.assert_array_equal(order.draw(100, 8), script.choice(100, 8, replace=False))


# torch.manual_seed(SEED); torch.rand(5), as it prints them.
PRINTED_BY_TORCH = {0: [0.4963, 0.7682, 0.0885, 0.1320, 0.3074], 42: [0.8823, 0.9150, 0.3829, 0.9593, 0.3904]}


@pytest.mark.parametrize("seed", PRINTED_BY_TORCH)
def test_start_values_are_pytorchs_weights_then_biases_unit_by_unit(seed: int) -> None:
    W, b = drawn(Streams.of(seed, "legacy", Draws(weights="torch")), "fan_in_uniform", (4, 1))
    uniform = [*((W[:, 0] * 2 + 1) / 2), (b[0] * 2 + 1) / 2]  # in [-1/2, 1/2) before: fan_in is 4
    np.testing.assert_allclose(uniform, PRINTED_BY_TORCH[seed], atol=5e-5)
    first = drawn(Streams.of(seed, "legacy", Draws(weights="torch")), "fan_in_uniform", (2, 100, 3))
    later = drawn(Streams.of(seed, "legacy", Draws(weights="torch", skip=200)), "fan_in_uniform", (2, 50))
    np.testing.assert_array_equal(first[1], later[0].T.ravel())  # 200 weights come first
    assert all((array == array.astype(np.float32)).all() for array in first)


def test_masks_of_pytorch_with_mkl_are_those_of_its_generator() -> None:
    masks, script = LegacyMasks(np.random.RandomState(3), "mcg31"), np.random.RandomState(3)
    for shape in ((7, 5), (2, 40)):
        kept = np.empty(shape)
        masks.keep(0.9, kept)
        x, expected = int(script.randint(0, 2**32, dtype=np.uint32)) % (2**31 - 1), []
        for _ in range(kept.size):
            expected.append(x / (2**31 - 1) < 0.9)
            x = 1132489760 * x % (2**31 - 1)
        np.testing.assert_array_equal(kept.ravel(), expected)
    assert 0 < kept.mean() < 1


class Script:
    """What a library does that seeds NumPy's global stream for `fit`, and again for each layer at its first batch."""

    def __init__(self, widths: tuple[int, ...], seed: int, dropout: float, update_first: bool) -> None:
        self.widths, self.seed, self.dropout, self.update_first = widths, seed, dropout, update_first
        self.random = np.random.RandomState(0)
        self.layers: list[list[Array]] = []

    def fit(self, x: Array, y: Array, epochs: int, batch: int, lr: float) -> "Script":
        self.random.seed(self.seed)
        for _ in range(epochs):
            shuffled = self.random.permutation(len(x))
            x, y = x[shuffled], y[shuffled]
            for start in range(0, len(x), batch):
                self.learn(x[start : start + batch], y[start : start + batch], lr)
        return self

    def learn(self, x: Array, y: Array, lr: float) -> None:
        inputs, kept, top = [x], [], len(self.widths) - 2
        for l, shape in enumerate(zip(self.widths, self.widths[1:], strict=False)):
            if len(self.layers) == l:
                self.random.seed(self.seed)
                self.layers.append([self.random.randn(*shape), self.random.randn(1, shape[1])])
            z = inputs[-1] @ self.layers[l][0] + self.layers[l][1]
            if l < top:
                kept.append(self.random.binomial(1, 1 - self.dropout, z.shape) / (1 - self.dropout))
                inputs.append(np.tanh(z) * kept[-1])
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        delta = (p - np.eye(self.widths[-1])[y]) / len(y)
        for l in reversed(range(top + 1)):
            gradient, before = [inputs[l].T @ delta, delta.sum(axis=0, keepdims=True)], self.layers[l][0].copy()
            for parameter, g in zip(self.layers[l], gradient, strict=True):
                parameter -= lr * g
            if l:
                slope = 1 - np.square(inputs[l] * (1 - self.dropout))  # where units are kept
                weights = self.layers[l][0] if self.update_first else before
                delta = delta @ weights.T * kept[l - 1] * slope


@pytest.mark.parametrize("hidden", [(), (8,), (8, 7)])
@pytest.mark.parametrize("batch", [10, 103])
@pytest.mark.parametrize("update_first", [False, True])
def test_layers_that_are_seeded_again_train_as_in_a_script(
    plan: Any, hidden: tuple[int, ...], batch: int, update_first: bool
) -> None:
    model = {"hidden": hidden, "init": "normal", "init_std": 1.0, "bias_init": "normal", "dropout": 0.2}
    training = {"epochs": 3, "batch_size": batch, "dtype": "float64", "arithmetic": "native"}
    training["update_first"] = update_first
    plan = plan.changed(seed=42, rng="legacy", draws=LAYER_BY_LAYER, model=model, train=training)
    x, y = plan.dataset.train.x.astype(np.float64), plan.dataset.train.y
    expected = Script((6, *hidden, 3), 42, 0.2, update_first).fit(x, y, 3, batch, 0.1)
    trained = finished(plan)
    for l, (weights, biases) in enumerate(expected.layers):
        np.testing.assert_allclose(trained.parameters.W[l], weights, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(trained.parameters.b[l], biases[0], rtol=1e-9, atol=1e-12)


def finished(plan: Any, record: Callable[..., Any] = lambda epoch: {"epoch": epoch.epoch}) -> Network:
    """The network at the end of a plan's training."""
    session = Session(plan, plan.dataset)
    session.prepare()
    with held(1):
        session.run(session.saver(Path(), "me"), record)
    return session.network
