"""A claim's quantity, read from the folder of a run that was really trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.scaling import scaled
from src.foundation.files import read_json
from src.runs.folder import RunFolder
from src.runs.model import load_model
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.studies.replicas.claims import Claim
from src.studies.replicas.measurements import Measurements
from src.training.metrics import predict


@pytest.fixture
def trained(home: Path, small: Callable[..., Config], digits: Dataset) -> RunFolder:
    """A run of four epochs, evaluated at the start and after every second one, with dropout on, too."""
    more = ("train.epochs=4", "train.evaluate_every=2", "train.evaluate_at_start=true", "train.metrics=[squared_error]")
    return run(small(*more, "model.dropout=0.2", "train.evaluate_dropout=true"), digits, Tracker()).folder


def value(folder: RunFolder, metric: str, epoch: int | None = None, at: tuple[float, ...] = ()) -> float | None:
    return Measurements.of(folder).value(Claim(metric=metric, epoch=epoch, at=at, value=0.0, digits=1))


def test_without_an_epoch_it_is_the_result(trained: RunFolder) -> None:
    result = trained.result()
    for part in ("train", "valid", "test"):
        assert set(result[part]) == {
            f"{name}{suffix}" for name in ("loss", "accuracy", "squared_error") for suffix in ("", "_with_dropout")
        }
        for quantity, expected in result[part].items():
            assert value(trained, f"{part}/{quantity}") == expected


def test_the_scores_of_the_test_set_are_there_whatever_else_was_measured(trained: RunFolder) -> None:
    overall = read_json(trained.path / "test.json")["overall"]
    for name in ("precision", "recall", "f1"):
        assert value(trained, f"test/{name}") == overall[name]


def test_with_an_epoch_it_is_the_journal_s_line(trained: RunFolder) -> None:
    lines = {record["epoch"]: record for record in trained.journal()}
    assert set(lines) == {0, 2, 4}
    for epoch, line in lines.items():
        for part in ("train", "valid"):
            assert value(trained, f"{part}/loss", epoch) == line[f"{part}_loss"]
            assert value(trained, f"{part}/accuracy", epoch) == line[f"{part}_accuracy"]
            for name in ("squared_error", "accuracy_with_dropout"):
                assert value(trained, f"{part}/{name}", epoch) == line["metrics"][f"{part}/{name}"]
    assert value(trained, "valid/loss", 4) == trained.result()["valid"]["loss"]
    assert value(trained, "valid/loss", 0) != value(trained, "valid/loss", 2)


@pytest.mark.parametrize("epoch", [1, 6])
def test_an_epoch_that_was_not_reached_has_no_value(trained: RunFolder, epoch: int) -> None:
    assert value(trained, "valid/loss", epoch) is None
    assert value(trained, "valid/squared_error", epoch) is None


def test_a_new_point_goes_through_the_saved_scaling_and_labels(trained: RunFolder, digits: Dataset) -> None:
    raw = tuple(float(pixel) for pixel in np.arange(64) % 17)
    told = [value(trained, f"new/{label}", at=raw) for label in digits.labels]
    x = scaled(np.array([raw]), dict(digits.scaling))
    expected = predict(load_model(trained.path / "model.npz").network, x, np.zeros(1, np.int64)).probabilities[0]
    assert told == pytest.approx(expected.tolist())
    assert sum(filter(None, told)) == pytest.approx(1, abs=1e-6)
