"""Finds the run that somebody means: by its folder, by its fingerprint, or by its id in MLflow."""

from pathlib import Path
from typing import Any

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.replays.original import FEWEST_CHARACTERS, FILES, Original, by_fingerprint, in_folder
from src.runs.folder import RunFolder, runs_folder


def found(given: str) -> Original:
    """The run that is meant; `UserError` where it is none, or more than one."""
    if (Path(given) / "run.json").exists():
        return in_folder(Path(given))
    if "/" in given:
        raise UserError(f"{given}: no run's folder; it would hold a run.json")
    if len(given) < FEWEST_CHARACTERS:
        raise UserError(f"{given}: give at least {FEWEST_CHARACTERS} characters of an id")
    if (original := by_fingerprint(given)) is not None:
        return original
    from src.recording.reader import find_run

    return recorded(find_run(Tracking(), given))


def recorded(run: Any) -> Original:
    """The record of an `mlflow.entities.Run`: the run's folder if it stands here, else what MLflow keeps of it."""
    run_id, name, tags = str(run.info.run_id), str(run.info.run_name), run.data.tags
    if "fingerprint" not in tags:
        raise UserError(f"{run_id}: that is the parent of other runs, or was not recorded by this project")
    here = RunFolder.of(tags["fingerprint"])
    if here.finished() and here.run().get("attempt") == tags.get("attempt"):
        return in_folder(here.path, run_id, name)
    from src.recording.reader import artifact

    if run.info.status != "FINISHED":
        raise UserError(f"{run_id}: that run is {run.info.status}; only a finished one is of use")
    folder = runs_folder() / ".originals" / run_id
    for name in FILES:
        artifact(Tracking(), run_id, name, folder)
    return in_folder(folder, run_id, name)
