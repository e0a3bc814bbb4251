"""Trainings as users start them, each a command of its own, in a copy of this tree."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from src.config.composition import compose
from src.data.recipes import prepare
from src.foundation.files import ROOT

_NEEDED = ("src", "conf", "hydra_plugins", "params.yaml", "dvc.yaml")


def copied(tree: Path, trained: Sequence[Sequence[str]]) -> Path:
    """Makes `tree` a copy of the code that shares our data; those of `trained`, lists of overrides, are prepared."""
    for overrides in trained:
        prepare(compose(list(overrides)).data)
    for name in _NEEDED:
        source = ROOT / name
        shutil.copytree(source, tree / name) if source.is_dir() else shutil.copy(source, tree / name)
    (tree / "data").symlink_to(ROOT / "data")
    return tree


def timed(tree: Path, *overrides: str) -> tuple[float, float]:
    """Wall times of a training, from its first epoch to its results, and of its whole command [s]."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "src.train", *overrides], cwd=tree, env=environment, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(overrides)} ended with exit code {done.returncode}: {done.stderr}")
    [folder] = (line.split(maxsplit=2)[2] for line in done.stdout.splitlines() if line.startswith("run folder"))
    status = json.loads((Path(folder) / "status.json").read_text())
    return status["time"] - status["started"], seconds
