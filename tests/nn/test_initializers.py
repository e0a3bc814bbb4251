from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
import pytest
from scipy import stats

from src.nn.activations import ACTIVATIONS
from src.nn.initializers import BIAS_INITIALIZERS, INITIALIZERS, Spread
from src.nn.losses import HEADS
from src.nn.network import Network

SPREAD = Spread(std=0.3, bound=0.7)
FAN_IN, FAN_OUT = 500, 300
N = FAN_IN * FAN_OUT


class Expected(NamedTuple):
    distribution: str
    std: Callable[[int, int], float]  # of fan_in, fan_out


# Written once more from the sources; uniform on [-r, r] has the deviation r / sqrt 3.
EXPECTED = {
    "zeros": Expected("zeros", lambda i, o: 0),
    "normal": Expected("normal", lambda i, o: 0.3),
    "uniform": Expected("uniform", lambda i, o: 0.7 / sqrt(3)),
    "fan_in_uniform": Expected("uniform", lambda i, o: 1 / sqrt(3 * i)),  # +-1/sqrt(fan_in)
    "glorot": Expected("normal", lambda i, o: sqrt(2 / (i + o))),  # Glorot and Bengio (2010), eq. 12
    "glorot_uniform": Expected("uniform", lambda i, o: sqrt(6) / sqrt(i + o) / sqrt(3)),  # eq. 16
    "he": Expected("normal", lambda i, o: sqrt(2 / i)),  # He et al. (2015), eq. 10
    "he_uniform": Expected("uniform", lambda i, o: sqrt(6 / i) / sqrt(3)),
    "scaled": Expected("normal", lambda i, o: 2 / (i + o)),  # Weidman (2019), ch. 4
}
RANDOM = [name for name in INITIALIZERS if EXPECTED[name].distribution != "zeros"]


def weights(name: str, seed: int = 1, fan_in: int = FAN_IN, fan_out: int = FAN_OUT) -> np.ndarray:
    return INITIALIZERS[name].weights(np.random.default_rng(seed), fan_in, fan_out, SPREAD)


def initialized(name: str, widths: tuple[int, ...], seed: int = 1, dtype: str = "float64") -> Network:
    network = Network(widths, ACTIVATIONS["tanh"], HEADS["softmax", "cross_entropy"], dtype=dtype)
    network.initialize(INITIALIZERS[name], SPREAD, np.random.SeedSequence(seed))
    return network


