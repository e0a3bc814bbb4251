"""Resuming a run: from its last whole checkpoint, with a journal that must agree with the epochs trained again."""

import dataclasses
import sys
from typing import Any

from src.foundation.errors import RunFailed, UserError
from src.runs.folder import RunFolder
from src.training.checkpoint import Saver, whole
from src.training.loop import Epoch, Training

_TIMES = ("seconds", "images_per_second")


def resume(folder: RunFolder, identity: str, training: Training, saver: Saver) -> list[dict[str, Any]]:
    """Restores the last checkpoint; returns the journal, which may hold epochs that have to be trained again.

    Warns on stderr of files that are damaged, and says where training continues.
    """
    known: list[dict[str, Any]] = []
    try:
        known = folder.journal()
        epochs = [record["epoch"] for record in known]
        if epochs != training.evaluated()[: len(epochs)]:
            known = []
            raise UserError(f"{folder.path}: the journal lacks epochs")
    except UserError as error:
        _warn(f"{error}; the epochs after the last checkpoint are recorded again")
    found = None
    for checkpoint in whole(folder.path, identity, _warn):
        try:
            saver.restore(checkpoint)
        except ValueError as error:
            _warn(f"{checkpoint.path} is not used: {error}")
            continue
        found = checkpoint
        # A power cut may have kept the checkpoint, and lost lines of the journal.
        known = [*found.history, *(record for record in known if record["epoch"] > found.header["epoch"])]
        break
    folder.reopen(known)
    where = (
        f"after {found.position}, from {found.path}" if found else f"at the start, with no checkpoint: {folder.path}"
    )
    print(f"resuming {where}", file=sys.stderr)
    return known


def journal_epoch(folder: RunFolder, epoch: Epoch, known: list[dict[str, Any]]) -> dict[str, Any]:
    """Adds an epoch to the journal; returns its epoch record.

    known: the records from before the training was cut off. An epoch among them keeps its record; raises `RunFailed`
    if this time it has other values.
    """
    values = dataclasses.asdict(epoch)
    if not values["metrics"]:
        del values["metrics"]
    record = next((record for record in known if record["epoch"] == epoch.epoch), None)
    if record is None:
        return folder.append(values)
    if differing := [key for key in values if key not in _TIMES and values[key] != record.get(key)]:
        key = differing[0]
        raise RunFailed(
            f"failed: retraining epoch {epoch.epoch} gave {key}={values[key]}, the journal has {record.get(key)}: "
            f"training is not deterministic on this machine; train.fresh=true starts again ({folder.path})"
        )
    return record


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
