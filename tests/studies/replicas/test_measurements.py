"""A claim's quantity, read from the folder of a run that was really trained."""

from pathlib import Path

import numpy as np
import pytest

from src.data.dataset import Dataset
from src.data.scaling import scaled
from src.foundation.files import read_json
from src.runs.model import load_model
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.studies.replicas.claims import Claim
from src.studies.replicas.collect import Measurements
from src.training.metrics import WITH_DROPOUT, predict
from tests.helpers.composing import Small


def test_a_run_s_quantities_are_those_of_its_files(
    home: Path, small: Small, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of four epochs, evaluated at the start and after every second one, with dropout on, too."""
    more = ("train.epochs=4", "train.evaluate_every=2", "train.evaluate_at_start=true", "train.metrics=[squared_error]")
    trained = run(small(*more, "model.dropout=0.2", "train.evaluate_dropout=true"), digits, Tracker()).folder
    measurements = Measurements.of(trained, planned=4)
    monkeypatch.setattr("src.studies.replicas.collect.prepare", lambda _: digits)
    assert (measurements.stopped, Measurements.of(trained, planned=5).stopped) == (None, 4)

    def value(metric: str, epoch: int | None = None, at: tuple[float, ...] = (), **more: str) -> float | None:
        return measurements.value(Claim(metric=metric, epoch=epoch, at=at, value=0.0, digits=1, **more))

    # Without an epoch: the result, and the scores of the test set, whatever else was measured.
    result = trained.result()
    measured = {f"{name}{suffix}" for name in ("loss", "accuracy", "squared_error") for suffix in ("", WITH_DROPOUT)}
    for part in ("train", "valid", "test"):
        assert set(result[part]) == measured
        for quantity, expected in result[part].items():
            assert value(f"{part}/{quantity}") == expected
    scores = read_json(trained.path / "test.json")
    for name in ("precision", "recall", "f1"):
        assert value(f"test/{name}") == scores["overall"][name]
        for label in digits.labels:
            assert value(f"test/{name}", label=label) == scores["class"][label][name]
    # With dropout on, the masks are those of the run's own evaluation.
    dropped = measurements.scores_with_dropout
    assert (dropped["loss"], dropped["accuracy"]) == tuple(
        result["test"][f"{name}{WITH_DROPOUT}"] for name in ("loss", "accuracy")
    )
    assert dropped["class"] != scores["class"]
    for label in digits.labels:
        assert value(f"test/recall{WITH_DROPOUT}", label=label) == dropped["class"][label]["recall"]
    assert measurements.dead == tuple(label for label in digits.labels if scores["class"][label]["recall"] == 0)

    # With one: the journal's line, if the epoch was evaluated.
    lines = {record["epoch"]: record for record in trained.journal()}
    assert set(lines) == {0, 2, 4}
    for epoch, line in lines.items():
        for part in ("train", "valid"):
            assert value(f"{part}/loss", epoch) == line[f"{part}_loss"]
            assert value(f"{part}/accuracy", epoch) == line[f"{part}_accuracy"]
            for name in ("squared_error", "accuracy_with_dropout"):
                assert value(f"{part}/{name}", epoch) == line["metrics"][f"{part}/{name}"]
    assert value("valid/loss", 4) == result["valid"]["loss"]
    assert value("valid/loss", 0) != value("valid/loss", 2)
    for epoch in (1, 6):
        assert value("valid/loss", epoch) is None
        assert value("valid/squared_error", epoch) is None

    # A new point goes through the saved scaling and labels.
    raw = tuple(float(pixel) for pixel in np.arange(64) % 17)
    told = [value(f"new/{label}", at=raw) for label in digits.labels]
    x = scaled(np.array([raw]), dict(digits.scaling))
    expected = predict(load_model(trained.path / "model.npz").network, x, np.zeros(1, np.int64)).probabilities[0]
    assert told == pytest.approx(expected.tolist())
    assert sum(filter(None, told)) == pytest.approx(1, abs=1e-6)
