"""Run folders that were left open or are damaged are found, and mending them brings the same run back."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from src import doctor
from src.data.dataset import Dataset
from src.foundation.locks import locked
from src.foundation.npz import write_npz
from src.health import checks
from src.health import runs as health
from src.health.runs import (
    damaged_checkpoints,
    damaged_results,
    forget,
    of_other_code,
    orphaned_runs,
    run_folders,
    unreadable_runs,
)
from src.runs import fingerprint, intact
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.training.checkpoint import GENERATIONS
from tests.faults.trainings import InterruptsAfter
from tests.health.mending import flip, mend
from tests.helpers.composing import Small


@pytest.fixture
def finished(home: Path, small: Small, digits: Dataset) -> RunFolder:
    return run(small(), digits, Tracker()).folder


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def other_weights(file: Path) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), "weights_sha256": "0" * 64}))


def lose_a_line(file: Path) -> None:
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))


def test_nothing_is_wrong_where_not_every_epoch_is_evaluated(home: Path, small: Small, digits: Dataset) -> None:
    sparse = ("train.epochs=5", "train.evaluate_every=2", "train.evaluate_at_start=true", "train.metrics=[f1]")
    folder = run(small(*sparse), digits, Tracker()).folder
    assert [epoch["epoch"] for epoch in folder.journal()] == [0, 2, 4, 5]
    assert not list(damaged_results(home))
    lose_a_line(folder.path / "history.csv")
    assert "history.csv: it ends at epoch 4, the result's epoch is 5" in next(damaged_results(home)).what


def test_a_run_without_its_process_is_closed_and_one_with_it_is_left_alone(home: Path, finished: RunFolder) -> None:
    for check in (orphaned_runs, unreadable_runs, damaged_checkpoints, damaged_results):
        assert not list(check(home))
    finished.mark("running", "error", "")
    with locked(finished.path / "lock", str):
        assert not list(orphaned_runs(home))
    [orphan] = orphaned_runs(home)
    assert orphan.mend is not None
    with locked(finished.path / "lock", str):
        orphan.mend()  # of a run that another process has resumed meanwhile
    assert finished.status()["status"] == "running"
    assert mend(orphaned_runs, home).where == finished.path
    assert finished.status()["status"] == "killed"
    assert finished.status()["reason"] == "its process died"
    assert not list(orphaned_runs(home))


DAMAGES = [
    ("model.npz", flip),
    ("model.npz", cut),
    ("predictions.npz", flip),
    ("result.json", cut),
    ("result.json", other_weights),
    ("timing.json", cut),
    ("journal.jsonl", lose_a_line),
    ("history.csv", lose_a_line),
    ("model.npz", Path.unlink),
    ("result.json", Path.unlink),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damaged_results_are_made_anew_and_are_the_same(
    home: Path, small: Small, digits: Dataset, finished: RunFolder, name: str, damage: Callable[[Path], None]
) -> None:
    weights = finished.result()["weights_sha256"]
    damage(finished.path / name)
    assert mend(damaged_results, home).where == finished.path
    assert finished.status()["status"] == "failed"
    assert not list(damaged_results(home))
    again = run(small(), digits, Tracker())
    assert not again.reused
    assert again.result["weights_sha256"] == weights
    assert not list(damaged_results(home))


def test_what_other_code_wrote_is_left_alone_and_counted(
    home: Path, finished: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert of_other_code(home) == (0, 1)
    config = finished.path / "config.yaml"
    known = config.read_text()
    config.write_text(f"{known}key_of_a_later_version: 1\n")
    assert of_other_code(home) == (1, 1)
    assert not list(damaged_results(home))
    config.write_text(known)
    about = finished.run()
    about["digests"]["code"] = "0" * 64
    (finished.path / "run.json").write_text(json.dumps(about))
    flip(finished.path / "model.npz")
    assert not list(damaged_results(home))
    assert of_other_code(home) == (1, 1)
    monkeypatch.setattr(doctor, "ROOT", home)
    monkeypatch.setattr(checks, "CHECKS", (damaged_results,))
    doctor.examine(fix=False)  # and does not fail
    counted, verdict = capsys.readouterr().out.splitlines()
    assert counted.startswith("runs: 1 of 1 finished runs are of other code")
    assert verdict == "all is well"


def test_a_run_is_read_again_only_if_it_or_the_code_has_changed_or_if_all_is_asked_for(
    home: Path, finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[RunFolder] = []
    damage = health._damage_of
    monkeypatch.setattr(health, "_damage_of", lambda folder, run: (reads.append(folder), damage(folder, run))[1])

    def found() -> tuple[list[Path], int]:
        reads.clear()
        findings = [finding.where for finding in damaged_results(home)]
        assert of_other_code(home) == (0, 1)
        return findings, len(reads)

    read, remembered = ([], 1), ([], 0)
    assert found() == remembered  # as it was when it had finished
    there = [file for name in intact.FILES if (file := finished.path / name).exists()]
    assert len(there) == len(intact.FILES) - 1  # it has no start
    for file in there:
        os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
        assert (found(), found()) == (read, remembered)
    memory = home / "runs/.intact.jsonl"
    line = memory.read_text()
    others = ["{}", "[]", "[" * 100_000, json.dumps([finished.path.name, "", 1]), json.dumps(["", "", True]), "\0" * 99]
    for content in ("", line[:-9], *others):
        memory.write_text(content)
        assert (found(), found()) == (read, remembered)
    with monkeypatch.context() as patch:
        patch.setattr(intact, "read_capped", Mock(side_effect=PermissionError(13, "permission denied")))
        assert found() == ([], 2)  # by each of the two checks
    memory.unlink()
    memory.mkdir()
    assert found() == ([], 2)
    memory.rmdir()
    assert (found(), found()) == (read, remembered)
    digest = fingerprint.code_digest
    other = lambda used_by=None: digest(used_by) if used_by else "of other code"  # noqa: E731
    monkeypatch.setattr(fingerprint, "code_digest", other)
    assert (found(), found()) == (read, remembered)
    model = finished.path / "model.npz"
    before = model.stat().st_mtime_ns
    flip(model)
    os.utime(model, ns=(0, before))  # as a bad disk does
    assert found() == remembered
    forget(home)
    for _ in range(2):
        findings, times = found()
        assert (findings, times > 0) == ([finished.path], True)


@pytest.mark.parametrize("failing", ["stat", "open", "write"])
@pytest.mark.usefixtures("home")
def test_a_run_that_cannot_be_noted_as_whole_has_finished(
    small: Small, digits: Dataset, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    refusal = Mock(side_effect=PermissionError(13, "permission denied"))
    beside = {name: getattr(os, name) for name in ("stat", "open", "write", "close", "O_WRONLY", "O_CREAT", "O_APPEND")}
    monkeypatch.setattr(intact, "os", Mock(**beside | {failing: refusal}))
    folder = run(small(), digits, Tracker()).folder
    assert refusal.called
    assert folder.finished()


@pytest.mark.parametrize("name", ["status.json", "run.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"status": "finis', "\0\0\0"])
def test_a_run_that_does_not_know_itself_is_trained_again(
    home: Path, small: Small, digits: Dataset, finished: RunFolder, name: str, content: str
) -> None:
    weights = finished.result()["weights_sha256"]
    (finished.path / name).write_text(content)
    mend(unreadable_runs, home)
    for check in (orphaned_runs, unreadable_runs, damaged_results):
        assert not list(check(home))
    assert run(small(), digits, Tracker()).result["weights_sha256"] == weights


def hold_something_else(file: Path) -> None:
    write_npz(file, {})


@pytest.mark.parametrize("damage", [flip, hold_something_else])
def test_a_damaged_checkpoint_is_removed_and_its_run_goes_on_from_the_other(
    home: Path, small: Small, digits: Dataset, capfd: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    config = small("train.epochs=5", "train.checkpoint_epochs=1")
    with pytest.raises(KeyboardInterrupt):
        run(config, digits, InterruptsAfter(3))
    [folder] = run_folders(home)
    newer, older = (folder.path / name for name in GENERATIONS)
    assert not list(damaged_checkpoints(home))
    damage(newer)
    assert mend(damaged_checkpoints, home).where == newer
    assert not newer.exists()
    resumed = run(config, digits, Tracker())
    assert str(older) in capfd.readouterr().err
    retrained = run(small("train.epochs=5", "train.checkpoint_epochs=1", "train.fresh=true"), digits, Tracker())
    assert retrained.result["weights_sha256"] == resumed.result["weights_sha256"]
