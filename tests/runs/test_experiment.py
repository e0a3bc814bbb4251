"""A run: its folder, its identity, and the same bits whoever watches."""

import csv
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.figures.registry import DRAWINGS
from src.figures.run_figures import RunFigures
from src.foundation.errors import RunFailed, UserError
from src.runs import fingerprint as identity
from src.runs.experiment import run
from src.runs.fingerprint import fingerprint
from src.runs.folder import HISTORY
from src.runs.model import load_model, weights_digest
from src.runs.tracker import InMemory, NullTracker, TrackerGroup
from src.training.metrics import predict
from src.training.processor import held

Small = Callable[..., Config]


def test_a_finished_run_leaves_its_files(home: Path, digits: Dataset, small: Small) -> None:
    outcome = run(small(), digits, NullTracker())
    folder = outcome.folder.path
    assert folder.parent == home / "runs"
    assert folder.name == fingerprint(small(), digits)["fingerprint"]
    present = {file.name for file in folder.iterdir()}
    assert {"config.yaml", "history.csv", "model.npz", "result.json", "timing.json", "journal.jsonl"} <= present
    with (folder / "history.csv").open() as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == HISTORY
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    timing = json.loads((folder / "timing.json").read_text())
    assert set(timing) == {"seconds", "images_per_second"}
    assert timing["images_per_second"] == pytest.approx(3 * len(digits.train.y) / timing["seconds"])
    assert outcome.folder.status()["status"] == "finished"


def test_the_result_is_that_of_the_model_in_the_folder(home: Path, digits: Dataset, small: Small) -> None:
    outcome = run(small(), digits, NullTracker())
    model = load_model(outcome.folder.path / "model.npz")
    assert weights_digest(model.network) == outcome.result["weights_sha256"] == model.header["weights_sha256"]
    for name in ("train", "valid", "test"):
        examples = getattr(digits, name)
        with held(1):
            predictions = predict(model.network, examples.x, examples.y)
        assert {"loss": predictions.loss, "accuracy": predictions.accuracy} == outcome.result[name]
    with np.load(outcome.folder.path / "predictions.npz", allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["predicted"], predictions.probabilities.argmax(axis=1))
        np.testing.assert_array_equal(stored["probability"], predictions.probabilities.max(axis=1))


def test_a_training_repeats_to_the_bit(home: Path, digits: Dataset, small: Small) -> None:
    config = small("model.dropout=0.3", "optimizer=momentum")
    first = run(config, digits, NullTracker())
    model = (first.folder.path / "model.npz").read_bytes()
    again = run(small("model.dropout=0.3", "optimizer=momentum", "train.fresh=true"), digits, InMemory())
    assert not first.reused
    assert not again.reused
    assert again.folder.path == first.folder.path
    assert again.result == first.result
    assert (again.folder.path / "model.npz").read_bytes() == model
    assert run(small("seed=1"), digits, NullTracker()).result["weights_sha256"] != first.result["weights_sha256"]


def test_a_finished_run_is_not_trained_twice(home: Path, digits: Dataset, small: Small) -> None:
    first = run(small(), digits, NullTracker())
    watched = InMemory()
    again = run(small(), digits, watched)
    assert (first.reused, again.reused) == (False, True)
    assert again.result == first.result
    assert [event for event, _ in watched.events] == ["started", "ended"]


def test_a_tracker_is_told_of_every_epoch_after_it_stands_in_the_journal(
    home: Path, digits: Dataset, small: Small
) -> None:
    seen = []

    class Watching(InMemory):
        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            super().advanced(folder, record)
            seen.append(json.loads((folder / "journal.jsonl").read_text().splitlines()[-1]) == record)

    watched = Watching()
    run(small(), digits, watched)
    assert [event for event, _ in watched.events] == ["started", "advanced", "advanced", "advanced", "ended"]
    assert seen == [True, True, True]


