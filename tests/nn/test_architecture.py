import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from src.foundation.errors import UserError
from src.nn.activations import ACTIVATIONS
from src.nn.architecture import Architecture
from src.nn.initializers import INITIALIZERS
from src.nn.losses import HEADS, LOSSES, OUTPUTS

Y = np.repeat([0, 1, 2], [50, 30, 20])


@pytest.mark.parametrize("hidden", [(), (5,), (6, 5, 4)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_network_has_the_layers_that_are_asked_for(hidden: tuple[int, ...], bias: bool) -> None:
    network = Architecture(hidden=hidden, bias=bias, dropout=0.25).network(8, 3, Y, "float64")
    assert network.widths == (8, *hidden, 3)
    assert len(network.parameters.b) == (len(hidden) + 1 if bias else 0)
    assert network.dropout == 0.25
    assert network.dtype == np.float64
    assert not network.parameters.theta.any()


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_looks_its_activation_up(act: str) -> None:
    assert Architecture(act=act).network(4, 3, Y, "float32").activation is ACTIVATIONS[act]


@pytest.mark.parametrize(("output", "loss"), HEADS)
def test_looks_its_head_up(output: str, loss: str) -> None:
    assert Architecture(output=output, loss=loss).network(4, 3, Y, "float32").head is HEADS[output, loss]


@pytest.mark.parametrize("pair", sorted({(o, l) for o in OUTPUTS for l in LOSSES} - set(HEADS)))
def test_refuses_pairs_that_make_no_sense(pair: tuple[str, str]) -> None:
    with pytest.raises(UserError, match=rf"model.output={pair[0]} with model.loss={pair[1]}: no such pair") as refusal:
        Architecture(output=pair[0], loss=pair[1])
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("init", INITIALIZERS)
def test_initializes_with_its_spread_and_repeats_itself(init: str) -> None:
    thetas = []
    for _ in range(2):
        architecture = Architecture(hidden=(5,), init=init, init_std=0.3, init_bound=0.2)
        network = architecture.network(4, 3, Y, "float32")
        architecture.initialize(network, np.random.SeedSequence(1))
        thetas.append(network.parameters.theta.tobytes())
    assert thetas[0] == thetas[1]


def test_spreads_scale_the_fixed_initializers() -> None:
    def weights(**settings: float | str) -> np.ndarray:
        architecture = Architecture(hidden=(5,), **settings)
        network = architecture.network(4, 3, Y, "float64")
        architecture.initialize(network, np.random.SeedSequence(1))
        return network.parameters.weights

    np.testing.assert_allclose(weights(init="normal", init_std=0.6), 2 * weights(init="normal", init_std=0.3))
    np.testing.assert_allclose(weights(init="uniform", init_bound=0.6), 2 * weights(init="uniform", init_bound=0.3))


class TestClassWeights:
    def test_balanced_are_sklearns(self) -> None:
        network = Architecture(class_weights="balanced").network(4, 3, Y, "float64")
        expected = compute_class_weight("balanced", classes=np.arange(3), y=Y)
        np.testing.assert_allclose(network.class_weights, expected, rtol=1e-14)

    def test_balanced_stand_a_class_without_examples(self) -> None:
        network = Architecture(class_weights="balanced").network(4, 5, Y, "float64")
        assert network.class_weights is not None
        assert network.class_weights.shape == (5,)
        assert np.isfinite(network.class_weights).all()

    def test_given_ones_are_taken_as_they_are(self) -> None:
        network = Architecture(class_weights=(1.0, 2.0, 0.5)).network(4, 3, Y, "float32")
        assert network.class_weights is not None
        assert network.class_weights.tolist() == [1, 2, 0.5]
        assert network.class_weights.dtype == np.float32

    def test_none_by_default(self) -> None:
        assert Architecture().network(4, 3, Y, "float32").class_weights is None

    @pytest.mark.parametrize("weights", [(), (1.0,), (1.0, 2.0, 3.0, 4.0)])
    def test_refuses_another_number_than_there_are_classes(self, weights: tuple[float, ...]) -> None:
        with pytest.raises(UserError, match="must be 3 weights, one for each class") as refusal:
            Architecture(class_weights=weights).network(4, 3, Y, "float32")
        assert "model.class_weights=[" in str(refusal.value)
        assert "\n" not in str(refusal.value)
