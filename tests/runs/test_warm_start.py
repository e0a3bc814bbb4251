"""Going on with a trained network: from its weights, wherever they are, and with its optimizer's state if asked."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed, UserError
from src.foundation.npz import write_npz
from src.optim.optimizers import OPTIMIZERS
from src.replays.agreement import IDENTICAL
from src.replays.retraining import plan, retrain
from src.runs.fingerprint import fingerprint
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.model import load_model, weights_digest
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.runs.warm_start import checked, doubts, pin
from src.sweeps.start import pinned
from tests.helpers.composing import Small
from tests.helpers.refusals import refusal

EVEN = ("schedule=constant", "train.order=fixed", "model.dropout=0")  # each epoch is like every other


def trained(config: Config, digits: Dataset) -> Path:
    return run(pinned(config), digits, Tracker()).folder.path


def theta(folder: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return FinishedRun.open(folder).model.network.parameters.theta


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_trainings_with_the_optimizers_state_are_one_to_the_bit(
    home: Path, digits: Dataset, small: Small, optimizer: str
) -> None:
    even = (*EVEN, f"optimizer={optimizer}", "optimizer.lr=0.01")
    stateful = bool(OPTIMIZERS[optimizer].slots)
    whole = trained(small(*even, "train.epochs=4"), digits)
    half = trained(small(*even, "train.epochs=2"), digits)
    start = (f"train.start_from={half}", f"train.start_optimizer={str(stateful).lower()}")
    seventh = (*start, "seed=7", "train.evaluate_at_start=true")  # whose own weights are not used
    other = trained(small(*even, "train.epochs=2", *seventh), digits)
    np.testing.assert_array_equal(theta(other), theta(whole))
    journal = RunFolder(other).journal()
    assert journal[0]["train_loss"] == RunFolder(half).journal()[-1]["train_loss"]
    assert [one["valid_loss"] for one in journal] == [one["valid_loss"] for one in RunFolder(whole).journal()[1:]]
    anew = trained(small(*even, "train.epochs=2", start[0]), digits)
    assert np.array_equal(theta(anew), theta(whole)) != stateful
    assert (half / "optimizer.npz").exists() == stateful


def test_a_run_is_what_it_starts_from_and_not_where_that_was_found(
    home: Path, digits: Dataset, small: Small, tmp_path: Path
) -> None:
    one, other = (trained(small(f"seed={seed}"), digits) for seed in (0, 1))
    copy = tmp_path / "a copy.npz"
    shutil.copy(one / "model.npz", copy)

    def identity(name: Path | str, *more: str) -> str:
        config = pinned(small(*more))
        named = dataclasses.replace(config, train=dataclasses.replace(config.train, start_from=str(name)))
        return fingerprint(pinned(named), digits)["fingerprint"]

    same = {identity(name) for name in (one, one / "model.npz", copy, one.name, one.name[:12])}
    assert len(same) == 1
    assert len({*same, identity(other), fingerprint(small(), digits)["fingerprint"]}) == 3
    found = pinned(small(f"train.start_from={other}"))
    assert found.train.start_from == f"sha256:{weights_digest(load_model(other / 'model.npz').network)}"
    assert pinned(found) is found
    # Keys that are at their defaults identify no run.
    assert not {"start_from", "start_optimizer"} & small().semantic()["train"].keys()
    assert fingerprint(found, digits)["code"] == fingerprint(small(), digits)["code"]


def test_the_run_folder_has_the_start_and_replays_without_anything_else(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.replays.retraining.prepare", lambda recipe: digits)
    before = trained(small("optimizer=momentum"), digits)
    settings = ("optimizer=momentum", f"train.start_from={before}", "train.start_optimizer=true", "train.epochs=1")
    after = trained(small(*settings), digits)
    assert (after / "start.npz").read_bytes() == (before / "model.npz").read_bytes()
    assert (after / "start_optimizer.npz").read_bytes() == (before / "optimizer.npz").read_bytes()
    assert FinishedRun.open(after).about["lineage"]["start.fingerprint"] == before.name
    shutil.rmtree(before)
    shutil.rmtree(home / "runs" / ".starts")
    replay = plan(FinishedRun.open(after))
    assert replay.expects_same_bits
    assert retrain(replay, Tracker(), 1e-4).verdict == IDENTICAL
    assert (replay.folder.path / "start.npz").exists()

    shutil.rmtree(home / "runs" / ".starts")
    shutil.copy(after / "model.npz", after / "start.npz")
    with pytest.raises(Exception, match=r"start_optimizer.npz: damaged \(it belongs to other weights\)"):
        plan(FinishedRun.open(after))


def test_a_start_that_does_not_fit_is_not_kept_and_another_one_is_not_replayed(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.replays.retraining.prepare", lambda recipe: digits)
    before, other = (trained(small(f"seed={seed}"), digits) for seed in (0, 1))
    with pytest.raises(UserError, match=r"its hidden layers are \[\d+\], model.hidden=\[5,4\]"):
        pinned(small(f"train.start_from={before}", "model.hidden=[5,4]"))
    assert not (home / "runs" / ".starts").exists()
    after = trained(small(f"train.start_from={before}", "train.epochs=1"), digits)
    kept = sorted((home / "runs" / ".starts").iterdir())
    shutil.copy(other / "model.npz", after / "start.npz")
    with pytest.raises(RunFailed, match=r"start\.npz has other weights than the run started from"):
        plan(FinishedRun.open(after))
    assert sorted((home / "runs" / ".starts").iterdir()) == kept


def test_fixed_biases_stay_whatever_the_optimizers_state(home: Path, digits: Dataset, small: Small) -> None:
    before = trained(small("optimizer=momentum", "model.bias_init=normal"), digits)
    start = ("optimizer=momentum", f"train.start_from={before}", "train.start_optimizer=true", "train.epochs=1")
    after = trained(small(*start, "model.bias=fixed"), digits)
    weights = FinishedRun.open(after).model.network.parameters.weights.size
    np.testing.assert_array_equal(theta(after)[weights:], theta(before)[weights:])
    assert not np.array_equal(theta(after)[:weights], theta(before)[:weights])


def test_retraining_that_fails_brings_the_start_back(home: Path, digits: Dataset, small: Small) -> None:
    before = trained(small(), digits)
    config = pinned(small(f"train.start_from={before}", "train.epochs=1"))
    after = run(config, digits, Tracker()).folder
    fresh = dataclasses.replace(config, train=dataclasses.replace(config.train, fresh=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.runs.training_run.save_model", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(fresh, digits, Tracker())
    assert after.finished()
    assert load_model(after.path / "start.npz")


def test_an_early_stop_leaves_no_state_that_belongs_to_other_weights(home: Path, digits: Dataset, small: Small) -> None:
    stopping = ("optimizer=momentum", "optimizer.lr=0.5", "train.epochs=60", "train.patience=2")
    folder = trained(small(*stopping), digits)
    result = FinishedRun.open(folder).result
    assert result["kept_epoch"] < result["epochs"]
    assert not (folder / "optimizer.npz").exists()
    message = refusal(pinned, small("optimizer=momentum", f"train.start_from={folder}", "train.start_optimizer=true"))
    assert message.startswith("train.start_optimizer=true: there is no ")
    assert "kept the weights of its last epoch" in message


@pytest.mark.parametrize("key", ["recipe", "scaling", "labels"])
@pytest.mark.parametrize("value", [None, {}, [], "x", {"source": "nope", "name": "x"}])
def test_a_header_that_lacks_something_gets_one_line(
    home: Path, digits: Dataset, small: Small, key: str, value: Any
) -> None:
    folder = trained(small(), digits)
    network, header = load_model(folder / "model.npz")
    write_npz(
        folder / "model.npz", {"header": np.array(json.dumps(header | {key: value})), **network.parameters.arrays()}
    )
    message = refusal(lambda: checked(pinned(small("train.epochs=1", f"train.start_from={folder}")), digits))
    assert "\n" not in message
    assert "its header lacks labels" in message or "damaged" in message or "its labels are" in message


def test_what_does_not_fit_gets_one_line(home: Path, digits: Dataset, small: Small) -> None:
    before = trained(small("optimizer=momentum"), digits)
    start = f"train.start_from={before}"
    for overrides, message in (
        (("model.hidden=[9]", start), f"{start}: its hidden layers are [8], model.hidden=[9]"),
        (("model.hidden=[8,8]", start), f"{start}: its hidden layers are [8], model.hidden=[8,8]"),
        (("train.start_from=none/such.npz",), "train.start_from=none/such.npz: no such file"),
        (("train.start_from=none/such",), "train.start_from=none/such: not a run folder"),
        (("train.start_from=abc",), "train.start_from=abc: give at least 4 characters of an id"),
        (("train.start_from=", "train.start_optimizer=false"), "train.start_from="),
    ):
        assert refusal(lambda given: pinned(small(*given)), overrides).startswith(message), overrides
    for overrides, message in (
        (("train.start_optimizer=true", "optimizer=adam"), "train.start_optimizer=true: needs train.start_from"),
        ((start, "train.unit_targets=[a]"), "can't be used with train.unit_targets"),
    ):
        assert message in refusal(small, *overrides)

    sigmoid = trained(small("model.output=sigmoid", "model.loss=mse", "train.epochs=1"), digits)
    layers = "its layers are 64-8-10 with biases, in float32; the configuration and the data ask for"
    for overrides, message in (
        ((start, "model.bias=false"), f"{layers} 64-8-10 without biases, in float32"),
        ((start, "train.dtype=float64"), f"{layers} 64-8-10 with biases, in float64"),
        ((start, "model.act=tanh"), "it has model.act=relu; the configuration has model.act=tanh"),
        ((start, "model.loss=mse", "model.output=sigmoid"), "it has model.output=softmax; the configuration has"),
        (
            (f"train.start_from={sigmoid}", "model.output=sigmoid", "model.loss=binary_cross_entropy"),
            "it has model.loss=mse; the configuration has model.loss=binary_cross_entropy",
        ),
        ((start, "optimizer=adam", "train.start_optimizer=true"), "the state has velocity; optimizer=adam needs mean"),
        ((start, "optimizer=sgd", "train.start_optimizer=true"), "the state has velocity; optimizer=sgd needs none"),
        (("train.start_from=sha256:" + "0" * 64,), "not in "),
    ):
        assert message in refusal(checked, pinned(small(*overrides)), digits), overrides
    few = dataclasses.replace(digits, labels=digits.labels[:9])
    assert "ask for 64-8-9 with" in refusal(checked, pinned(small(start)), few)
    turned = dataclasses.replace(digits, labels=digits.labels[::-1])
    assert "its labels are 0, 1, 2" in (message := refusal(checked, pinned(small(start)), turned, "a name"))
    assert message.startswith("train.start_from=a name: ")

    ours = pinned(small(start))
    [kept] = (home / "runs" / ".starts").glob(f"{str(ours.train.start_from)[7:]}.npz")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert "damaged" in refusal(checked, ours, digits)
    assert pinned(small(start)) == ours  # whose source is whole: it is kept again
    assert checked(ours, digits)
    state = before / "optimizer.npz"
    state.write_bytes(state.read_bytes()[:-1])
    damaged = small("optimizer=momentum", start, "train.start_optimizer=true")
    assert f"{state}: damaged" in refusal(pinned, damaged)


def test_portable_arithmetic_on_draws_that_are_not_is_warned_of(small: Small) -> None:
    [found] = small("rng=legacy").warnings
    assert "train.arithmetic=portable with rng=legacy" in found
    assert small().warnings == small("rng=legacy", "train=native").warnings == []


def test_what_a_start_has_seen_or_was_given_otherwise_is_warned_of(home: Path, digits: Dataset, small: Small) -> None:
    start = f"train.start_from={trained(small(), digits)}"
    config = pinned(small(start))
    assert doubts(small(), digits) == doubts(config, digits) == []
    for recipe, scaling, words in (
        ({"seed": 5}, {}, ["another split; it may have seen examples of the validation and test set"]),
        ({"scaling": "none"}, {"kind": "none"}, ["data.scaling: standard there, none here"]),
        ({"seed": 5, "scaling": "none"}, {"kind": "none"}, ["whose inputs are scaled otherwise", "another split"]),
        ({"seed": 5}, {"center": 3.0}, ["another split"]),  # which the statistics follow
    ):
        other = dataclasses.replace(
            digits, recipe=digits.recipe | recipe, scaling=digits.scaling | {"center": 0} | scaling
        )
        found = doubts(config, other)
        assert len(found) == len(words)
        assert all(word in line for word, line in zip(words, found, strict=True))


def test_a_job_starts_from_what_was_checked_whatever_becomes_of_the_file(
    home: Path, digits: Dataset, small: Small
) -> None:
    from src.runs.job import Job

    one, other = (trained(small(f"seed={seed}"), digits) for seed in (0, 1))
    config = pinned(small(f"train.start_from={one}"))
    job = Job("a", "a", "a", config, (f"train.start_from={one}",))
    shutil.copy(other / "model.npz", one / "model.npz")
    assert job.start == str(one)
    assert dataclasses.replace(job, typed=("seed=1",)).start == config.train.start_from
    for typed in ("a\\ b/c", "'a b/c'"):  # as Hydra writes a path with a space, and as users do
        assert dataclasses.replace(job, typed=(f"train.start_from={typed}",)).start == "a b/c"
    again = pinned(small(*job.overrides))
    assert again == config
    assert checked(again, digits) is not None
    assert json.loads(json.dumps(config.semantic())) == again.semantic()
    with pytest.raises(UserError, match="no such file"):
        pin(small(), one / "none.npz", "none")
