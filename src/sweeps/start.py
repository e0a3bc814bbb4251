"""Starts a run: a single one with output, or a job of a sweep."""

import functools
import gc
import shlex
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from src.config.composition import from_hydra
from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.figures.run_figures import RunFigures
from src.foundation.errors import RunFailed, UserError, is_machine_error, machine_error
from src.reporting.console import EpochLines
from src.runs.annotations import annotate_as
from src.runs.fingerprint import Frozen, code_digest, fingerprint, refuse_changed, words
from src.runs.folder import RunFolder
from src.runs.metric import set_names
from src.runs.naming import run_name
from src.runs.tracker import Tracker, TrackerGroup
from src.runs.training_run import Outcome, run
from src.runs.warm_start import checked, doubts, is_pinned, pin

_BLAS_WITH_FREE_THREADS = ("accelerate",)  # Apple's, which threadpoolctl does not know (threadpoolctl#135)
_SHOWN_OF_PROFILE = 15  # functions
_OBJECTS_BETWEEN_COLLECTIONS = 100_000  # objects made by importing matplotlib stay; searching them is a waste


class Answer(TypedDict):
    """The return value of a job: plain data, which any launcher can pass on. The rest is in the run folder."""

    fingerprint: str  # of the run; empty if none was started
    reason: str  # of a failure; empty otherwise


def start(config: Config, command: Sequence[str] = ()) -> tuple[Outcome, str]:
    """Runs one training, preparing its data if necessary, and prints every epoch.

    command: the words that were typed, which MLflow records.
    Returns the outcome and the id of its MLflow run. Raises what `runs.training_run.run` raises.
    """
    code_digest(words(config))  # now, so that it is the code as imported, however long the data take
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    named, config = config.train.start_from, pinned(config)
    dataset = prepare(config.data)
    check_start(config, dataset, named)
    for warning in (*config.warnings, *doubts(config, dataset)):
        print(f"warning: {warning}", file=sys.stderr)
    valid = set_names(dataset.recipe)["valid"]
    trackers: list[Tracker] = [EpochLines(config.train.epochs, config.train.evaluate_every, valid)]
    if config.tracking.figures:
        trackers.append(RunFigures(dataset, config.tracking.gallery, alone=True))
    folder = RunFolder.of(fingerprint(config, dataset)["fingerprint"])
    annotate_as(config.tracking, folder.path)
    if config.tracking.name == "off":
        return _profiled(config, dataset, TrackerGroup(trackers)), ""
    from src.recording.recording import Recording

    with Recording(config.tracking) as recording:  # noted first, so that MLflow is imported while the run begins
        place = {"study": config.tracking.study, "command": shlex.join(command)}
        entry = recording.run(run_name(config), folder, config.train.fresh, **place)
        outcome = _profiled(config, dataset, TrackerGroup(trackers))
    return outcome, recording.run_id(entry)


def _profiled(config: Config, dataset: Dataset, tracker: Tracker) -> Outcome:
    """Runs one training; with `profile`, prints the functions that took longest, and keeps the profile of all."""
    if not config.profile:
        return run(config, dataset, tracker)
    import cProfile
    import pstats

    with cProfile.Profile() as profiler:
        outcome = run(config, dataset, tracker)
    profiler.dump_stats(file := outcome.folder.path / "profile.pstats")
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(_SHOWN_OF_PROFILE)
    print(f"profile       {file}   (`python -m pstats` reads it)")
    return outcome


def check_start(config: Config, dataset: Dataset, name: str | None = None) -> None:
    """Raises `UserError` for a training that can't start here: settings that do not fit the data, or the machine.

    name: of what it starts from, as the user typed it; for messages.

    BLAS threads that share a core wait for each other, and training takes many times as long. A run that has finished,
    wherever that was, is not trained, and a replay keeps the threads of its original.
    """
    checked(config, dataset, name)
    if refusal := _refused_here(config):
        if not config.train.fresh and RunFolder.of(fingerprint(config, dataset)["fingerprint"]).finished():
            return
        raise UserError(refusal)


def _refused_here(config: Config) -> str:
    """Why this machine can't train with these settings; empty if it can."""
    built: Any = np.show_config(mode="dicts")
    blas = str(built.get("Build Dependencies", {}).get("blas", {}).get("name"))
    if not config.portable and blas.lower() in _BLAS_WITH_FREE_THREADS:
        return (
            f"train.arithmetic=native: NumPy computes with {blas} here, whose threads can't be held, so that results "
            "might not repeat; allowed: portable, or a NumPy with OpenBLAS"
        )
    if (threads := config.train.threads) == 1:
        return ""
    from joblib import cpu_count  # heeds affinity and control groups

    if threads <= (cores := cpu_count()):
        return ""
    allowed = f"1 to {cores}" if cores > 1 else "1"
    return f"train.threads={threads}: more than the cores that are available here; allowed: {allowed}"


def pinned(config: Config) -> Config:
    """The configuration with a digest in place of the run or file that `train.start_from` names, which is kept."""
    name = config.train.start_from
    if name is None or is_pinned(name):
        return config
    from src.prediction.predictions import explained, model_file

    file = Path(name)
    try:
        file = model_file(name)
        return pin(config, file, name)
    except UserError as error:
        message = str(explained(error, file))
        raise UserError(message if message.startswith("train.start") else f"train.start_from={message}") from None


def start_job(frozen: Frozen, composed: Any) -> Answer:
    """Runs one job of a sweep, from its composed configuration; the parent follows the run folder.

    Never raises, or the other jobs would be lost; the returned value says why it failed. `frozen`: digests of the files
    that the job depends on, taken by the parent.
    """
    try:
        config = from_hydra(composed)
        refuse_changed(frozen)
        dataset = _opened(config.data)
        figures = RunFigures(dataset, config.tracking.gallery) if config.tracking.figures else Tracker()
        outcome = run(config, dataset, figures)
    except (UserError, RunFailed) as error:
        return Answer(fingerprint="", reason=str(error))
    except Exception as error:
        if isinstance(error, OSError) and is_machine_error(error):
            return Answer(fingerprint="", reason=machine_error(error))
        traceback.print_exc()
        return Answer(fingerprint="", reason=f"{type(error).__name__}: {error}")
    return Answer(fingerprint=outcome.folder.path.name, reason="")


_opened = functools.lru_cache(maxsize=4)(prepare)  # verifies the arrays once per worker, not per job
