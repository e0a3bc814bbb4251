"""What a person sees of a training: a line an epoch, over a progress bar where there is a terminal."""

import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class EpochLines:
    """A tracker that prints each epoch's losses, accuracies, speed, and the time that is left."""

    def __init__(self, epochs: int) -> None:
        from tqdm import tqdm

        self._epochs = epochs
        self._bar = tqdm(total=epochs, unit="epoch", leave=False, disable=not sys.stderr.isatty(), dynamic_ncols=True)
        self._start = time.perf_counter()

    def started(self, folder: Path) -> None:
        self._start = time.perf_counter()

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        left = (time.perf_counter() - self._start) / record["epoch"] * (self._epochs - record["epoch"])
        line = (
            f"epoch {record['epoch']:>{len(str(self._epochs))}}/{self._epochs}"
            f"  train {record['train_loss']:.4f} {record['train_accuracy']:7.2%}"
            f"  valid {record['valid_loss']:.4f} {record['valid_accuracy']:7.2%}"
            f"  {record['images_per_second']:8,.0f} images/s  {left:3.0f} s left"
        )
        with contextlib.suppress(BrokenPipeError):  # a reader that leaves, as in `| head`, does not end the training
            self._bar.write(line, file=sys.stdout)
            sys.stdout.flush()
        self._bar.update()

    def ended(self, folder: Path) -> None:
        self._bar.close()
