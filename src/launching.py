"""Starting runs: one, or the jobs of a multirun, with the trackers that follow them."""

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from src.composition import from_hydra
from src.config import Config, check_against
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.errors import RunFailed, UserError
from src.reporting.console import EpochLines
from src.reporting.gallery import RunFigures
from src.reporting.tables import plain_table
from src.runs.experiment import Outcome, run
from src.runs.fingerprint import fingerprint
from src.runs.naming import run_name
from src.runs.store import RunFolder
from src.tracking.tracker import Several, Tracker

if TYPE_CHECKING:
    from src.tracking.mlflow.recorder import Recorder


class Job(TypedDict):
    """How a job of a multirun ended, in plain data, which any launcher can bring back."""

    status: str  # finished, reused, failed, killed or not started
    reason: str  # of a failure
    accuracy: float | None  # on the test set
    seconds: float | None  # of training alone
    run_id: str  # of MLflow; empty with tracking=off


def start(config: Config) -> tuple[Outcome, str]:
    """Runs one training, after preparing its data if need be, and prints every epoch.

    Returns the outcome and the id of its MLflow run. Raises what `runs.experiment.run` raises.
    """
    dataset = prepare(config.data)
    check_against(config, dataset)
    recorder = _recorder(config)
    outcome = run(config, dataset, _trackers(config, dataset, recorder, EpochLines(config.train.epochs)))
    return outcome, _run_id(recorder)


def start_job(composed: Any) -> Job:
    """Runs one job of a multirun, from its composed configuration.

    It never raises, or the other jobs would be lost: a failure is in what it returns.
    """
    if multiprocessing.current_process().name != "MainProcess":
        # Ctrl-C reaches workers, too. The parent ends them and tells how they stand: one hand on each run, not two.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    recorder, variant = None, "a job"
    job = _job("failed")
    try:
        config = from_hydra(composed)
        variant = config.tracking.variant or variant
        dataset = prepare(config.data)
        recorder = _recorder(config)
        outcome = run(config, dataset, _trackers(config, dataset, recorder))
    except (UserError, RunFailed) as error:
        job["reason"] = str(error)
    except Exception as error:
        traceback.print_exc()
        job["reason"] = f"{type(error).__name__}: {error}"
    else:
        job = _job("reused" if outcome.reused else "finished", outcome.folder)
    job["run_id"] = _run_id(recorder)
    print(f"{job['status']}: {variant}", flush=True)
    return job


def multirun(
    configs: Sequence[Config], name: str, variants: Sequence[str], launch: Callable[[list[list[str]]], Sequence[Job]]
) -> None:
    """Checks all jobs, launches them under one parent run called `name`, and closes with their table.

    `variants` tell the jobs apart; `launch` runs them, each with the further overrides that it is given for it.
    Raises `UserError` before anything runs if one job is not allowed, and `RunFailed` at the end if one failed.
    """
    datasets = {config.data: prepare(config.data) for config in configs}
    for config in configs:
        check_against(config, datasets[config.data])
    tracked = [config.tracking for config in configs if config.tracking.name == "mlflow"]
    parent = None
    if tracked:
        from src.tracking.mlflow.parent import ParentRun

        parent = ParentRun(tracked[0], name)
    trackings = [
        replace(config.tracking, variant=variant, parent=parent.run_id if parent else None)
        for config, variant in zip(configs, variants, strict=True)
    ]
    told = [[f"tracking.{key}={_quoted(getattr(t, key))}" for key in ("variant", "parent")] for t in trackings]

    print(f"{len(configs)} jobs: {name}", flush=True)
    jobs: Sequence[Job] | None = None
    broken: Exception | None = None
    try:
        jobs = launch(told)
    except Exception as error:  # a worker that the system killed takes the launcher with it
        broken = error
    finally:
        interrupted = jobs is None and broken is None
        if jobs is None:
            reason = "interrupted" if interrupted else f"the launcher broke down: {broken}"
            jobs = [
                _left_behind(replace(config, tracking=tracking), datasets[config.data], reason)
                for config, tracking in zip(configs, trackings, strict=True)
            ]
        print(_closing_table(variants, jobs), flush=True)
        failures = sum(job["status"] not in ("finished", "reused") for job in jobs)
        if parent is not None:
            parent.close("KILLED" if interrupted else "FAILED" if failures else "FINISHED")
    if failures:
        raise RunFailed(f"{failures} of {len(jobs)} jobs failed; the others are finished and recorded")


def _left_behind(config: Config, dataset: Dataset, reason: str) -> Job:
    """How a job stands whose worker is gone: its folder tells, and MLflow is told what the folder tells."""
    folder = RunFolder.of(fingerprint(config, dataset)["fingerprint"])
    with folder.locked():  # the system frees the lock of a process that is gone
        if not folder.status():
            return _job("not started", reason=reason)
        if folder.status()["status"] == "running":
            folder.end("killed", reason)
        recorder = None
        with contextlib.suppress(UserError):  # a store that fails here has been told of by the jobs
            recorder = _recorder(config)
            if recorder is not None:
                recorder.started(folder.path)
                recorder.ended(folder.path)
    status = folder.status()
    job = _job(status["status"], folder if folder.finished() else None, status["reason"] or "")
    job["run_id"] = _run_id(recorder)
    return job


def _job(status: str, folder: RunFolder | None = None, reason: str = "") -> Job:
    accuracy = folder.result()["test"]["accuracy"] if folder else None
    seconds = folder.timing()["seconds"] if folder else None
    return Job(status=status, reason=reason, accuracy=accuracy, seconds=seconds, run_id="")


def _trackers(config: Config, dataset: Dataset, recorder: "Recorder | None", *first: Tracker) -> Tracker:
    # The recorder comes last: what the others leave in the folder is there for it to log.
    drawn = [RunFigures(dataset)] if config.tracking.figures else []
    return Several([*first, *drawn, *([recorder] if recorder else [])])


def _recorder(config: Config) -> "Recorder | None":
    if config.tracking.name == "off":
        return None
    from src.tracking.mlflow.recorder import Recorder

    return Recorder(config.tracking, run_name(config))


def _run_id(recorder: "Recorder | None") -> str:
    return (recorder.run_id or "") if recorder else ""


def _closing_table(variants: Sequence[str], jobs: Sequence[Job]) -> str:
    header = ["job", "overrides", "status", "test accuracy", "seconds", "MLflow run"]
    rows = [
        [
            str(number),
            variant,
            job["status"],
            "-" if job["accuracy"] is None else f"{job['accuracy']:.2%}",
            "-" if job["seconds"] is None else f"{job['seconds']:.1f}",
            job["run_id"] or "-",
        ]
        for number, (variant, job) in enumerate(zip(variants, jobs, strict=False))
    ]
    reasons = [f"job {number}: {job['reason']}" for number, job in enumerate(jobs) if job["reason"]]
    return "\n".join(["", plain_table(header, rows, width=60), *reasons])


def _quoted(text: str | None) -> str:
    """A value as Hydra's grammar wants it."""
    if text is None:
        return "null"
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
