"""Runs, entries of the outbox and studies that version 1 left are read, recorded, predicted from and replayed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from src.data.dataset import Dataset
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.studies.comparisons.results import read_results
from src.training.metrics import predict as run_through
from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.stores import stored

FIXTURE = ROOT / "tests" / "fixtures" / "version1"
FIRST = "1416c06c24995f07067fb1a8c4c4de8fdfee355880c45a6b4c84270e559a8b5b"  # and in the store
SECOND = "ee711d65a542473f7723a449206226620174093468ccdb1f23d1acccb2dede31"  # not yet in the store
DIVERGED = "cd8a0269f51057f14f8c409a338ac4a91baed84278767eb41d2bfb4e2aff8e5f"
COMMIT = "3fe21de470ec"


@pytest.fixture
def runs(home: Path) -> Path:
    shutil.copytree(FIXTURE / "runs", home / "runs")
    return home / "runs"


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_a_finished_run_is_read(runs: Path, name: str, digits: Dataset) -> None:
    assert RunFolder(runs / name).finished()
    assert RunFolder(runs / name).cause() is None
    assert [record["epoch"] for record in RunFolder(runs / name).journal()] == [1, 2, 3]
    run = FinishedRun.open(runs / name)
    assert run.fingerprint == name
    assert run.config.model.hidden == (8,)
    assert run.config.train.arithmetic == "native"  # the key is later
    assert run.history["valid_accuracy"][-1] == run.result["valid"]["accuracy"]
    assert run.scores["overall"]["num_samples"] == len(digits.test.y)
    assert run.model.header["weights_sha256"] == run.result["weights_sha256"]
    found = run_through(run.model.network, digits.test.x, digits.test.y)
    np.testing.assert_array_equal(found.labels, run.predictions.labels)
    assert found.accuracy == run.result["test"]["accuracy"]


@pytest.mark.parametrize(
    ("status", "reason", "cause"),
    [
        ("killed", "interrupted", "interrupted"),
        ("killed", "its process died", "died"),
        ("failed", "damaged: model.npz is cut", "damaged"),
        ("killed", "its status was damaged", "damaged"),
        ("failed", "ValueError: diverged", "error"),
        ("running", "", None),
    ],
)
def test_the_cause_of_a_failure_is_read_from_its_words(runs: Path, status: str, reason: str, cause: str | None) -> None:
    file = runs / DIVERGED / "status.json"
    assert "cause" not in RunFolder(runs / DIVERGED).status()
    assert RunFolder(runs / DIVERGED).cause() == "diverged"
    file.write_text(f'{{"status": "{status}", "reason": "{reason}", "pid": 1, "host": "x", "started": 1, "time": 2}}')
    assert RunFolder(runs / DIVERGED).cause() == cause


def test_a_model_predicts(runs: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 64)))
    done = run_main("predict", str(runs / FIRST), str(tmp_path / "x.npy"))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 3


def test_a_study_is_read() -> None:
    results = read_results(FIXTURE / "runs" / "studies" / ".tiny-2ef7c2bb" / "results")
    assert results.name == "tiny-2ef7c2bb"
    assert [(run.variant, run.seed, run.status) for run in results.runs] == [
        (variant, seed, "finished") for variant in ("relu", "tanh") for seed in (0, 1)
    ]
    assert all(len(results.values(variant.name, results.report_on)) == 2 for variant in results.variants)


def test_pending_entries_are_recorded(runs: Path, home: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, home / "mlflow.db")
    printed = run_main("sync", "--all").stdout
    assert "relu-he-adam s0" in printed
    assert "relu-he-adam s1" in printed
    assert {run.data.tags["fingerprint"] for run in stored(home)} == {FIRST, SECOND}
    for run in stored(home):
        assert run.info.status == "FINISHED"
        result = FinishedRun.open(runs / run.data.tags["fingerprint"]).result
        assert run.data.metrics["test/accuracy"] == result["test"]["accuracy"]


def test_a_replay_names_the_code_and_how_to_replay_with_it(
    runs: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.replays.retraining.prepare", lambda recipe: digits)
    done = run_main("replay", str(runs / SECOND))
    assert done.returncode == 1
    assert "different; these decide the bits and have changed: code" in done.stderr
    assert f"git worktree add ../then {COMMIT}" in done.stdout
    assert "config" not in [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert "test/accuracy" in done.stdout
