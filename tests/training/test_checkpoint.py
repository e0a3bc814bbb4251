"""A training that goes on from a checkpoint, written at any step, comes to the bits of one that was never cut off."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.foundation.npz import write_npz
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from src.training import checkpoint
from src.training.checkpoint import GENERATIONS, Checkpoint, Saver, whole
from src.training.early_stopping import EarlyStopping
from src.training.loop import Progress, Training, train
from src.training.processor import held
from src.training.streams import KINDS, Streams
from tests.training.test_loop import results

NEVER = Training(epochs=3, batch_size=10, checkpoint_seconds=None)
STEPS = 11  # of an epoch


class Killed(Exception):
    pass


class Attempt:
    """One process's worth of a training, with checkpoints in a folder."""

    def __init__(self, plan: Any, folder: Path) -> None:
        self.plan = plan
        self.streams = Streams.of(plan.seed, plan.rng)
        self.network: Network = plan.initialized(self.streams)
        self.progress = Progress.start(plan.optimizer, self.network, self.streams)
        self.keeper = EarlyStopping(plan.training, self.network.parameters.theta)
        self.saver = Saver(folder, "me", plan.training, self.network, self.streams, self.progress, self.keeper)
        self.steps = 0
        self.records: list[Any] = []

    def run(self, save_at: int | None = None, die_at: int | None = None) -> "Attempt":
        def after_step() -> None:
            self.steps += 1
            if self.steps == save_at:
                self.saver.save()
            if self.steps == die_at:
                raise Killed
            self.saver.after_step()

        plan = self.plan
        with held(1):
            for epoch in train(
                self.network, plan.optimizer, plan.schedule, plan.dataset, plan.training, self.streams, self.progress,
                after_step, self.saver.after_unevaluated,
            ):  # fmt: skip
                self.records.append(epoch)
                self.keeper.should_stop(epoch, self.network.parameters.theta)
                self.saver.after_epoch({"epoch": epoch.epoch})
        return self

    @property
    def end(self) -> tuple[bytes, bytes]:
        return self.network.parameters.theta.tobytes(), self.keeper.theta.tobytes()


