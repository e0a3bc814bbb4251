"""Checkpoints: the complete state of a training in a sealed file, so that it can resume to the same bits.

Two generations are kept: the newer one is renamed before its successor is written. So a damaged or incomplete file
costs one interval at most.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.foundation.files import canonical_json
from src.foundation.npz import DAMAGE, read_npz, write_npz
from src.nn.architecture import MOST_PARAMETERS
from src.nn.arrays import Array
from src.nn.network import Network
from src.training.early_stopping import EarlyStopping
from src.training.loop import Epoch, Progress, Training
from src.training.streams import Streams

GENERATIONS = ("checkpoint.npz", "checkpoint.previous.npz")  # the newer one first
_FORMAT = 2
_SLOT, _RECORDED = "slot_", "recorded"
_MOST_VECTORS = 4  # shaped like the parameters: they, the best ones so far, and the optimizer's slots
_LIMIT = _MOST_VECTORS * 8 * MOST_PARAMETERS + (64 << 20)  # bytes; the last term is for the header


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file. `Saver.save` lists the keys of the header."""

    path: Path
    header: dict[str, Any]
    arrays: dict[str, Array]

    @property
    def history(self) -> list[dict[str, Any]]:
        """The epoch records up to here."""
        return list(self.header["history"])

    @property
    def position(self) -> str:
        """The position in the training, such as `1 epoch and 3 updates`."""
        counts = [(self.header["epoch"], "epoch"), (self.header["step"], "update")]
        return " and ".join(f"{n} {noun}{'s' * (n != 1)}" for n, noun in counts if n or noun == "epoch")


def read(path: Path) -> Checkpoint:
    """Reads and verifies a checkpoint. Raises `ValueError` if it is damaged, `FileNotFoundError` if there is none."""
    arrays = read_npz(path, _LIMIT)
    try:
        header = json.loads(str(arrays.pop("header")))
        if header["format"] != _FORMAT or not isinstance(header["fingerprint"], str):
            raise ValueError(f"it is not a checkpoint of format {_FORMAT}")
        if any(record["epoch"] > header["epoch"] for record in header["history"]):
            raise ValueError("its history has later epochs")
    except DAMAGE as error:
        raise ValueError(str(error)) from None
    return Checkpoint(path, header, arrays)


def whole(folder: Path, identity: str, warn: Callable[[str], None]) -> Iterator[Checkpoint]:
    """The valid checkpoints of the run `identity` in a folder, newest first; warns of others."""
    for name in GENERATIONS:
        try:
            checkpoint = read(folder / name)
            if checkpoint.header["fingerprint"] != identity:
                raise ValueError("it belongs to another run")
            yield checkpoint
        except FileNotFoundError:
            continue
        except ValueError as error:
            warn(f"{folder / name} is damaged ({error}) and ignored")


def remove(folder: Path) -> None:
    """Removes the checkpoints in a folder."""
    for name in GENERATIONS:
        (folder / name).unlink(missing_ok=True)


class Saver:
    """Writes the checkpoints of one training, every so many epochs or seconds."""

    def __init__(
        self,
        folder: Path,
        identity: str,
        training: Training,
        network: Network,
        streams: Streams,
        progress: Progress,
        keeper: EarlyStopping,
    ) -> None:
        self._folder, self._identity, self._training = folder, identity, training
        self._network, self._streams, self._progress, self._keeper = network, streams, progress, keeper
        self._history: list[Mapping[str, Any]] = []
        self._saved_at = time.monotonic()  # not affected by changes of the clock
        self._saved_epoch = progress.epoch
        self._newer_is_whole = False  # only then may it replace the previous one

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restores a checkpoint. Raises `ValueError`, and changes nothing, if it does not fit this training."""
        try:
            self._restore(checkpoint.header, checkpoint.arrays)
        except DAMAGE as error:
            raise ValueError(f"its state does not fit this training: {error}") from None
        self._history = [*checkpoint.history]
        self._saved_epoch = self._progress.epoch
        self._newer_is_whole = checkpoint.path.name == GENERATIONS[0]

    def _restore(self, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        theta, at = self._network.parameters.theta, self._progress
        arrays = dict(arrays)
        recorded = arrays.pop(_RECORDED) if self._training.record_steps else at.record.rows
        slots = {name.removeprefix(_SLOT): array for name, array in arrays.items() if name.startswith(_SLOT)}
        fitting = all((array.shape, array.dtype) == (theta.shape, theta.dtype) for array in arrays.values())
        if not fitting or slots.keys() != at.state.slots.keys() or not {"theta", "best"} <= arrays.keys():
            raise ValueError("its arrays have other names, shapes or dtypes")
        epoch, step, steps = (_count(header[key]) for key in ("epoch", "step", "steps"))
        seconds = float(header["seconds"])
        summed, right, examples = header["running"]
        running = (float(summed), _count(right), _count(examples))
        best = None if header["best"] is None else Epoch(**header["best"])
        before = at.record.rows
        at.record.rows = recorded
        try:
            self._streams.restore(header["order"], header["dropout"])
        except DAMAGE:
            at.record.rows = before
            raise

        theta[:] = arrays["theta"]
        for name, slot in at.state.slots.items():
            slot[:] = slots[name]
        at.state.steps = steps
        at.epoch, at.step, at.seconds, at.order, at.running = epoch, step, seconds, header["order"], running
        self._keeper.restore(best, arrays["best"])

    def after_step(self) -> None:
        """Saves within an epoch if enough seconds have passed."""
        seconds = self._training.checkpoint_seconds
        if seconds is not None and time.monotonic() - self._saved_at >= seconds:
            self.save()

    def after_epoch(self, record: Mapping[str, Any]) -> None:
        """Adds an epoch record to the history, and saves if enough epochs have passed."""
        self._history.append(record)
        self.after_unevaluated()

    def after_unevaluated(self) -> None:
        """Saves if enough epochs have passed."""
        epochs = self._training.checkpoint_epochs
        if epochs is not None and self._progress.epoch - self._saved_epoch >= epochs:
            self.save()

    def save(self) -> None:
        """Writes a checkpoint; if the disk is full, the previous one stays."""
        at, newer = self._progress, self._folder / GENERATIONS[0]
        best = self._keeper.best
        header = {
            "format": _FORMAT,
            "fingerprint": self._identity,
            "epoch": at.epoch,
            "step": at.step,
            "seconds": at.seconds,
            "steps": at.state.steps,
            "seed": self._streams.seed,  # of the initial weights, which are drawn once, before the first epoch
            "order": at.order,
            "running": at.running,
            "dropout": self._streams.dropout_state,
            "best": None if best is None else dataclasses.asdict(best),
            "history": self._history,
        }
        arrays = {"theta": self._network.parameters.theta, "best": self._keeper.theta}
        if self._training.record_steps:
            arrays[_RECORDED] = at.record.rows
        slots = {f"{_SLOT}{name}": slot for name, slot in at.state.slots.items()}
        if self._newer_is_whole and newer.exists():
            newer.replace(self._folder / GENERATIONS[1])
        write_npz(newer, {"header": np.array(canonical_json(header).decode()), **arrays, **slots})
        self._saved_at, self._saved_epoch = time.monotonic(), at.epoch
        self._newer_is_whole = True


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value