@pytest.mark.parametrize("name", INITIALIZERS)
class TestEveryInitializer:
    def test_gives_float64_of_the_right_shape(self, name: str) -> None:
        W = weights(name, fan_in=3, fan_out=5)
        assert W.shape == (3, 5)
        assert W.dtype == np.float64

    def test_depends_on_the_seed_alone(self, name: str) -> None:
        assert weights(name).tobytes() == weights(name).tobytes()
        assert name == "zeros" or (weights(name, seed=1) != weights(name, seed=2)).all()

    @pytest.mark.parametrize(("fan_in", "fan_out"), [(FAN_IN, FAN_OUT), (FAN_OUT, FAN_IN), (2000, 50)])
    def test_has_mean_0_and_the_sources_deviation(self, name: str, fan_in: int, fan_out: int) -> None:
        W, std, n = weights(name, 1, fan_in, fan_out), EXPECTED[name].std(fan_in, fan_out), fan_in * fan_out
        if EXPECTED[name].distribution == "zeros":
            assert not W.any()
            return
        # The mean of n draws has the deviation std / sqrt n; their variance, std^2 sqrt((kurtosis - 1) / n).
        kurtosis = {"normal": 3, "uniform": 9 / 5}[EXPECTED[name].distribution]
        assert abs(W.mean()) / (std / sqrt(n)) < 4
        assert abs(W.var() / std**2 - 1) / sqrt((kurtosis - 1) / n) < 4

    def test_has_its_distribution(self, name: str) -> None:
        W, std = weights(name).ravel(), EXPECTED[name].std(FAN_IN, FAN_OUT)
        if EXPECTED[name].distribution == "normal":
            assert stats.kstest(W, stats.norm(0, std).cdf).pvalue > 1e-3
        elif EXPECTED[name].distribution == "uniform":
            bound = sqrt(3) * std
            assert stats.kstest(W, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
            assert bound * (1 - 20 / N) < np.abs(W).max() <= bound

    def test_a_networks_biases_start_at_zero(self, name: str) -> None:
        network = initialized(name, (6, 5, 3))
        network.parameters.theta.fill(np.nan)
        network.initialize(INITIALIZERS[name], SPREAD, np.random.SeedSequence(1))
        assert not np.concatenate(network.parameters.b).any()
        assert np.isfinite(network.parameters.theta).all()

    def test_variants_of_depth_share_their_first_layers(self, name: str) -> None:
        shallow, deep = initialized(name, (7, 6, 3)), initialized(name, (7, 6, 5, 3))
        assert shallow.parameters.W[0].tobytes() == deep.parameters.W[0].tobytes()

    def test_precisions_share_their_draws(self, name: str) -> None:
        double, single = initialized(name, (7, 6, 3)), initialized(name, (7, 6, 3), dtype="float32")
        assert double.parameters.theta.astype(np.float32).tobytes() == single.parameters.theta.tobytes()


@pytest.mark.parametrize("name", RANDOM)
class TestEveryRandomInitializer:
    def test_differs_by_a_factor_from_others_of_its_distribution(self, name: str) -> None:
        distribution, std = EXPECTED[name]
        for other in RANDOM:
            ratios = initialized(name, (9, 7, 3)).parameters.W[1] / initialized(other, (9, 7, 3)).parameters.W[1]
            if EXPECTED[other].distribution == distribution:
                np.testing.assert_allclose(ratios, std(7, 3) / EXPECTED[other].std(7, 3), rtol=1e-12)
            else:
                assert np.ptp(ratios) > 0.1

    def test_layers_of_one_shape_differ(self, name: str) -> None:
        W = initialized(name, (6, 6, 6)).parameters.W
        assert (W[0] != W[1]).all()


@pytest.mark.parametrize(("name", "field"), [("normal", "std"), ("uniform", "bound")])
def test_a_spread_of_zero_gives_zeros(name: str, field: str) -> None:
    spread = SPREAD._replace(**{field: 0.0})
    assert not INITIALIZERS[name].weights(np.random.default_rng(1), 4, 3, spread).any()


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_gain_is_a_factor_on_weights(name: str) -> None:
    doubled = INITIALIZERS[name].weights(np.random.default_rng(1), 4, 3, SPREAD._replace(gain=2.0))
    np.testing.assert_array_equal(doubled, 2 * weights(name, fan_in=4, fan_out=3))


@pytest.mark.parametrize("name", BIAS_INITIALIZERS)
class TestEveryBiasInitializer:
    def test_has_its_distribution_and_no_gain(self, name: str) -> None:
        spread = SPREAD._replace(gain=7.0)
        b = BIAS_INITIALIZERS[name].biases(np.random.default_rng(1), 25, 20_000, spread)
        assert b.shape == (20_000,)
        if name == "zeros":
            assert not b.any()
        elif name == "normal":
            assert stats.kstest(b, stats.norm(0, 0.3).cdf).pvalue > 1e-3
        else:
            bound = {"uniform": 0.7, "fan_in_uniform": 1 / 5}[name]
            assert stats.kstest(b, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3

    def test_leaves_the_weights_as_they_are(self, name: str) -> None:
        network = initialized("glorot", (6, 5, 3))
        before = network.parameters.weights.copy()
        network.initialize(INITIALIZERS["glorot"], SPREAD, np.random.SeedSequence(1), BIAS_INITIALIZERS[name])
        np.testing.assert_array_equal(network.parameters.weights, before)
        assert name == "zeros" or all(b.any() for b in network.parameters.b)


def test_a_legacy_stream_draws_unit_by_unit_and_layer_by_layer() -> None:
    network = initialized("normal", (4, 3, 2))
    network.initialize(INITIALIZERS["normal"], SPREAD, np.random.RandomState(123), BIAS_INITIALIZERS["uniform"])
    stream = np.random.RandomState(123)
    for W, b in zip(network.parameters.W, network.parameters.b, strict=True):
        np.testing.assert_array_equal(W.T, stream.normal(0, 0.3, W.T.shape))
        np.testing.assert_array_equal(b, stream.uniform(-1, 1, b.shape) * 0.7)
