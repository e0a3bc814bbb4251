"""`tracking.sheet`: figures of all runs of a multirun, in a folder and with the parent run in MLflow."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from src.config.figure_names import PLANE, SHEETS
from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.foundation.errors import UserError
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder, runs_folder
from src.runs.job import Job


def refuse_sheet(configs: Iterable[Config], instead: str) -> None:
    """Refuses `tracking.sheet` outside a multirun; `instead` says what to do."""
    for config in configs:
        if config.tracking.sheet:
            raise UserError(f"tracking.sheet={config.tracking.sheet}: {instead}")


def check_sheets(jobs: Sequence[Job]) -> None:
    """Raises `UserError` for a sheet that can't show one of the jobs."""
    for name in _names(jobs):
        if SHEETS[name] != PLANE:
            continue
        recipes = {job.config.data.name: job.config.data for job in jobs}
        if len(recipes) > 1:
            raise UserError(f"tracking.sheet={name}: needs runs on the same data; these are on {', '.join(recipes)}")
        for job in jobs:
            features = prepare(job.config.data).train.x.shape[1]
            if features != 2:
                raise UserError(
                    f"tracking.sheet={name}: needs data of 2 features; data={job.config.data.name} has {features}"
                )
            if not job.config.model.hidden:
                raise UserError(f"tracking.sheet={name}: needs hidden units; {job.label} has model.hidden=[]")


def without_sheet(title: str) -> str:
    """The title of a multirun without its sheet, which may be asked for later: the same runs, with the same parent."""
    return " ".join(word for word in title.split(" ") if not word.startswith("tracking.sheet=")) or "one job"


def draw_sheets(jobs: Sequence[Job], folders: Sequence[RunFolder], identity: str) -> Path | None:
    """Draws the sheets that jobs ask for, of the runs that have finished. Returns their folder; None without any.

    identity: of the multirun.
    """
    done = [(job, folder) for job, folder in zip(jobs, folders, strict=True) if folder.finished()]
    if not (names := _names(jobs)) or not done:
        return None
    target = runs_folder() / "sheets" / identity[:16]
    try:
        from src.figures import canvas
        from src.figures.run_view import RunView
        from src.figures.sheets import DRAWINGS

        several = len({_without_seed(job.label) for job, _ in done}) > 1
        datasets: dict[object, Dataset] = {}
        runs: dict[str, list[RunView]] = {}
        for job, folder in done:
            recipe = job.config.data
            dataset = datasets.setdefault(recipe, datasets.get(recipe) or prepare(recipe))
            name = _without_seed(job.label) if several else job.label
            runs.setdefault(name, []).append(RunView.of(FinishedRun(folder.path), dataset))
        for name in names:
            canvas.save(DRAWINGS[name](runs), target / f"{name}.png")
            print(f"sheet         {target / f'{name}.png'}", flush=True)
    except Exception as error:  # a missing picture does not change the runs
        print(f"warning: tracking.sheet={', '.join(names)} could not be drawn ({error})", file=sys.stderr)
        return None
    return target


def _names(jobs: Sequence[Job]) -> list[str]:
    return list(dict.fromkeys(job.config.tracking.sheet for job in jobs if job.config.tracking.sheet))


def _without_seed(label: str) -> str:
    """What was swept besides the seed."""
    return " ".join(word for word in label.split(" ") if not word.startswith("seed="))
