"""Hidden units that are trained one by one, and the output layer on top of them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from src.data.dataset import Dataset, Examples
from src.nn.architecture import Architecture
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS
from src.training.loop import Diverged, Training
from src.training.metrics import predict
from src.training.processor import held
from src.training.streams import Streams
from src.training.units import Trained, output_layer, put_on_top, refuse_unfit, train_units
from tests.helpers.refusals import refusal
from tests.training.conftest import in_memory

ARCHITECTURE = Architecture(
    hidden=(2,), act="sigmoid", init="uniform", init_bound=1.0, bias_init="uniform", dropout=0.0, output="sigmoid",
    loss="binary_cross_entropy", single_output=True,
)  # fmt: skip
ABC = ("a", "b", "c")
TRAINING = Training(batch_size=8, order="drawn", unit_targets=("a", "b"), unit_steps=200, dtype="float64")


def blobs(seed: int) -> Examples:
    """Three clouds, of which the first two are one class."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, 90)
    centers = np.array([[-2, -2], [2, 2], [2, -2]])
    x = centers[group] + 0.3 * rng.standard_normal((90, 2))
    return Examples(x.astype(np.float32), (group < 2).astype(np.int64), group)


@pytest.fixture
def blob_data() -> Dataset:
    return in_memory(("0", "1"), *map(blobs, (1, 2, 3)), groups=ABC)


def initialized(dataset: Dataset, dtype: str = "float64") -> tuple[Network, Streams]:
    streams = Streams.of(0)
    network = ARCHITECTURE.network(2, 2, dataset.train.y, dtype)
    ARCHITECTURE.initialize(network, streams.initialization)
    return network, streams


def trained(dataset: Dataset) -> tuple[Network, Trained]:
    network, streams = initialized(dataset)
    return network, train_units(network, OPTIMIZERS["sgd"](lr=1.0), dataset, TRAINING, streams)


def test_each_unit_detects_its_group_and_its_outputs_are_standardized(blob_data: Dataset) -> None:
    network, units = trained(blob_data)
    assert units.accuracy == {"a": 1.0, "b": 1.0}
    assert trained(blob_data)[0].parameters.theta.tobytes() == network.parameters.theta.tobytes()
    z = blob_data.test.x @ network.parameters.W[0] + network.parameters.b[0]
    np.testing.assert_array_equal(z > 0, np.stack([blob_data.test.group == 0, blob_data.test.group == 1], axis=1))
    # Outputs are standardized by the training examples.
    np.testing.assert_allclose(units.outputs.train.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(units.outputs.train.x.std(axis=0), 1, rtol=1e-12)
    assert abs(units.outputs.test.x.mean(axis=0)).max() > 1e-6


def test_the_whole_network_predicts_what_its_output_layer_does(blob_data: Dataset) -> None:
    network, units = trained(blob_data)
    top = output_layer(network)
    top.parameters.theta[:] = [1.5, -2.0, 0.3]
    put_on_top(network, top, units)
    alone = predict(top, units.outputs.test.x, units.outputs.test.y)
    whole = predict(network, blob_data.test.x, blob_data.test.y)
    np.testing.assert_allclose(whole.probabilities, alone.probabilities, rtol=1e-9)
    assert whole.loss == pytest.approx(alone.loss)


def test_a_constant_unit_is_not_divided_by_zero(blob_data: Dataset) -> None:
    constant = replace(blob_data, train=blob_data.train._replace(x=np.zeros((90, 2), np.float32)))
    _, units = trained(constant)
    assert np.isfinite(units.outputs.test.x).all()


@pytest.mark.parametrize(
    ("training", "architecture", "groups", "reason"),
    [
        ({}, {}, (), "a: no such group of examples; allowed: none, in these data"),
        ({"unit_targets": ("a", "z")}, {}, ABC, "z: no such group of examples; allowed: a, b, c"),
        ({"unit_targets": ("a", "a")}, {}, ABC, "contains a group twice"),
        ({"unit_targets": ("a",)}, {}, ABC, "one hidden layer of 1 units"),
        ({}, {"hidden": (2, 2)}, ABC, "one hidden layer of 2 units"),
        ({}, {"act": "tanh"}, ABC, "model.act=sigmoid"),
        ({}, {"bias": False}, ABC, "model.bias=true or fixed"),
        ({}, {"dropout": 0.5}, ABC, "model.dropout=0"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_rejected(
    blob_data: Dataset, training: dict[str, Any], architecture: dict[str, Any], groups: tuple[str, ...], reason: str
) -> None:
    network = replace(ARCHITECTURE, **architecture).network(2, 2, blob_data.train.y, "float64")
    data = replace(blob_data, groups=groups)
    assert reason in refusal(refuse_unfit, network, replace(TRAINING, **training), data)


def test_fixed_biases_of_units_are_not_trained_and_each_update_is_recorded(blob_data: Dataset) -> None:
    fixed = replace(ARCHITECTURE, bias="fixed")
    network, streams = fixed.network(2, 2, blob_data.train.y, "float64"), Streams.of(0)
    fixed.initialize(network, streams.initialization)
    theta = network.parameters.theta.copy()
    units = train_units(network, OPTIMIZERS["sgd"](lr=1.0), blob_data, TRAINING, streams)
    np.testing.assert_array_equal(network.parameters.b[0], theta[-3:-1])
    assert (network.parameters.W[0].ravel() != theta[:4]).all()
    assert output_layer(network).fixed
    for unit, rows in enumerate(units.steps):
        assert (rows.shape, rows.dtype) == ((200, 4), np.float32)  # loss, two weights, bias
        np.testing.assert_allclose(rows[0, 1:], theta[[unit, 2 + unit, 6 + unit]], rtol=1e-6)
        assert (rows[:, 3] == rows[0, 3]).all()
        assert rows[-10:, 0].mean() < rows[:10, 0].mean()


def test_a_unit_that_diverges_is_detected_and_leaves_finite_weights(blob_data: Dataset) -> None:
    network, streams = initialized(blob_data, "float32")
    huge = OPTIMIZERS["sgd"](lr=1e38, l2=10.0)
    with held(1), pytest.raises(Diverged, match="diverged in the unit for a"):
        train_units(network, huge, blob_data, TRAINING, streams)
    assert np.isfinite(network.parameters.theta).all()
