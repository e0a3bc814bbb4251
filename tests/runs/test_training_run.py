"""A run: its folder, what its tracker sees, and how it ends."""

import json
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from src.data.dataset import Dataset
from src.foundation.errors import RunFailed, UserError
from src.runs.fingerprint import fingerprint
from src.runs.finished import FinishedRun
from src.runs.folder import HISTORY
from src.runs.model import load_model, weights_digest
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.runs.usage import USAGE
from src.training.metrics import predict
from src.training.processor import held
from tests.helpers.composing import Small


def events(tracker: Mock) -> list[str]:
    return [name for name, _, _ in tracker.method_calls]


def test_a_finished_run_leaves_what_its_reader_reads_keeps_its_best_epoch_and_shows_each_to_its_tracker(
    home: Path, digits: Dataset, small: Small
) -> None:
    written = []

    def advanced(folder: Path, record: object) -> None:
        written.append(json.loads((folder / "journal.jsonl").read_text().splitlines()[-1]) == record)

    stopping = ("train.epochs=200", "train.patience=3", "train.monitor=valid_loss", "optimizer.lr=0.05")
    config = small("train.metrics=[f1]", *stopping)
    tracker = Mock(**{"advanced.side_effect": advanced})
    outcome = run(config, digits, tracker)
    folder, journal = outcome.folder.path, outcome.folder.journal()
    assert folder == home / "runs" / fingerprint(config, digits)["fingerprint"]
    assert outcome.folder.status()["status"] == "finished"
    assert events(tracker) == ["started", *["advanced"] * len(journal), "ended"]
    assert written == [True] * len(journal)

    finished = FinishedRun.open(folder)
    assert (finished.name, FinishedRun(folder, label="x").name) == (outcome.folder.run()["name"], "x")
    assert finished.config.plain() == finished.plain_config == config.plain()
    assert tuple(finished.history) == (*HISTORY, "train_f1", "valid_f1")
    assert finished.history["epoch"] == [record["epoch"] for record in journal]
    assert finished.history["valid_f1"] == [record["metrics"]["valid/f1"] for record in journal]
    assert finished.timing.keys() == {"seconds", "images_per_second", *USAGE}
    assert finished.timing["cpu_seconds"] > 0
    assert finished.timing["wall_seconds"] >= finished.timing["seconds"]
    assert 10 < finished.timing["peak_memory_mb"] < 10_000
    images = len(journal) * len(digits.train.y)
    assert finished.timing["images_per_second"] == pytest.approx(images / finished.timing["seconds"])

    losses = finished.history["valid_loss"]
    best = losses.index(min(losses)) + 1
    assert finished.result == outcome.result
    assert len(losses) == outcome.result["epochs"] == best + 3 < 200
    assert outcome.result["kept_epoch"] == best
    assert outcome.result["valid"]["loss"] == pytest.approx(min(losses), rel=1e-12)

    model = finished.model
    assert weights_digest(model.network) == outcome.result["weights_sha256"] == model.header["weights_sha256"]
    for name in ("train", "valid", "test"):
        examples = getattr(digits, name)
        with held(1):
            predictions = predict(model.network, examples.x, examples.y)
        found = {"loss": predictions.loss, "accuracy": predictions.accuracy}
        assert found.items() <= outcome.result[name].items()
    np.testing.assert_array_equal(finished.predictions.labels, predictions.probabilities.argmax(axis=1))
    np.testing.assert_array_equal(finished.predictions.confidence, predictions.probabilities.max(axis=1))
    assert finished.scores["overall"]["num_samples"] == len(digits.test.y)


