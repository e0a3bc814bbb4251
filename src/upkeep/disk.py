"""What takes space on the disk, and what frees it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from src.foundation.files import ROOT, home
from src.runs.listing import run_paths

_OF_A_RUN = {
    "model.npz": "models",
    "optimizer.npz": "optimizer states",
    "predictions.npz": "predictions",
    "steps.npz": "records of updates",
    "start.npz": "starts",
    "start_optimizer.npz": "starts",
    "checkpoint.npz": "checkpoints",
    "checkpoint.previous.npz": "checkpoints",
    "figures": "figures",
    "former": "former results",
}
_PRUNE = "python -m src.runs prune"
# Beside run folders: what it is, where it is, as a pattern, and what frees it.
_PLACES = (
    ("replays", "runs/replays", "removing it; MLflow has the verdicts"),
    ("runs from MLflow, for replays", "runs/.originals", "removing it; it is fetched again"),
    ("starts", "runs/.starts", "-; runs need them"),
    ("studies with overrides, and their reports", "runs/studies", "removing a study's two folders"),
    ("sheets", "runs/sheets", "removing it; its command draws it"),
    ("compared runs", "runs/compared", "removing it; its command makes it again"),
    ("what belongs in MLflow", "runs/.records", _PRUNE),
    ("MLflow: artifacts", "mlartifacts", _PRUNE),
    ("MLflow: database", "mlflow.db", _PRUNE),
    ("MLflow: earlier databases", "mlflow.db.*", "removing them, if MLflow has all runs"),
    ("data", "data", "removing it; dvc repro makes it again, your own from their originals"),
    ("models and reports", "models", ""),
    ("models and reports", "reports", ""),
    ("models and reports", "plots", ""),
    ("DVC's cache", ".dvc/cache", "dvc gc --workspace"),
    ("DVC's queued experiments", ".dvc/tmp/exps", "dvc queue remove --all"),
)


class Usage(NamedTuple):
    """What takes space: its files, the bytes that they take on the disk, and what frees them."""

    what: str
    files: int
    size: int
    freed_by: str


def usage() -> list[Usage]:
    """What takes space in this repository, the largest first. A file with several names counts once."""
    seen = set[tuple[int, int]]()
    found = dict[str, tuple[int, int, str]]()

    def add(what: str, path: Path, freed_by: str) -> None:
        files, size, _ = found.get(what, (0, 0, ""))
        for there in _files(path):
            if (identity := (there.st_dev, there.st_ino)) not in seen:
                seen.add(identity)
                files, size = files + 1, size + there.st_blocks * 512
        found[what] = (files, size, freed_by)

    for path in run_paths():
        _, folders, files = next(os.walk(path), ("", [], []))  # none of a run that is removed at this moment
        for name in (*folders, *files):
            add(f"runs: {_OF_A_RUN.get(name, 'journals, results, texts')}", path / name, _PRUNE)
    for what, place, freed_by in _PLACES:
        for path in (home() if place.startswith(("runs", "mlflow", "mlart", ".dvc/tmp")) else ROOT).glob(place):
            add(what, path, freed_by)
    listed = [Usage(what, *numbers) for what, numbers in found.items() if numbers[0]]
    return sorted(listed, key=lambda usage: (-usage.size, usage.what))


def size_of(path: Path) -> int:
    """The bytes that a file, or all files below a folder, take on the disk."""
    return sum(there.st_blocks * 512 for there in _files(path))


def _files(path: Path) -> Iterator[os.stat_result]:
    """A file, or all files below a folder; what is removed at this moment is left out."""
    names = [str(path)] if path.is_symlink() or not path.is_dir() else []
    for name in (*names, *(os.path.join(folder, file) for folder, _, files in os.walk(path) for file in files)):
        try:
            there = os.lstat(name)
        except FileNotFoundError:
            continue
        yield there
