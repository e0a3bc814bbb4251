"""The finished runs that users name: one by its folder or the beginning of an id, or all of a study.

A run whose folder is not here is read from MLflow.
"""

import re
from pathlib import Path
from typing import Any

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.foundation.files import ROOT
from src.recording.reading import artifact, find_run, runs_of_study
from src.recording.store import whereabouts
from src.runs.finished import FinishedRun, by_fingerprint
from src.runs.folder import START, START_OPTIMIZER, RunFolder, runs_folder
from src.studies.comparisons.results import STUDY, read_results

_FILES = ("config.yaml", "run.json", "result.json", "history.csv", "model.npz")  # of a run that is not here
_SHORTEST = 4  # characters of an id


def finished_run(name: str) -> FinishedRun:
    """The finished run of this name: its folder, or the beginning of its fingerprint or MLflow id.

    `UserError` if there is none, or several, or it has not finished.
    """
    if (Path(name) / "run.json").exists():
        return FinishedRun.open(Path(name))
    if "/" in name:
        raise UserError(f"{name}: not a run folder; it has no run.json")
    if len(name) < _SHORTEST:
        raise UserError(f"{name}: give at least {_SHORTEST} characters of an id")
    if found := by_fingerprint(name):
        return found
    if re.fullmatch("[0-9a-f]+", name) and whereabouts(Tracking()) is None:
        raise UserError(f"{name}: no run's id begins so; `python -m src.runs` lists them")
    return _of_mlflow(find_run(Tracking(), name))


def originals(study: str) -> list[FinishedRun]:
    """The finished runs of a study, listed by its results, or by MLflow; `UserError` if there are none."""
    places = (ROOT / "models" / "studies" / study, runs_folder() / "studies" / f".{study}" / "results")
    results = next((place for place in places if (place / STUDY).exists()), None)
    if results is None:
        found = _in_mlflow(study)
    else:
        names = {r.fingerprint: f"{r.variant} s{r.seed}" for r in read_results(results).runs if r.status == "finished"}
        here = {
            fingerprint: FinishedRun.open(RunFolder.of(fingerprint).path, label=name)
            for fingerprint, name in names.items()
            if RunFolder.of(fingerprint).finished()
        }
        found = here if len(here) == len(names) else _in_mlflow(study) | here
        if missing := [name for fingerprint, name in names.items() if fingerprint not in found]:
            raise UserError(
                f"--study={study}: {len(missing)} of {len(names)} runs are neither in runs/ nor in MLflow "
                f"({missing[0]}, ...); `python -m src.ablation ablation={study}` trains them"
            )
        found = {fingerprint: found[fingerprint] for fingerprint in names}
    if not found:
        raise UserError(f"--study={study}: no finished run of it, neither in models/studies/ nor in MLflow")
    return list(found.values())


def _of_mlflow(run: Any) -> FinishedRun:
    """The finished run of an MLflow `Run`: its folder if it is here, else the files that MLflow keeps of it."""
    run_id, name, tags = str(run.info.run_id), str(run.info.run_name), run.data.tags
    if "fingerprint" not in tags:
        raise UserError(f"{run_id}: a parent of other runs, or not a run of this project")
    here = RunFolder.of(tags["fingerprint"])
    if here.finished() and here.run().get("attempt") == tags.get("attempt"):
        return FinishedRun.open(here.path, run_id, name)
    if run.info.status != "FINISHED":
        raise UserError(f"{run_id}: this run is {run.info.status}; a finished run is needed")
    folder = runs_folder() / ".originals" / run_id
    for file in _FILES:
        artifact(Tracking(), run_id, file, folder)
    match FinishedRun(folder).plain_config:
        case {"train": {"start_from": str()} as training}:
            for file in (START, START_OPTIMIZER) if training.get("start_optimizer") else (START,):
                artifact(Tracking(), run_id, file, folder)
    return FinishedRun.open(folder, run_id, name)


def _in_mlflow(study: str) -> dict[str, FinishedRun]:
    found = (_of_mlflow(run) for run in runs_of_study(Tracking(), study) if run.info.status == "FINISHED")
    return {original.fingerprint: original for original in found}
