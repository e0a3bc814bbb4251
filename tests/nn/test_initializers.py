from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from scipy import stats

from src.nn.activations import ACTIVATIONS
from src.nn.initializers import BIAS_INITIALIZERS, INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network

SPREAD = Spread(std=0.3, bound=0.7)

# The deviations of the published initializers, from the sources; uniform on [-r, r] has the deviation r / sqrt 3.
# An entry that is added to the table needs none here: the tests of every initializer apply to it.
NORMAL: dict[str, Callable[[int, int], float]] = {
    "normal": lambda i, o: 0.3,
    "glorot": lambda i, o: sqrt(2 / (i + o)),  # Glorot and Bengio (2010), eq. 12
    "he": lambda i, o: sqrt(2 / i),  # He et al. (2015), eq. 10
    "scaled": lambda i, o: 2 / (i + o),  # Weidman (2019), ch. 4
}
UNIFORM: dict[str, Callable[[int, int], float]] = {
    "uniform": lambda i, o: 0.7 / sqrt(3),
    "fan_in_uniform": lambda i, o: 1 / sqrt(3 * i),  # +-1/sqrt(fan_in)
    "glorot_uniform": lambda i, o: sqrt(6) / sqrt(i + o) / sqrt(3),  # Glorot and Bengio, eq. 16
    "he_uniform": lambda i, o: sqrt(6 / i) / sqrt(3),
}


def weights(name: str, seed: int = 1, fan_in: int = 4, fan_out: int = 3, spread: Spread = SPREAD) -> np.ndarray:
    return INITIALIZERS[name].weights(np.random.default_rng(seed), fan_in, fan_out, spread)


def initialized(name: str, *hidden: int) -> Network:
    activations, head = [ACTIVATIONS["tanh"]] * len(hidden), HEADS["softmax", "cross_entropy"]
    network = Network((7, *hidden, 3), activations, head, dtype="float64")
    network.parameters.theta.fill(np.nan)
    network.initialize(INITIALIZERS[name], SPREAD, np.random.SeedSequence(1))
    return network


def assert_distribution(drawn: np.ndarray, std: float, uniform: bool) -> None:
    n, bound = drawn.size, sqrt(3) * std
    # The mean of n draws has the deviation std / sqrt n; their variance, std^2 sqrt((kurtosis - 1) / n).
    assert abs(drawn.mean()) / (std / sqrt(n)) < 4
    assert abs(drawn.var() / std**2 - 1) / sqrt(((9 / 5 if uniform else 3) - 1) / n) < 4
    distribution = stats.uniform(-bound, 2 * bound) if uniform else stats.norm(0, std)
    assert stats.kstest(drawn.ravel(), distribution.cdf).pvalue > 1e-3
    if uniform:
        assert bound * (1 - 20 / n) < np.abs(drawn).max() <= bound


@pytest.mark.parametrize(("fan_in", "fan_out"), [(500, 300), (300, 500), (2000, 50)])
@pytest.mark.parametrize("name", NORMAL | UNIFORM)
def test_weights_have_the_distribution_of_their_source(name: str, fan_in: int, fan_out: int) -> None:
    std = (NORMAL | UNIFORM)[name](fan_in, fan_out)
    assert_distribution(weights(name, 1, fan_in, fan_out), std, uniform=name in UNIFORM)


@pytest.mark.parametrize("name", INITIALIZERS)
class TestEveryInitializer:
    def test_depends_on_the_seed_and_has_the_gain_as_a_factor(self, name: str) -> None:
        W = weights(name)
        assert (W.shape, W.dtype) == ((4, 3), np.float64)
        assert W.tobytes() == weights(name).tobytes()
        assert name == "zeros" or (weights(name, seed=2) != W).all()
        np.testing.assert_array_equal(weights(name, spread=SPREAD._replace(gain=2.0)), 2 * W)

    def test_leaves_biases_at_zero_and_differs_by_layer(self, name: str) -> None:
        parameters = initialized(name, 7, 7).parameters
        assert not np.concatenate(parameters.b).any()
        assert np.isfinite(parameters.theta).all()
        assert name == "zeros" or (parameters.W[0] != parameters.W[1]).all()


@pytest.mark.parametrize(("name", "field"), [("normal", "std"), ("uniform", "bound"), ("zeros", "std")])
def test_a_spread_of_zero_gives_zeros(name: str, field: str) -> None:
    assert not weights(name, spread=SPREAD._replace(**{field: 0.0})).any()


@pytest.mark.parametrize("name", BIAS_INITIALIZERS)
class TestEveryBiasInitializer:
    def test_has_the_distribution_of_weights_and_no_gain(self, name: str) -> None:
        spread = SPREAD._replace(gain=7.0)
        b = BIAS_INITIALIZERS[name].biases(np.random.default_rng(1), 25, 150_000, spread)
        assert b.shape == (150_000,)
        if name in NORMAL | UNIFORM:
            assert_distribution(b, (NORMAL | UNIFORM)[name](25, 0), uniform=name in UNIFORM)
        np.testing.assert_array_equal(b, BIAS_INITIALIZERS[name].biases(np.random.default_rng(1), 25, 150_000, SPREAD))

    def test_does_not_change_the_weights(self, name: str) -> None:
        network = initialized("glorot", 5)
        before = network.parameters.weights.copy()
        network.initialize(INITIALIZERS["glorot"], SPREAD, np.random.SeedSequence(1), BIAS_INITIALIZERS[name])
        np.testing.assert_array_equal(network.parameters.weights, before)
        assert all(b.any() for b in network.parameters.b) == (name != "zeros")


class Legacy:
    """A stream for the protocol `LayerStream`."""

    def __init__(self, seed: int, unit_by_unit: bool) -> None:
        self._stream, self.unit_by_unit = np.random.RandomState(seed), unit_by_unit

    def normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return self._stream.standard_normal(shape)

    def uniform(self, shape: tuple[int, ...]) -> np.ndarray:
        return self._stream.uniform(-1, 1, shape)


@pytest.mark.parametrize("unit_by_unit", [True, False])
def test_other_streams_draw_layer_by_layer_and_say_in_which_shape(unit_by_unit: bool) -> None:
    network, own, stream = initialized("normal", 3), Legacy(123, unit_by_unit), np.random.RandomState(123)
    biases = BIAS_INITIALIZERS["uniform"]
    network.initialize(INITIALIZERS["normal"], SPREAD, lambda layers: iter([own] * layers), biases)
    for W, b in zip(network.parameters.W, network.parameters.b, strict=True):
        drawn = W.T if unit_by_unit else W
        np.testing.assert_array_equal(drawn, stream.normal(0, 0.3, drawn.shape))
        np.testing.assert_array_equal(b, stream.uniform(-1, 1, b.shape) * 0.7)
