"""All runs of a study, replayed in parallel."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from src.config.tracking import Tracking
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT
from src.recording.reading import of_mlflow, runs_of_study
from src.replays.agreement import Agreement
from src.replays.retraining import Replay, plan, retrain
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder, runs_folder
from src.runs.tracker import Tracker
from src.studies.comparisons.results import STUDY, read_results

Result = TypeVar("Result")


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


def replays(found: Sequence[FinishedRun], bound: float) -> Iterator[tuple[FinishedRun, tuple[Replay, Agreement] | str]]:
    """Replays runs on all cores; yields each, in the given order, with its agreement, or with why it failed."""
    from joblib import Parallel, delayed

    plans = [_attempt(plan, original) for original in found]
    jobs = (
        delayed(_attempt)(retrain, one, Tracker(), bound) if isinstance(one, Replay) else delayed(str)(one)
        for one in plans
    )
    for original, one, outcome in zip(found, plans, Parallel(n_jobs=-1, return_as="generator")(jobs), strict=True):
        if isinstance(one, Replay) and isinstance(outcome, Agreement):
            yield original, (one, outcome)
        else:
            yield original, str(outcome)


def _in_mlflow(study: str) -> dict[str, FinishedRun]:
    found = (of_mlflow(run) for run in runs_of_study(Tracking(), study) if run.info.status == "FINISHED")
    return {original.fingerprint: original for original in found}


def _attempt(call: Callable[..., Result], *arguments: object) -> Result | str:
    """What the call returns, or why it failed."""
    try:
        return call(*arguments)
    except (RunFailed, UserError) as error:
        return str(error)