def test_a_run_is_trained_once_unless_asked_and_repeats_to_the_bit(home: Path, digits: Dataset, small: Small) -> None:
    overrides = ("model.dropout=0.3", "optimizer=momentum")
    first = run(small(*overrides), digits, Tracker())
    model = (first.folder.path / "model.npz").read_bytes()
    tracker = Mock()
    reused = run(small(*overrides), digits, tracker)
    assert events(tracker) == ["started", "ended"]
    again = run(small(*overrides, "train.fresh=true"), digits, Tracker())
    assert (first.reused, reused.reused, again.reused) == (False, True, False)
    assert again.folder.path == first.folder.path
    assert first.result == reused.result == again.result
    assert (again.folder.path / "model.npz").read_bytes() == model
    assert (
        run(small(*overrides, "seed=1"), digits, Tracker()).result["weights_sha256"] != first.result["weights_sha256"]
    )


def test_recording_steps_changes_no_bit_and_keeps_each_loss(home: Path, digits: Dataset, small: Small) -> None:
    plain, recording = (run(small(*more), digits, Tracker()) for more in ((), ("train.record_steps=true",)))
    assert not recording.reused
    assert recording.folder.path != plain.folder.path
    assert recording.result == plain.result
    assert not (plain.folder.path / "steps.npz").exists()
    assert FinishedRun(plain.folder.path).steps == {}
    steps = FinishedRun(recording.folder.path).steps
    n, size = len(digits.train.y), small().train.batch_size
    sizes = [min(size, n - start) for start in range(0, n, size)]
    assert {name: rows.shape for name, rows in steps.items()} == {"network": (3 * len(sizes), 1)}
    means = np.average(steps["network"].reshape(3, -1), axis=1, weights=sizes)
    running = run(small("train.running_metrics=true"), digits, Tracker())
    np.testing.assert_allclose(means, FinishedRun(running.folder.path).history["train_loss"], rtol=1e-6)


def test_a_training_that_diverges_keeps_the_losses_before(home: Path, digits: Dataset, small: Small) -> None:
    tracker = Mock()
    with pytest.raises(RunFailed):
        run(small(*DIVERGING, "train.record_steps=true"), digits, tracker)
    (folder,) = tracker.ended.call_args.args
    losses = FinishedRun(folder).steps["network"][:, 0]
    assert len(losses) > 0
    assert np.isfinite(losses).all()


DIVERGING = ("optimizer=sgd", "optimizer.lr=1e20", "schedule=constant")


@pytest.mark.parametrize(
    ("overrides", "raised", "status", "cause", "reason"),
    [
        (DIVERGING, None, "failed", "diverged", "diverged at epoch 1"),
        ((), KeyboardInterrupt(), "killed", "interrupted", "interrupted"),
        ((), OSError(28, "No space left"), "failed", "error", "OSError: [Errno 28] No space left"),
    ],
)
def test_a_run_that_does_not_finish_says_why_and_is_trained_next_time(
    home: Path, digits: Dataset, small: Small,
    overrides: tuple[str, ...], raised: BaseException | None, status: str, cause: str, reason: str,
) -> None:  # fmt: skip
    tracker = Mock(**{"advanced.side_effect": raised})
    with pytest.raises(type(raised) if raised else RunFailed, match=None if raised else "failed: diverged at epoch 1"):
        run(small(*overrides), digits, tracker)
    assert events(tracker)[-1] == "ended"
    (folder,) = tracker.ended.call_args.args
    found = json.loads((folder / "status.json").read_text())
    assert (found["status"], found["cause"], found["reason"]) == (status, cause, reason)
    assert np.isfinite(load_model(folder / "model.npz").network.parameters.theta).all()
    assert not (folder / "result.json").exists()
    if raised:
        outcome = run(small(*overrides), digits, Tracker())
        assert (outcome.reused, outcome.folder.path, outcome.folder.finished()) == (False, folder, True)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.hidden=[65536,65536]", r"model\.hidden=\[65536,65536\]: 4,.* parameters; allowed"),
        ("train.batch_size=100000", r"train\.batch_size=100000: must be <= 1258"),
        ("model.class_weights=[1,2]", r"model\.class_weights=\[1\.0,2\.0\]: must be 10 weights"),
    ],
)
def test_what_does_not_fit_the_data_is_rejected_before_anything_is_written(
    home: Path, digits: Dataset, small: Small, override: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(small(override), digits, Tracker())
    assert not (home / "runs").exists()
