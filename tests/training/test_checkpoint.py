"""A training that resumes from a checkpoint of any step gives the bits of one that was not interrupted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from src.foundation.npz import write_npz
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from src.training import checkpoint
from src.training.checkpoint import GENERATIONS, Checkpoint, whole
from src.training.draws import KINDS, MASKS
from src.training.loop import Epoch, Training
from src.training.processor import held
from src.training.session import Session
from tests.training.test_legacy import LAYER_BY_LAYER, ONE_STREAM
from tests.training.test_loop import results

NEVER = Training(epochs=3, batch_size=10, checkpoint_seconds=None)
STEPS = 11  # of an epoch


class Killed(Exception):
    pass


class Attempt:
    """A training by one process, with checkpoints in a folder."""

    def __init__(self, plan: Any, folder: Path) -> None:
        self.session = Session(plan, plan.dataset)
        self.session.prepare()
        self.saver = self.session.saver(folder, "me")
        self.steps = 0
        self.records: list[Epoch] = []

    def run(self, save_at: int | None = None, die_at: int | None = None) -> "Attempt":
        saver_after_step = self.saver.after_step

        def after_step() -> None:
            self.steps += 1
            if self.steps == save_at:
                self.saver.save()
            if self.steps == die_at:
                raise Killed
            saver_after_step()

        def record(epoch: Epoch) -> dict[str, int]:
            self.records.append(epoch)
            return {"epoch": epoch.epoch}

        self.saver.after_step = after_step  # type: ignore[method-assign]
        with held(1):
            self.session.run(self.saver, record)
        return self

    @property
    def end(self) -> tuple[bytes, bytes]:
        """The last weights and the best ones."""
        return self.session.network.parameters.theta.tobytes(), self.session._keeper.theta.tobytes()


def latest(folder: Path, identity: str = "me") -> tuple[Checkpoint | None, list[str]]:
    """The newest valid checkpoint, and the warnings about newer ones; about all, if none is valid."""
    warnings: list[str] = []
    return next(whole(folder, identity, warnings.append), None), warnings


def killed(plan: Any, folder: Path, step: int, save: bool = False) -> Checkpoint:
    """The checkpoint that a training leaves which is killed after a step, and may save just before."""
    with pytest.raises(Killed):
        Attempt(plan, folder).run(save_at=step if save else None, die_at=step)
    found, warnings = latest(folder)
    assert found is not None
    assert not warnings
    return found


def resumed(plan: Any, folder: Path) -> Attempt:
    """The training from the newest valid checkpoint to its end."""
    attempt, (found, _) = Attempt(plan, folder), latest(folder)
    assert found is not None
    attempt.saver.restore(found)
    return attempt.run()


LEARNING = [
    {"optimizer": OPTIMIZERS[name](lr=0.01), "schedule": SCHEDULES[schedule](by="step", warmup=0.5)}
    for name in OPTIMIZERS
    for schedule in ("constant", "cosine")
]
GOING_THROUGH = [
    {"order": "drawn", "steps_per_epoch": STEPS},
    {"order": "fixed", "running_metrics": True},
    {"running_metrics": True, "evaluate_dropout": True},
    {"evaluate_every": 2, "evaluate_at_start": True, "metrics": ("f1",)},
    {"record_steps": True},
]
OTHERWISE = [{}, {"layer_seeds": None}, {"reshuffle": "fresh"}, {"order_first": False, "evaluations_shuffle": True}]
DRAWS = [replace(ONE_STREAM, dropout=masks) for masks in MASKS]
CHANGES: list[dict[str, Any]] = [
    *(change | {"train": {"dtype": dtype}} for change in LEARNING for dtype in ("float32", "float64")),
    *({"train": training, "rng": rng} for training in GOING_THROUGH for rng in KINDS),
    *({"train": training, "rng": "legacy", "draws": draws} for training in GOING_THROUGH for draws in DRAWS),
    *(
        {"train": training, "rng": "legacy", "draws": replace(LAYER_BY_LAYER, **more)}
        for training in ({}, {"running_metrics": True, "evaluate_at_start": True})
        for more in OTHERWISE
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_training_resumes_to_the_same_bits_after_any_step(plan: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    waiting = {"patience": 2, "monitor": "valid_loss"} if "optimizer" in change else {}
    plan = plan.changed(train=NEVER, model={"dropout": 0.3})
    plan = plan.changed(**(change | {"train": change["train"] | waiting}))
    whole = Attempt(plan, tmp_path / "whole").run()
    for step in (1, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 5, 3 * STEPS):
        killed(plan, tmp_path / f"{step}", step, save=True)
        attempt = resumed(plan, tmp_path / f"{step}")
        assert attempt.end == whole.end, step
        assert attempt.steps == 3 * STEPS - step
        recorded, expected = (each.session.steps["network"] for each in (attempt, whole))
        assert recorded.tobytes() == expected.tobytes()
        assert len(expected) == (3 * STEPS if plan.train.record_steps else 0)
        assert results(attempt.records) == results(whole.records)[len(whole.records) - len(attempt.records) :]


@pytest.mark.parametrize(
    ("training", "die_at", "saved", "recorded"),
    [
        ({"epochs": 5, "checkpoint_epochs": 1}, 4 * STEPS + 1, 4, [1, 2, 3, 4]),
        ({"epochs": 5, "checkpoint_epochs": 2}, 4 * STEPS + 1, 4, [1, 2, 3, 4]),
        ({"epochs": 9, "checkpoint_epochs": 2, "evaluate_every": 4}, 7 * STEPS - 1, 6, [4]),
    ],
    ids=str,
)
def test_a_checkpoint_is_written_after_so_many_epochs_evaluated_or_not(
    plan: Any, tmp_path: Path, training: dict[str, Any], die_at: int, saved: int, recorded: list[int]
) -> None:
    plan = plan.changed(train=replace(NEVER, **training))
    found = killed(plan, tmp_path, die_at)
    assert (found.header["epoch"], found.header["step"]) == (saved, 0)
    assert [record["epoch"] for record in found.history] == recorded
    assert resumed(plan, tmp_path).end == Attempt(plan, tmp_path / "whole").run().end


def test_a_checkpoint_is_written_after_so_many_seconds_within_an_epoch(plan: Any, tmp_path: Path) -> None:
    killed(plan.changed(train=replace(NEVER, checkpoint_seconds=0)), tmp_path, 14)
    assert [checkpoint.read(tmp_path / name).position for name in GENERATIONS] == [
        "1 epoch and 2 updates",
        "1 epoch and 1 update",
    ]
    assert Checkpoint(tmp_path, {"epoch": 5, "step": 0}, {}).position == "5 epochs"


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone", "of another run"])
def test_a_damaged_checkpoint_is_reported_and_the_previous_one_used_and_kept(
    plan: Any, tmp_path: Path, damage: str
) -> None:
    plan = plan.changed(train=replace(NEVER, checkpoint_epochs=1))
    found = killed(plan, tmp_path, 3 * STEPS)
    newer, previous = (tmp_path / name for name in GENERATIONS)
    good, content = previous.read_bytes(), bytearray(newer.read_bytes())
    if damage == "gone":
        newer.unlink()
    elif damage == "of another run":
        header = json.dumps(found.header | {"fingerprint": "other"})
        write_npz(newer, {"header": np.array(header), **found.arrays})
    else:
        content[len(content) // 2] ^= 1
        newer.write_bytes(content if damage == "flipped" else content[:-1])
    second, warnings = latest(tmp_path)
    assert second is not None
    assert (second.path, second.header["epoch"]) == (previous, 1)
    assert len(warnings) == (damage != "gone")
    attempt = Attempt(plan, tmp_path)
    attempt.saver.restore(second)
    attempt.saver.save()
    assert previous.read_bytes() == good  # the damaged one did not replace it
    assert checkpoint.read(newer).arrays.keys() == second.arrays.keys()
    assert attempt.run().end == Attempt(plan, tmp_path / "whole").run().end


def test_without_a_valid_checkpoint_there_is_none(tmp_path: Path) -> None:
    assert latest(tmp_path) == (None, [])
    for name in GENERATIONS:
        (tmp_path / name).write_bytes(b"")
    found, warnings = latest(tmp_path)
    assert found is None
    assert len(warnings) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"hidden": (3,)}},
        {"optimizer": OPTIMIZERS["momentum"](lr=0.1)},
        {"train": replace(NEVER, dtype="float64")},
        {"train": replace(NEVER, record_steps=True)},
    ],
    ids=str,
)
def test_the_state_of_another_training_is_rejected(plan: Any, tmp_path: Path, change: dict[str, Any]) -> None:
    Attempt(plan, tmp_path).saver.save()
    attempt = Attempt(plan.changed(**change), tmp_path)
    before = attempt.end
    with pytest.raises(ValueError, match=r"does not fit this training: (its arrays have other|'recorded')"):
        attempt.saver.restore(checkpoint.read(tmp_path / GENERATIONS[0]))
    assert attempt.end == before


GONE = ...  # its repr, and so the names of tests, is the same in each process


@pytest.mark.parametrize("key", ["epoch", "step", "steps", "seconds", "order", "dropout", "best"])
@pytest.mark.parametrize("value", [GONE, "text", {}, [], -1, 1.5, {"bit_generator": "MT19937"}], ids=repr)
@pytest.mark.parametrize("rng", KINDS)
def test_a_sealed_header_that_makes_no_sense_is_rejected(
    plan: Any, tmp_path: Path, key: str, value: Any, rng: str
) -> None:
    if (key, value) in (("seconds", -1), ("seconds", 1.5)):
        return  # harmless: a time
    if rng == "legacy":
        plan = plan.changed(rng=rng, draws=LAYER_BY_LAYER, model={"dropout": 0.3})
    Attempt(plan, tmp_path).run(save_at=15)
    found = checkpoint.read(tmp_path / GENERATIONS[0])
    header = {name: entry for name, entry in (found.header | {key: value}).items() if entry is not GONE}
    write_npz(tmp_path / GENERATIONS[0], {"header": np.array(json.dumps(header)), **found.arrays})
    attempt = Attempt(plan, tmp_path)
    before = attempt.end
    read, _ = latest(tmp_path)
    if read is not None:
        with pytest.raises(ValueError, match="does not fit this training"):
            attempt.saver.restore(read)
    assert attempt.end == before
    assert attempt.run().end == Attempt(plan, tmp_path / "whole").run().end


def test_a_write_that_fails_keeps_the_last_good_checkpoint(
    plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = Attempt(plan, tmp_path)
    attempt.saver.save()
    good = (tmp_path / GENERATIONS[0]).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", Mock(side_effect=OSError(28, "No space left on device")))
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                attempt.saver.save()
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [good]
    found, warnings = latest(tmp_path)
    assert found is not None
    assert not warnings
