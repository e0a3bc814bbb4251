"""A replay lists what differs, trains beside the record, and compares the results."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from src.data.dataset import Dataset
from src.foundation.errors import RunFailed, UserError
from src.replays.agreement import DIFFERENT, EQUAL, IDENTICAL, Agreement, compare
from src.replays.differences import DECISIVE, HARMLESS, POSSIBLE, differences
from src.replays.retraining import Replay, advice, plan, retrain
from src.runs.fingerprint import fingerprint
from src.runs.finished import FinishedRun, by_fingerprint
from src.runs.tracker import Tracker
from src.runs.training_run import Outcome, about, run
from tests.helpers.composing import Small

BOUND = 1e-4


@pytest.fixture
def recorded(home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """A finished run, and the data of which it is."""
    monkeypatch.setattr("src.replays.retraining.prepare", lambda recipe: digits)
    return run(small("model.dropout=0.3"), digits, Tracker())


def planned(folder: Path) -> Replay:
    return plan(FinishedRun.open(folder))


def replay(folder: Path, bound: float = BOUND) -> Agreement:
    return retrain(planned(folder), Tracker(), bound)


def edit(file: Path, change: Callable[[Any], None]) -> None:
    tree = json.loads(file.read_text())
    change(tree)
    file.write_text(json.dumps(tree))


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_each_replay_trains_to_the_same_bits_and_leaves_the_record_alone(recorded: Outcome) -> None:
    before = files(recorded.folder.path)
    ready = planned(recorded.folder.path)
    assert ready.differences == []
    assert ready.expects_same_bits
    agreement = replay(recorded.folder.path)
    assert (agreement.verdict, agreement.weights, agreement.epochs_alike) == (IDENTICAL, 0.0, 3)
    assert agreement.reproduced
    assert files(recorded.folder.path) == before
    assert ready.folder.path != recorded.folder.path
    first = ready.folder.run()
    assert first["replay"]["verdict"] == IDENTICAL
    assert first["tags"]["replay.of"] == recorded.folder.path.name
    history = recorded.folder.path / "history.csv"
    lines = history.read_text().splitlines()
    lines[2] = lines[2].replace("2,", "2,1", 1)  # another result of the second epoch
    history.write_text("\n".join(lines) + "\n")
    assert replay(recorded.folder.path).epochs_alike == 1
    assert ready.folder.run()["attempt"] != first["attempt"]


def test_where_other_start_values_are_drawn_nothing_is_trained(
    recorded: Outcome, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    legacy = run(small("train.arithmetic=portable", "rng=legacy"), digits, Tracker()).folder.path
    assert replay(legacy).verdict == IDENTICAL
    monkeypatch.setattr("src.runs.model.weights_digest", lambda network: "what another C library draws")
    with pytest.raises(RunFailed, match="this machine draws other start values"):
        planned(legacy)
    assert planned(recorded.folder.path).expects_same_bits


def test_another_result_is_told_apart(recorded: Outcome, digits: Dataset, small: Small) -> None:
    # The record of one seed, under the configuration of another.
    other = run(small("model.dropout=0.3", "seed=1"), digits, Tracker())
    shutil.copy(other.folder.path / "config.yaml", recorded.folder.path / "config.yaml")
    ready = planned(recorded.folder.path)
    assert [difference.what for difference in ready.differences] == ["config"]
    assert not ready.expects_same_bits
    agreement = replay(recorded.folder.path)
    assert agreement.verdict == DIFFERENT
    assert not agreement.reproduced
    assert agreement.epochs_alike == 0
    assert agreement.weights > 0.01


def test_a_small_difference_is_judged_by_the_bound(recorded: Outcome, digits: Dataset, small: Small) -> None:
    other = run(small("train=native", "train.dtype=float64"), digits, Tracker()).folder.path
    edit(other / "result.json", lambda result: result["test"].update(loss=result["test"]["loss"] * (1 + 1e-7)))
    edit(other / "result.json", lambda result: result.update(weights_sha256="0" * 64))
    assert replay(other).verdict == EQUAL
    assert replay(other, bound=1e-9).verdict == DIFFERENT


def test_without_the_model_the_metrics_judge(recorded: Outcome) -> None:
    folder = recorded.folder.path
    (folder / "model.npz").unlink()
    original = FinishedRun.open(folder)
    assert replay(folder).weights is None
    far = {"weights_sha256": "0", "test": {"loss": 9.0, "accuracy": 0.5}}
    for change, verdict in (({}, IDENTICAL), ({"weights_sha256": "0"}, EQUAL), (far, DIFFERENT)):
        edit(folder / "result.json", lambda result, change=change: result.update(change))
        agreement = compare(original, FinishedRun.open(folder), BOUND)
        assert agreement.verdict == verdict
        assert agreement.weights is None
        assert verdict == IDENTICAL or "not comparable" in agreement.words


def test_what_differs_is_listed_by_severity(digits: Dataset, small: Small) -> None:
    now = about(small(), fingerprint(small(), digits))
    then = json.loads(json.dumps(now))
    assert differences(then, json.loads(json.dumps(now))) == []
    then["lineage"]["git.commit"] = "0" * 40
    then["surroundings"]["cpu"]["model"] = "another one"
    then["surroundings"]["packages"]["mlflow"] = "1.0"
    then["digests"]["code"] = "0" * 64
    then["environment"]["numpy"] = "1.26.4"
    del then["environment"]["flush_to_zero"]
    found = {difference.what: difference for difference in differences(then, now)}
    assert {name: difference.severity for name, difference in found.items()} == {
        "code": DECISIVE,
        "numpy": DECISIVE,
        "flush_to_zero": DECISIVE,
        "cpu.model": POSSIBLE,
        "packages.mlflow": HARMLESS,
        "git.commit": HARMLESS,
    }
    severities = [difference.severity for difference in differences(then, now)]
    assert severities == sorted(severities, key=[DECISIVE, POSSIBLE, HARMLESS].index)
    assert found["flush_to_zero"].then == "not recorded"
    assert found["code"].then == "0" * 12
    portable = {
        difference.what for difference in differences(then, now, portable=True) if difference.severity != HARMLESS
    }
    assert portable == {"code"}  # no machine has an influence


def test_a_portable_run_is_identical_or_different_by_any_bound(home: Path, digits: Dataset, small: Small) -> None:
    folder = run(small(), digits, Tracker()).folder.path
    replay = planned(folder)
    assert retrain(replay, Tracker(), bound=0.5).verdict == IDENTICAL
    edit(folder / "result.json", lambda result: result["test"].update(loss=result["test"]["loss"] * (1 + 1e-9)))
    assert retrain(planned(folder), Tracker(), bound=0.5).verdict == DIFFERENT


def test_other_code_comes_with_the_commit_to_check_out(recorded: Outcome) -> None:
    folder = recorded.folder.path
    edit(folder / "run.json", lambda run: run["digests"].update(code="0" * 64))
    edit(folder / "run.json", lambda run: run["lineage"].update({"git.commit": "ab" * 20, "git.dirty": "true"}))
    (folder / "diff.patch").write_text("a patch")
    ready = planned(folder)
    assert ready.code_differs
    assert f"git worktree add ../then abababababab, and in it git apply {folder}/diff.patch" in advice(ready.original)
    edit(folder / "run.json", lambda run: run["lineage"].update({"git.commit": "x; rm -rf /"}))
    assert "names no commit" in advice(planned(folder).original)


def test_other_data_are_a_difference_and_missing_data_or_an_unknown_configuration_a_failure(
    recorded: Outcome, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = mock.Mock(return_value=dataclasses.replace(digits, sha256="0" * 64))
    monkeypatch.setattr("src.replays.retraining.prepare", prepare)
    assert [d.what for d in planned(recorded.folder.path).differences] == ["data"]
    prepare.side_effect = UserError("made by another recipe")
    with pytest.raises(RunFailed, match="its data or its start are not available: made by another recipe"):
        planned(recorded.folder.path)
    file = recorded.folder.path / "config.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"gone": 1}))
    with pytest.raises(RunFailed, match="does not understand its configuration: gone=1: no such key"):
        planned(recorded.folder.path)


def test_a_run_is_found_by_the_beginning_of_its_fingerprint(recorded: Outcome, digits: Dataset, small: Small) -> None:
    name = recorded.folder.path.name
    for prefix in (name, name[:8]):
        found = by_fingerprint(prefix)
        assert found is not None
        assert found.path == recorded.folder.path
    assert by_fingerprint("0" * 64) is None
    assert by_fingerprint("no hex") is None
    for seed in range(1, 17):
        run(small(f"seed={seed}", "train.epochs=1"), digits, Tracker())
    first = [path.name[0] for path in recorded.folder.path.parent.iterdir()]
    twice = next(digit for digit in first if first.count(digit) > 1)
    with pytest.raises(UserError, match=f"{twice}: {first.count(twice)} fingerprints start with it"):
        by_fingerprint(twice)
