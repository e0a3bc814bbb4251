"""What the texts print comes out, to every printed digit, wherever their random streams are known."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.data.recipes import prepare
from src.nn.arithmetic import NATIVE
from src.nn.arrays import Array
from src.prediction.predictions import open_model, predictions
from src.prediction.signature import RawExamples
from src.runs.folder import RunFolder
from src.training.metrics import SCORES
from src.training.session import build_network
from src.training.streams import Streams
from tests.experiments.conftest import Trained
from tests.helpers.composing import composed

PRINTED: dict[str, Any] = json.loads((Path(__file__).parent / "printed" / "made_with_ml.json").read_text())
# Decimals of the loss and of the accuracy; 100 if that is printed in per cent; and how many rows come out.
ROWS = {
    "spiral_linear": (2, 1, 100, 10),
    "spiral_mlp": (3, 3, 1, 10),
    "spiral_adam": (2, 1, 100, 10),
    "noise_overfit": (2, 1, 100, 6),  # at the least: some time later, rounding parts the ways
}


def rows(name: str, folder: RunFolder) -> list[tuple[int, str, str]]:
    """The printed rows of an experiment, from our journal."""
    decimals, of_accuracy, percent, _ = ROWS[name]
    running = composed(f"experiment={name}").train.running_metrics  # those of an update have the number of its epoch

    def row(epoch: int, loss: float, right: float) -> tuple[int, str, str]:
        return epoch - running, f"{loss:.{decimals}f}", f"{percent * right:.{of_accuracy}f}"

    return [row(record["epoch"], record["train_loss"], record["train_accuracy"]) for record in folder.journal()]


@pytest.mark.parametrize("name", ROWS)
def test_the_printed_rows_come_out(trained: Trained, name: str) -> None:
    decimals, of_accuracy, _, exact = ROWS[name]
    expected = [(row, f"{loss:.{decimals}f}", f"{right:.{of_accuracy}f}") for row, loss, right in PRINTED[name]["rows"]]
    found = {row: (row, *values) for row, *values in rows(name, trained(name).folder)}
    assert [found[row] for row, *_ in expected[:exact]] == expected[:exact]


@pytest.mark.parametrize("name", ["spiral_linear", "spiral_mlp", "spiral_adam"])
def test_the_printed_report_comes_out_to_fifteen_digits(trained: Trained, name: str) -> None:
    report = json.loads((trained(name).folder.path / "test.json").read_text())
    printed = PRINTED[name]["report"]
    pairs = [(report["overall"], printed["overall"])]
    pairs += [(report["class"][label], printed["class"][label]) for label in ("c1", "c2", "c3")]
    for found, expected in pairs:
        assert found["num_samples"] == expected["num_samples"]
        for score in SCORES:
            assert found[score] == pytest.approx(expected[score], abs=1e-15), score


def test_the_printed_prediction_comes_out(trained: Trained) -> None:
    model, signature = open_model(str(trained("spiral_adam").folder.path / "model.npz"))
    point = RawExamples(["new"], np.array([[0.1, 0.1]]))
    np.testing.assert_allclose(signature.inputs(point), [[0.22746497, 0.29242354]], atol=5e-9)
    [prediction] = predictions(model, signature, point)
    assert (prediction.label, f"{prediction.probability:.0%}") == ("c1", "92%")


def outputs(*overrides: str, root: Path) -> Array:
    """[n, outputs], the pre-activations of the output layer for the training examples, before any training."""
    config = composed(*overrides)
    dataset = prepare(config.data, root)
    network = build_network(config.model, dataset, config.train)
    streams = Streams.of(config.seed, config.rng, config.draws, len(dataset.train.y))
    config.model.initialize(network, streams.initialization)
    a = np.asarray(dataset.train.x, config.train.dtype)
    z = a @ network.parameters.W[0] + network.parameters.b[0]
    for activation, W, b in zip(network.activations, network.parameters.W[1:], network.parameters.b[1:], strict=True):
        a = np.empty_like(z)
        activation.value(NATIVE, z, a)
        z = a @ W + b
    return z


def test_the_first_look_at_an_untrained_network_comes_out(tmp_path: Path) -> None:
    logits = outputs("experiment=spiral_mlp", "draws.skip=7651", root=tmp_path)[0]
    np.testing.assert_allclose(logits, [-9.85444376e-05, 1.67334360e-03, -6.31717987e-04], rtol=5e-9)


def test_an_untrained_network_calls_every_point_of_xor_class_0(trained: Trained, tmp_path: Path) -> None:
    p = 1 / (1 + np.exp(-outputs("experiment=xor_untrained", root=tmp_path)))
    assert (f"{p.min():.3f}", f"{p.max():.3f}") == ("0.069", "0.197")
    first, _ = trained("xor_untrained").folder.journal()
    assert (first["epoch"], first["train_accuracy"]) == (0, 0.5)


@pytest.mark.parametrize("name", ["xor_sigmoid", "xor_tanh", "xor_relu", "perceptrons_xor"])
def test_the_tutorials_seeds_separate_xor(trained: Trained, name: str) -> None:
    result = trained(name).result
    assert result["train"]["accuracy"] == 1
    assert {*result.get("units", {}).values()} <= {1.0}


@pytest.mark.parametrize(("order", "right"), [((), 418), (("train.update_first=true",), 415)])  # textbook, the text
def test_the_tutorials_digits_come_out(trained: Trained, order: tuple[str, ...], right: int) -> None:
    assert round(540 * trained("digits_8x8", *order).result["test"]["accuracy"]) == right