def latest(folder: Path, identity: str) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, and what is wrong with newer ones; with all, where there is none."""
    wrong: list[str] = []
    return next(whole(folder, identity, wrong.append), None), wrong


def resumed(plan: Any, folder: Path) -> Attempt:
    attempt = Attempt(plan, folder)
    found, wrong = latest(folder, "me")
    assert found is not None
    assert not wrong
    attempt.saver.restore(found)
    return attempt.run()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_step_is_as_good_as_any_other_to_go_on_from(
    plan: Any, tmp_path: Path, optimizer: str, schedule: str, dtype: str
) -> None:
    plan = plan.changed(
        model=replace(plan.model, dropout=0.3),
        optimizer=OPTIMIZERS[optimizer](lr=0.01),
        schedule=SCHEDULES[schedule](by="step", warmup=0.5),
        training=replace(NEVER, patience=2, monitor="valid_loss", dtype=dtype),
    )
    whole = Attempt(plan, tmp_path / "whole").run()
    for step in (1, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 5, 3 * STEPS):
        folder = tmp_path / f"{step}"
        with pytest.raises(Killed):
            Attempt(plan, folder).run(save_at=step, die_at=step)
        on = resumed(plan, folder)
        assert on.end == whole.end, step
        assert on.steps == 3 * STEPS - step
        assert results(on.records) == results(whole.records)[-len(on.records) :]


@pytest.mark.parametrize("rng", KINDS)
@pytest.mark.parametrize(
    "training",
    [
        {"order": "drawn", "steps_per_epoch": STEPS},
        {"order": "fixed", "running_metrics": True},
        {"running_metrics": True, "evaluate_dropout": True},
        {"evaluate_every": 2, "evaluate_at_start": True, "metrics": ("f1",)},
    ],
    ids=str,
)
def test_any_way_to_go_through_the_examples_can_be_gone_on_with(
    plan: Any, tmp_path: Path, training: dict[str, Any], rng: str
) -> None:
    plan = plan.changed(model=replace(plan.model, dropout=0.3), training=replace(NEVER, **training), rng=rng)
    whole = Attempt(plan, tmp_path / "whole").run()
    for step in (1, STEPS, STEPS + 1, 2 * STEPS + 5, 3 * STEPS):
        folder = tmp_path / f"{step}"
        with pytest.raises(Killed):
            Attempt(plan, folder).run(save_at=step, die_at=step)
        on = resumed(plan, folder)
        assert on.end == whole.end, step
        assert results(on.records) == results(whole.records)[-len(on.records) :]


def test_epochs_that_are_not_evaluated_count_too(plan: Any, tmp_path: Path) -> None:
    sparse = replace(NEVER, epochs=9, checkpoint_epochs=2, evaluate_every=4)
    plan = plan.changed(training=sparse)
    whole = Attempt(plan, tmp_path / "whole").run()
    with pytest.raises(Killed):
        Attempt(plan, tmp_path).run(die_at=7 * STEPS - 1)
    found, _ = latest(tmp_path, "me")
    assert found is not None
    assert (found.header["epoch"], [record["epoch"] for record in found.history]) == (6, [4])
    assert resumed(plan, tmp_path).end == whole.end


@pytest.mark.parametrize("every", [1, 2])
def test_after_so_many_epochs_one_is_written_and_no_more_than_that_is_lost(
    plan: Any, tmp_path: Path, every: int
) -> None:
    plan = plan.changed(training=replace(NEVER, epochs=5, checkpoint_epochs=every))
    whole = Attempt(plan, tmp_path / "whole").run()
    with pytest.raises(Killed):
        Attempt(plan, tmp_path).run(die_at=4 * STEPS + 1)
    found, _ = latest(tmp_path, "me")
    assert found is not None
    assert (found.header["epoch"], found.header["step"]) == (4, 0)
    assert [record["epoch"] for record in found.history] == [1, 2, 3, 4]
    assert resumed(plan, tmp_path).end == whole.end


def test_after_so_many_seconds_one_is_written_in_mid_epoch(plan: Any, tmp_path: Path) -> None:
    plan = plan.changed(training=replace(NEVER, checkpoint_seconds=0))
    with pytest.raises(Killed):
        Attempt(plan, tmp_path).run(die_at=15)
    assert [found.position for found in map(checkpoint.read, (tmp_path / name for name in GENERATIONS))] == [
        "1 epochs and 3 updates",
        "1 epochs and 2 updates",
    ]


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "of another run"])
def test_a_damaged_one_is_told_and_the_one_before_is_used(plan: Any, tmp_path: Path, damage: str) -> None:
    plan = plan.changed(training=replace(NEVER, checkpoint_epochs=1))
    whole = Attempt(plan, tmp_path / "whole").run()
    with pytest.raises(Killed):
        Attempt(plan, tmp_path).run(die_at=3 * STEPS)
    newer = tmp_path / GENERATIONS[0]
    content = bytearray(newer.read_bytes())
    if damage == "gone":
        newer.unlink()
    elif damage == "of another run":
        found = checkpoint.read(newer)
        other = str(found.header | {"fingerprint": "other"}).replace("'", '"').replace("None", "null")
        write_npz(newer, {"header": np.array(other), **found.arrays})
    else:
        content[len(content) // 2] ^= 1
        newer.write_bytes(content if damage == "flipped" else content[:-1])
    found, wrong = latest(tmp_path, "me")
    assert found is not None
    assert found.path.name == GENERATIONS[1]
    assert found.header["epoch"] == 1
    assert len(wrong) == (damage != "gone")
    attempt = Attempt(plan, tmp_path)
    attempt.saver.restore(found)
    assert attempt.run().end == whole.end


def test_where_none_is_whole_there_is_none(tmp_path: Path) -> None:
    assert latest(tmp_path, "me") == (None, [])
    for name in GENERATIONS:
        (tmp_path / name).write_bytes(b"")
    found, wrong = latest(tmp_path, "me")
    assert found is None
    assert len(wrong) == 2


def test_the_state_of_another_network_is_not_taken(plan: Any, tmp_path: Path) -> None:
    Attempt(plan, tmp_path).saver.save()
    found = checkpoint.read(tmp_path / GENERATIONS[0])
    for other in (
        plan.changed(model=replace(plan.model, hidden=(3,))),
        plan.changed(optimizer=OPTIMIZERS["momentum"](lr=0.1)),
        plan.changed(training=replace(NEVER, dtype="float64")),
    ):
        attempt = Attempt(other, tmp_path)
        before = attempt.end
        with pytest.raises(ValueError, match="does not fit this training: its arrays have other"):
            attempt.saver.restore(found)
        assert attempt.end == before


@pytest.mark.parametrize("key", ["epoch", "step", "steps", "seconds", "order", "dropout", "best"])
@pytest.mark.parametrize("value", ["gone", "text", {}, [], -1, 1.5, {"bit_generator": "MT19937"}], ids=repr)
def test_a_header_that_is_sealed_and_makes_no_sense_is_not_taken(
    plan: Any, tmp_path: Path, key: str, value: Any
) -> None:
    if (key, value) in (("seconds", -1), ("seconds", 1.5)):
        return  # harmless: a time
    Attempt(plan, tmp_path).run(save_at=15)
    found = checkpoint.read(tmp_path / GENERATIONS[0])
    header = {name: entry for name, entry in found.header.items() if (name, value) != (key, "gone")}
    if value != "gone":
        header[key] = value
    write_npz(tmp_path / GENERATIONS[0], {"header": np.array(json.dumps(header)), **found.arrays})
    attempt = Attempt(plan, tmp_path)
    before = attempt.end
    taken, _ = latest(tmp_path, "me")
    if taken is not None:
        with pytest.raises(ValueError, match="does not fit this training"):
            attempt.saver.restore(taken)
    assert attempt.end == before
    assert attempt.run().end == Attempt(plan, tmp_path / "whole").run().end


def test_a_damaged_newer_one_does_not_take_the_place_of_the_one_before(plan: Any, tmp_path: Path) -> None:
    plan = plan.changed(training=replace(NEVER, checkpoint_epochs=1))
    with pytest.raises(Killed):
        Attempt(plan, tmp_path).run(die_at=2 * STEPS + 1)
    newer, before = (tmp_path / name for name in GENERATIONS)
    good = before.read_bytes()
    newer.write_bytes(b"damaged")
    found, _ = latest(tmp_path, "me")
    assert found is not None
    attempt = Attempt(plan, tmp_path)
    attempt.saver.restore(found)
    attempt.saver.save()
    assert before.read_bytes() == good
    assert checkpoint.read(newer).arrays.keys() == found.arrays.keys()


def test_a_write_that_fails_leaves_the_last_good_one(
    plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = Attempt(plan, tmp_path)
    attempt.saver.save()
    good = (tmp_path / GENERATIONS[0]).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                attempt.saver.save()
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [good]
    found, wrong = latest(tmp_path, "me")
    assert found is not None
    assert not wrong
