"""The layers of a model, as `src.show` lists them."""

from pathlib import Path

import numpy as np
import pytest

from src.analysis.layers import Layer, layers, words
from src.nn.architecture import Architecture
from src.runs.model import Model, load_model, save_model


def saved(folder: Path, dtype: str = "float32", **keys: object) -> Model:
    architecture = Architecture(**keys)  # type: ignore[arg-type]
    network = architecture.network(20, 2, np.zeros(4, np.int64), dtype)
    save_model(folder / "model.npz", network, architecture, {"labels": ["no", "yes"]})
    return load_model(folder / "model.npz")


def test_each_layer_has_its_shape_activation_dropout_and_size(tmp_path: Path) -> None:
    model = saved(tmp_path, hidden=(7, 5), act=("relu", "tanh"), dropout=(0.1, 0.25))
    assert layers(model) == [
        Layer("hidden 1", 20, 7, 7, "relu", 0.1, 147, 588),
        Layer("hidden 2", 7, 5, 5, "tanh", 0.25, 40, 160),
        Layer("output", 5, 2, 2, "softmax", 0, 12, 48),
    ]
    assert words(model) == "20-7-5-2, softmax, cross_entropy, float32"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("hidden", [(), (3,), (3, 4, 5)])
def test_parameters_and_bytes_add_up(bias: bool, hidden: tuple[int, ...], tmp_path: Path) -> None:
    model = saved(tmp_path, "float64", hidden=hidden, bias=bias, output="sigmoid", loss="mse")
    theta = model.network.parameters.theta
    assert sum(layer.parameters for layer in layers(model)) == theta.size
    assert sum(layer.bytes for layer in layers(model)) == theta.nbytes
    assert len(layers(model)) == len(hidden) + 1


def test_a_single_output_names_its_threshold(tmp_path: Path) -> None:
    keys = {"single_output": True, "threshold": 0.3, "output": "sigmoid", "loss": "binary_cross_entropy"}
    assert (
        words(saved(tmp_path, hidden=(3,), **keys)) == "20-3-1, sigmoid, binary_cross_entropy, float32, threshold 0.3"
    )