def test_a_diverged_run_fails_with_its_epoch_and_the_last_finite_model(
    home: Path, digits: Dataset, small: Small
) -> None:
    config = small("optimizer=sgd", "optimizer.lr=1e20", "schedule=constant")
    watched = InMemory()
    with pytest.raises(RunFailed, match=r"failed: diverged at epoch 1"):
        run(config, digits, watched)
    _, folder = watched.events[-1]
    status = json.loads((folder / "status.json").read_text())
    assert (status["status"], status["reason"]) == ("failed", "diverged at epoch 1")
    assert np.isfinite(load_model(folder / "model.npz").network.parameters.theta).all()
    assert not (folder / "result.json").exists()


def test_a_run_that_failed_is_tried_again(home: Path, digits: Dataset, small: Small) -> None:
    class Full(NullTracker):
        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(small(), digits, Full())
    outcome = run(small(), digits, NullTracker())
    assert not outcome.reused
    assert outcome.folder.status()["status"] == "finished"


def test_an_interrupted_run_is_told_as_killed(home: Path, digits: Dataset, small: Small) -> None:
    class Interrupted(InMemory):
        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            raise KeyboardInterrupt

    watched = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        run(small(), digits, watched)
    event, folder = watched.events[-1]
    assert event == "ended"
    assert json.loads((folder / "status.json").read_text())["status"] == "killed"


def test_early_stopping_keeps_the_best_epoch(home: Path, digits: Dataset, small: Small) -> None:
    config = small("train.epochs=200", "train.patience=3", "train.monitor=valid_loss", "optimizer.lr=0.05")
    outcome = run(config, digits, NullTracker())
    journal = outcome.folder.journal()
    losses = [record["valid_loss"] for record in journal]
    best = losses.index(min(losses)) + 1
    assert len(journal) == outcome.result["epochs"] == best + 3 < 200
    assert outcome.result["kept_epoch"] == best
    assert outcome.result["valid"]["loss"] == pytest.approx(min(losses), rel=1e-12)


@pytest.mark.parametrize(
    "override",
    ["seed=1", "model.act=tanh", "optimizer.lr=0.002", "train.batch_size=31", "train.threads=2", "train.dtype=float64"],
)
def test_what_decides_results_decides_the_fingerprint(digits: Dataset, small: Small, override: str) -> None:
    assert fingerprint(small(override), digits)["fingerprint"] != fingerprint(small(), digits)["fingerprint"]


@pytest.mark.parametrize("override", ["name=mine", "tracking=mlflow", "data.mirror=/elsewhere", "train.fresh=true"])
def test_what_only_names_or_records_does_not(digits: Dataset, small: Small, override: str) -> None:
    assert fingerprint(small(override), digits) == fingerprint(small(), digits)


def test_data_code_and_environment_decide_the_fingerprint(
    digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {fingerprint(small(), digits)["fingerprint"]}
    seen.add(fingerprint(small(), dataclasses.replace(digits, sha256="0" * 64))["fingerprint"])
    with monkeypatch.context() as patch:
        patch.setattr(identity, "code_digest", lambda words: "0" * 64)
        seen.add(fingerprint(small(), digits)["fingerprint"])
    with monkeypatch.context() as patch:
        patch.setattr(identity, "environment", lambda threads: {"blas": "another"})
        seen.add(fingerprint(small(), digits)["fingerprint"])
    assert len(seen) == 4


def test_a_figure_that_fails_costs_a_warning(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setitem(DRAWINGS, "curves", fail)
    watched = InMemory()
    outcome = run(small(), digits, TrackerGroup([RunFigures(digits), watched]))
    assert outcome.folder.status()["status"] == "finished"
    assert watched.events[-1][0] == "ended"
    assert capsys.readouterr().err.count("no ink") == 1


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.hidden=[65536,65536]", r"model\.hidden=\[65536,65536\]: 4,.* parameters; allowed"),
        ("train.batch_size=100000", r"train\.batch_size=100000: must be <= 1258"),
        ("model.class_weights=[1,2]", r"model\.class_weights=\[1\.0,2\.0\]: must be 10 weights"),
    ],
)
def test_what_does_not_fit_the_data_is_refused_before_anything_is_written(
    home: Path, digits: Dataset, small: Small, override: str, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        run(small(override), digits, NullTracker())
    assert not (home / "runs").exists()
