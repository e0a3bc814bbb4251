"""All runs of a study, replayed in parallel."""

import functools
from collections.abc import Iterator, Sequence

from src.config.tracking import Tracking
from src.data.recipes import prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT
from src.recording.finding import of_mlflow
from src.replays.agreement import Agreement
from src.replays.retraining import Replay, plan, retrain
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder, runs_folder
from src.runs.tracker import Tracker
from src.studies.comparisons.results import STUDY, read_results

Replayed = tuple[FinishedRun, Replay | None, Agreement | None, str]  # the last: why the replay failed


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


def replays(found: Sequence[FinishedRun], bound: float) -> Iterator[Replayed]:
    """Replays runs on all cores; yields each with its outcome, in the given order."""
    from joblib import Parallel, delayed

    plans = [_plan(original) for original in found]
    jobs = (delayed(_retrain)(one, bound) if isinstance(one, Replay) else delayed(str)(one) for one in plans)
    for original, one, outcome in zip(found, plans, Parallel(n_jobs=-1, return_as="generator")(jobs), strict=True):
        if isinstance(one, Replay) and isinstance(outcome, Agreement):
            yield original, one, outcome, ""
        else:
            yield original, None, None, str(outcome)


def _in_mlflow(study: str) -> dict[str, FinishedRun]:
    from src.recording.reading import runs_of_study

    runs = (run for run in runs_of_study(Tracking(), study) if run.info.status == "FINISHED")
    found = (of_mlflow(run) for run in runs if "fingerprint" in run.data.tags)
    return {original.fingerprint: original for original in found}


def _plan(original: FinishedRun) -> Replay | str:
    try:
        return plan(original, _open_data)
    except RunFailed as error:
        return str(error)


def _retrain(replay: Replay, bound: float) -> Agreement | str:
    try:
        return retrain(replay, Tracker(), bound)
    except (RunFailed, UserError) as error:
        return str(error)


_open_data = functools.lru_cache(maxsize=4)(prepare)  # arrays are verified as they are opened: once for all runs
