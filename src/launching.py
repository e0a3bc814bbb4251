"""Starting runs: one, or the jobs of a multirun, with the trackers that follow them."""

import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypedDict

from src.config import Config, check_against
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.errors import RunFailed, UserError
from src.reporting.console import EpochLines
from src.reporting.gallery import RunFigures
from src.reporting.tables import plain_table
from src.runs.experiment import Outcome, run
from src.tracking.tracker import Several, Tracker

if TYPE_CHECKING:
    from src.tracking.mlflow.recorder import Recorder


class Job(TypedDict):
    """How a job of a multirun ended, in plain data, which any launcher can bring back."""

    status: str  # finished, reused or failed
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


def start_job(config: Config) -> Job:
    """Runs one job of a multirun. It never raises, or the other jobs would be lost: a failure is in what it returns."""
    recorder = None
    job = Job(status="failed", reason="", accuracy=None, seconds=None, run_id="")
    try:
        dataset = prepare(config.data)
        recorder = _recorder(config)
        outcome = run(config, dataset, _trackers(config, dataset, recorder))
    except (UserError, RunFailed) as error:
        job["reason"] = str(error)
    except Exception as error:
        traceback.print_exc()
        job["reason"] = f"{type(error).__name__}: {error}"
    else:
        job["status"] = "reused" if outcome.reused else "finished"
        job["accuracy"] = outcome.result["test"]["accuracy"]
        job["seconds"] = outcome.folder.timing()["seconds"]
    job["run_id"] = _run_id(recorder)
    print(f"{job['status']}: {config.tracking.variant}", flush=True)
    return job


def multirun(
    configs: Sequence[Config], name: str, variants: Sequence[str], launch: Callable[[list[list[str]]], Sequence[Job]]
) -> None:
    """Checks all jobs, launches them under one parent run called `name`, and closes with their table.

    `variants` tell the jobs apart; `launch` runs them, each with the further overrides that it is given for it.
    Raises `UserError` before anything runs if one job is not allowed, and `RunFailed` at the end if one failed.
    """
    for config in configs:
        check_against(config, prepare(config.data))
    tracked = [config.tracking for config in configs if config.tracking.name == "mlflow"]
    parent = None
    if tracked:
        from src.tracking.mlflow.parent import ParentRun

        parent = ParentRun(tracked[0], name)
    told = [[f"tracking.variant={_quoted(variant)}"] for variant in variants]
    if parent is not None:
        told = [[*overrides, f"tracking.parent={parent.run_id}"] for overrides in told]

    print(f"{len(configs)} jobs: {name}", flush=True)
    status = "KILLED"
    jobs: Sequence[Job] = []
    try:
        jobs = launch(told)
        failures = sum(job["status"] == "failed" for job in jobs)
        status = "FAILED" if failures else "FINISHED"
    except Exception as error:  # a worker that the system killed takes the launcher with it
        status = "FAILED"
        raise RunFailed(f"the launcher broke down ({type(error).__name__}: {error}); finished jobs are kept") from error
    finally:
        if parent is not None:
            parent.close(status)
        print(_closing_table(variants, jobs), flush=True)
    if failures:
        raise RunFailed(f"{failures} of {len(jobs)} jobs failed; the others are finished and recorded")


def _trackers(config: Config, dataset: Dataset, recorder: "Recorder | None", *first: Tracker) -> Tracker:
    # The recorder comes last: what the others leave in the folder is there for it to log.
    drawn = [RunFigures(dataset)] if config.tracking.figures else []
    return Several([*first, *drawn, *([recorder] if recorder else [])])


def _recorder(config: Config) -> "Recorder | None":
    if config.tracking.name == "off":
        return None
    from src.tracking.mlflow.recorder import Recorder

    return Recorder(config.tracking)


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


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
