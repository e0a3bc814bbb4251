"""Progress on a terminal: lines above a progress bar."""

import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.runs.metric import SETS
from src.runs.tracker import Tracker


class EpochLines(Tracker):
    """A tracker that prints losses, accuracies, speed and the remaining time at each evaluated epoch.

    every: epochs between evaluations; valid: what the validation set is called.
    """

    def __init__(self, epochs: int, every: int = 1, valid: str = SETS["valid"]) -> None:
        self._epochs, self._every = epochs, every
        self._valid = valid.replace(SETS["valid"], "valid")
        self._bar = progress_bar(epochs, "epoch")
        self._start = time.perf_counter()
        self._before: int | None = None  # epochs that an earlier process has trained

    def started(self, folder: Path) -> None:
        self._start = time.perf_counter()

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        if self._before is None:
            self._before = max(record["epoch"] - self._every, 0)
            self._bar.update(self._before)
        trained = record["epoch"] - self._before
        left = (time.perf_counter() - self._start) / max(trained, 1) * (self._epochs - record["epoch"])
        line = (
            f"epoch {record['epoch']:>{len(str(self._epochs))}}/{self._epochs}"
            f"  train {record['train_loss']:.4f} {record['train_accuracy']:7.2%}"
            f"  {self._valid} {record['valid_loss']:.4f} {record['valid_accuracy']:7.2%}"
            f"  {record['images_per_second']:8,.0f} images/s  {left:3.0f} s left"
        )
        print_above(self._bar, line)
        self._bar.update(record["epoch"] - self._bar.n)

    def ended(self, folder: Path) -> None:
        self._bar.close()


def progress_bar(total: int, unit: str) -> Any:
    """A bar at the bottom of a terminal; not shown if there is none."""
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, leave=False, disable=not sys.stderr.isatty(), dynamic_ncols=True)


def print_above(bar: Any, line: str) -> None:
    """Prints a line above a bar."""
    with contextlib.suppress(BrokenPipeError):  # a reader that leaves, as in `| head`, does not end the training
        bar.write(line, file=sys.stdout)
        sys.stdout.flush()
