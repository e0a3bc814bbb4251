"""What is made once a run of the suite, whichever of its workers needs it first."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder `name`, which all workers share and `make` has filled; who reads it leaves it as it is."""
    root = factory.getbasetemp()
    shared = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / "shared"
    shared.mkdir(exist_ok=True)
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not (ready := shared / f"{name}.ready").exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            ready.touch()
    return folder
