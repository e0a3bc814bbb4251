"""Deletes runs: the folder, the MLflow run, its logged models and its artifacts, together."""

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from src.foundation.errors import UserError
from src.foundation.locks import locked_if_free
from src.recording.removal import Removal
from src.runs.folder import runs_folder
from src.upkeep.citations import citations
from src.upkeep.disk import size_of


class Plan(NamedTuple):
    """What would be deleted, and what not, with the reason."""

    removed: list[Path]
    kept: dict[Path, str]
    removal: Removal


def plan(paths: Sequence[Path]) -> Plan:
    """Decides which runs can be deleted; changes nothing.

    Raises:
        UserError: an MLflow store that has them can't be used, or dvc.lock is damaged.
    """
    removal = Removal({path.name for path in paths})
    cited = dict.fromkeys(removal.busy(), "another command, which is recording it") | citations(paths)
    if any(path.name not in cited for path in paths):
        cited = {name: f"registered model {model}" for name, model in removal.registered().items()} | cited
    kept = {path: f"needed by {cited[path.name]}" for path in paths if path.name in cited}
    for path in paths:
        if path.is_symlink():
            kept[path] = f"it is a link to {path.readlink()}"
        elif path not in kept:
            with locked_if_free(path / "lock") as free:
                if not free:
                    kept[path] = "it is being trained"
    return Plan([path for path in paths if path not in kept], kept, removal)


def delete(path: Path, removal: Removal) -> tuple[int, int]:
    """Deletes a run that `plan` allows: first what MLflow has of it; the folder last, so that it can be repeated.

    Returns how many bytes the folder had, and how many MLflow runs are gone.

    Raises:
        UserError: the run is being trained meanwhile, or its store can't be used.
    """
    with locked_if_free(path / "lock") as free:
        if not free:
            raise UserError(f"{path.name}: a process has begun to train this run")
        number, size = removal.remove(path.name), size_of(path)
        gone = runs_folder() / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp"  # the doctor removes such
        path.rename(gone)
    shutil.rmtree(gone)
    return size, number
