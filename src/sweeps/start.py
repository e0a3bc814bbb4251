"""Starting a run: one that a person watches, or a job of a sweep."""

import contextlib
import ctypes
import functools
import gc
import multiprocessing
import os
import signal
import sys
import traceback
from typing import Any, TypedDict

from src.cli.command import FAILED
from src.config.composition import from_hydra
from src.config.tree import Config, check_against
from src.data.dataset import Dataset
from src.data.recipes import Recipe, prepare
from src.figures.run_figures import RunFigures
from src.foundation.errors import RunFailed, UserError
from src.reporting.console import EpochLines
from src.runs.experiment import Outcome, run
from src.runs.fingerprint import code_digest
from src.runs.frozen import Frozen, refuse_changed
from src.runs.naming import run_name
from src.runs.tracker import Null, Several, Tracker

_PR_SET_PDEATHSIG = 1  # prctl(2)
_OBJECTS_BETWEEN_COLLECTIONS = 100_000  # what importing matplotlib makes stays, and is not worth being looked through


class Answer(TypedDict):
    """The return value of a job: plain data, which any launcher can pass on. The rest is in the run folder."""

    fingerprint: str  # of the run; empty if it did not come to one
    reason: str  # of a failure; empty otherwise


def start(config: Config) -> tuple[Outcome, str]:
    """Runs one training, after preparing its data if need be, and prints every epoch.

    Returns the outcome and the id of its MLflow run. Raises what `runs.experiment.run` raises.
    """
    code_digest()  # of the code as it was imported, however long the data take
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    dataset = prepare(config.data)
    check_against(config, dataset)
    trackers: list[Tracker] = [EpochLines(config.train.epochs, config.train.evaluate_every)]
    if config.tracking.figures:
        trackers.append(RunFigures(dataset, config.tracking.gallery))
    if config.tracking.name == "off":
        return run(config, dataset, Several(trackers)), ""
    from src.recording.recording import Announcing, Recording

    with Recording(config.tracking) as recording:
        announcing = Announcing(recording, run_name(config), config.tracking.study)
        outcome = run(config, dataset, Several([announcing, *trackers]))
    return outcome, announcing.run_id


def start_job(frozen: Frozen, composed: Any) -> Answer:
    """Runs one job of a sweep, from its composed configuration; the parent follows the run folder.

    It never raises, or the other jobs would be lost: a failure is in what it returns. `frozen`: what the parent has
    found in the files that the job depends on.
    """
    if multiprocessing.current_process().name != "MainProcess":
        # Ctrl-C reaches workers, too. The parent ends them and tells how they stand: one hand on each run, not two.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _die_with_parent()
    try:
        config = from_hydra(composed)
        refuse_changed(frozen)
        dataset = _opened(config.data)
        figures = RunFigures(dataset, config.tracking.gallery) if config.tracking.figures else Null()
        outcome = run(config, dataset, figures)
    except (UserError, RunFailed) as error:
        return Answer(fingerprint="", reason=str(error))
    except Exception as error:
        traceback.print_exc()
        return Answer(fingerprint="", reason=f"{type(error).__name__}: {error}")
    return Answer(fingerprint=outcome.folder.path.name, reason="")


@functools.lru_cache(maxsize=4)  # arrays are verified as they are opened: once a worker, not once a job
def _opened(recipe: Recipe) -> Dataset:
    return prepare(recipe)


def _die_with_parent() -> None:
    """Has Linux end this worker with its parent, whose kill would leave it training, and starting queued jobs."""
    parent = multiprocessing.parent_process()
    if sys.platform == "linux" and parent is not None:
        with contextlib.suppress(OSError, AttributeError):  # a C library without prctl: it goes on alone
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent.pid:  # it was killed before
            os._exit(FAILED)
