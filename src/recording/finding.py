"""Finds the finished run that the user names: by its folder, its fingerprint or its MLflow id."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording.reading import artifact, find_run
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder, runs_folder

if TYPE_CHECKING:
    from mlflow.entities import Run

FILES = ("config.yaml", "run.json", "result.json", "history.csv", "model.npz")  # fetched from MLflow
_SHORTEST = 4  # characters of an id
_MOST_LISTED = 5


def find(name: str) -> FinishedRun:
    """The run of this name; `UserError` if there is none, or several, or it has not finished."""
    if (Path(name) / "run.json").exists():
        return FinishedRun.open(Path(name))
    if "/" in name:
        raise UserError(f"{name}: not a run folder; it has no run.json")
    if len(name) < _SHORTEST:
        raise UserError(f"{name}: give at least {_SHORTEST} characters of an id")
    if (run := by_fingerprint(name)) is not None:
        return run
    return of_mlflow(find_run(Tracking(), name))


def by_fingerprint(prefix: str) -> FinishedRun | None:
    """The run whose fingerprint starts with `prefix`; None if there is none, `UserError` if there are several."""
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        return None
    found = sorted(path for path in runs_folder().glob(f"{prefix}*") if (path / "run.json").exists())
    if len(found) > 1:
        listed = ", ".join(path.name[:16] for path in found[:_MOST_LISTED])
        raise UserError(f"{prefix}: {len(found)} fingerprints start with it ({listed}, ...); give more characters")
    return FinishedRun.open(found[0]) if found else None


def of_mlflow(run: "Run") -> FinishedRun:
    """The run that MLflow has recorded: its folder if it is here, else the files that MLflow keeps of it."""
    run_id, name, tags = str(run.info.run_id), str(run.info.run_name), run.data.tags
    if "fingerprint" not in tags:
        raise UserError(f"{run_id}: a parent of other runs, or not a run of this project")
    here = RunFolder.of(tags["fingerprint"])
    if here.finished() and here.run().get("attempt") == tags.get("attempt"):
        return FinishedRun.open(here.path, run_id, name)
    if run.info.status != "FINISHED":
        raise UserError(f"{run_id}: this run is {run.info.status}; a finished run is needed")
    folder = runs_folder() / ".originals" / run_id
    for file in FILES:
        artifact(Tracking(), run_id, file, folder)
    return FinishedRun.open(folder, run_id, name)
