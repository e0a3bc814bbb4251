"""All runs of a study, replayed in parallel."""

import functools
from collections.abc import Iterator, Sequence

from src.config.tracking import Tracking
from src.data.recipes import prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT
from src.replays.again import Prepared, again, prepared
from src.replays.finding import recorded
from src.replays.judgement import Judgement
from src.replays.original import Original, in_folder
from src.runs.folder import RunFolder, runs_folder
from src.runs.tracker import Null
from src.studies.comparisons.results import STUDY, read_results

Replayed = tuple[Original, Prepared | None, Judgement | None, str]  # the last is why it could not be


def originals(study: str) -> list[Original]:
    """The finished runs of a study, as its results name them, or as MLflow does; `UserError` where there are none."""
    places = (ROOT / "models" / "studies" / study, runs_folder() / "studies" / f".{study}" / "results")
    results = next((place for place in places if (place / STUDY).exists()), None)
    if results is None:
        found = _in_mlflow(study)
    else:
        wanted = {r.fingerprint: f"{r.variant} s{r.seed}" for r in read_results(results).runs if r.status == "finished"}
        here = {
            fingerprint: in_folder(RunFolder.of(fingerprint).path, name=name)
            for fingerprint, name in wanted.items()
            if RunFolder.of(fingerprint).finished()
        }
        found = here if len(here) == len(wanted) else _in_mlflow(study) | here
        if missing := [name for fingerprint, name in wanted.items() if fingerprint not in found]:
            raise UserError(
                f"--study={study}: {len(missing)} of {len(wanted)} runs are recorded neither in runs/ nor in MLflow "
                f"({missing[0]}, ...); `python -m src.ablation ablation={study}` trains what is missing"
            )
        found = {fingerprint: found[fingerprint] for fingerprint in wanted}
    if not found:
        raise UserError(f"--study={study}: no finished run of it, neither in models/studies/ nor in MLflow")
    return list(found.values())


def replayed(found: Sequence[Original], bound: float) -> Iterator[Replayed]:
    """Replays runs on all cores; yields each with what came of it, in the given order."""
    from joblib import Parallel, delayed

    ready = [_prepared(original) for original in found]
    jobs = (delayed(_again)(one, bound) if isinstance(one, Prepared) else delayed(str)(one) for one in ready)
    for original, one, came in zip(found, ready, Parallel(n_jobs=-1, return_as="generator")(jobs), strict=True):
        if isinstance(one, Prepared) and isinstance(came, Judgement):
            yield original, one, came, ""
        else:
            yield original, None, None, str(came)


def _in_mlflow(study: str) -> dict[str, Original]:
    from src.recording.reader import runs_of_study

    runs = (run for run in runs_of_study(Tracking(), study) if run.info.status == "FINISHED")
    found = (recorded(run) for run in runs if "fingerprint" in run.data.tags)
    return {original.fingerprint: original for original in found}


def _prepared(original: Original) -> Prepared | str:
    try:
        return prepared(original, _opened)
    except RunFailed as error:
        return str(error)


def _again(ready: Prepared, bound: float) -> Judgement | str:
    try:
        return again(ready, Null(), bound)
    except (RunFailed, UserError) as error:
        return str(error)


_opened = functools.lru_cache(maxsize=4)(prepare)  # arrays are verified as they are opened: once for all runs
