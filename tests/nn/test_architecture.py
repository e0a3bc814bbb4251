from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from src.nn.activations import ACTIVATIONS
from src.nn.architecture import Architecture
from src.nn.losses import HEADS, LOSSES, OUTPUTS
from src.optim.optimizers import OPTIMIZERS
from tests.helpers.refusals import refusal

Y = np.repeat([0, 1, 2], [50, 30, 20])


@pytest.mark.parametrize("hidden", [(), (5,), (6, 5, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_network_has_the_layers_of_the_settings(hidden: tuple[int, ...], bias: bool) -> None:
    network = Architecture(hidden=hidden, bias=bias, dropout=0.25).network(8, 3, Y, "float64")
    assert network.widths == (8, *hidden, 3)
    assert len(network.parameters.b) == (len(hidden) + 1 if bias else 0)
    assert network.dropout == (0.25,) * len(hidden)
    assert network.dtype == np.float64
    assert not network.parameters.theta.any()


@pytest.mark.parametrize(("output", "loss"), HEADS)
@pytest.mark.parametrize("act", ACTIVATIONS)
def test_names_are_looked_up_in_the_tables(act: str, output: str, loss: str) -> None:
    network = Architecture(act=act, output=output, loss=loss).network(4, 3, Y, "float32")
    assert network.activations == (ACTIVATIONS[act],)
    assert network.head is HEADS[output, loss]


@pytest.mark.parametrize("pair", sorted({(o, l) for o in OUTPUTS for l in LOSSES} - set(HEADS)))
def test_a_pair_that_is_not_in_the_table_is_rejected(pair: tuple[str, str]) -> None:
    message = refusal(Architecture, output=pair[0], loss=pair[1])
    assert f"model.output={pair[0]} with model.loss={pair[1]}: no such pair" in message


def test_a_list_has_a_value_for_each_layer_and_equal_values_are_one() -> None:
    mixed = Architecture(hidden=(6, 5, 4), act=("relu", "tanh", "relu"), dropout=(0.5, 0.0, 0.2))
    network = mixed.network(8, 3, Y, "float64")
    assert network.activations == tuple(ACTIVATIONS[name] for name in ("relu", "tanh", "relu"))
    assert network.dropout == (0.5, 0.0, 0.2)
    assert Architecture(hidden=(6, 5), act=("relu", "relu"), dropout=(0.2, 0.2)) == Architecture(
        hidden=(6, 5), act="relu", dropout=0.2
    )
    linear = Architecture(hidden=(), act=(), dropout=())
    assert linear.network(8, 3, Y, "float64").activations == ()


@pytest.mark.parametrize("key", ["act", "dropout"])
@pytest.mark.parametrize("hidden", [(), (5,), (6, 5, 4)])
def test_a_list_of_another_length_than_the_layers_is_rejected(key: str, hidden: tuple[int, ...]) -> None:
    values = {"act": ("relu", "tanh"), "dropout": (0.1, 0.2)}[key]
    message = refusal(Architecture, hidden=hidden, **{key: values})
    given, layers = (",".join(map(str, entries)) for entries in (values, hidden))
    assert message == (
        f"model.{key}=[{given}]: length 2; allowed: one value for all hidden layers, or a list of length "
        f"{len(hidden)}, with one for each of model.hidden=[{layers}]"
    )


def test_fixed_biases_are_drawn_and_keep_their_values() -> None:
    architecture = Architecture(hidden=(5,), bias="fixed", bias_init="normal", dropout=0.0)
    network = architecture.network(4, 3, Y, "float64")
    architecture.initialize(network, np.random.SeedSequence(1))
    np.testing.assert_array_equal(network.parameters.theta, initial(bias_init="normal"))
    biases = [b.copy() for b in network.parameters.b]
    assert all(b.all() for b in biases)
    x, theta = np.random.default_rng(0).standard_normal((len(Y), 4)), network.parameters.theta
    for kind in OPTIMIZERS.values():
        optimizer = kind(lr=0.1, l2=0.1, clip_norm=0.5)
        state, before = optimizer.init(theta), network.parameters.weights.copy()
        for _ in range(3):
            network.loss_and_gradient(x, Y, np.random.default_rng(0))
            optimizer.step(theta, network.gradient.theta, 0.1, state, network.parameters.weights.size)
        assert (network.parameters.weights != before).all()
        for b, first in zip(network.parameters.b, biases, strict=True):
            np.testing.assert_array_equal(b, first)


def initial(**settings: Any) -> np.ndarray:
    architecture = Architecture(hidden=(5,), **settings)
    network = architecture.network(4, 3, Y, "float64")
    architecture.initialize(network, np.random.SeedSequence(1))
    return network.parameters.theta


@pytest.mark.parametrize(("init", "key"), [("normal", "init_std"), ("uniform", "init_bound")])
def test_a_spread_scales_its_initializer(init: str, key: str) -> None:
    np.testing.assert_allclose(initial(init=init, **{key: 0.6}), 2 * initial(init=init, **{key: 0.3}))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (None, None),
        ((1.0, 2.0, 0.5), [1, 2, 0.5]),
        ("balanced", compute_class_weight("balanced", classes=np.arange(3), y=Y)),
    ],
    ids=["none", "given", "balanced"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_class_weights_are_those_given_or_sklearns(weights: Any, expected: Any, dtype: str) -> None:
    found = Architecture(class_weights=weights).network(4, 3, Y, dtype).class_weights
    if expected is None:
        assert found is None
    else:
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=2 * np.finfo(dtype).eps)
    wide = Architecture(class_weights="balanced").network(4, 5, Y, dtype).class_weights  # two classes have no example
    assert wide is not None
    assert wide.shape == (5,)
    assert np.isfinite(wide).all()


@pytest.mark.parametrize("weights", [(), (1.0,), (1.0, 2.0, 3.0, 4.0)])
def test_another_number_of_class_weights_than_of_classes_is_rejected(weights: tuple[float, ...]) -> None:
    message = refusal(Architecture(class_weights=weights).network, 4, 3, Y, "float32")
    assert message.startswith("model.class_weights=[")
    assert "must be 3 weights, one for each class" in message
