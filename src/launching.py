"""Starting runs: one, or the jobs of a multirun, with the trackers that follow them."""

import traceback
from collections.abc import Callable, Sequence
from typing import TypedDict

from src.config import Config, check_against
from src.data.recipes import prepare
from src.errors import RunFailed, UserError
from src.reporting.console import EpochLines
from src.reporting.gallery import RunFigures
from src.reporting.tables import plain_table
from src.runs.experiment import Outcome, run
from src.tracking.tracker import Several, Tracker


class Job(TypedDict):
    """How a job of a multirun ended, in plain data, which any launcher can bring back."""

    status: str  # finished, reused or failed
    reason: str  # of a failure
    accuracy: float | None  # on the test set
    seconds: float | None  # of training alone
    run_id: str  # of MLflow; empty with tracking=off


def start(config: Config, lines: bool = True) -> tuple[Outcome, str]:
    """Runs one training, after preparing its data if need be; returns its outcome and the id of its MLflow run.

    With `lines`, every epoch is printed. Raises what `runs.experiment.run` raises.
    """
    dataset = prepare(config.data)
    check_against(config, dataset)
    trackers: list[Tracker] = [EpochLines(config.train.epochs)] if lines else []
    if config.tracking.figures:
        trackers.append(RunFigures(dataset))
    if config.tracking.name == "off":
        return run(config, dataset, Several(trackers)), ""
    from src.tracking.mlflow.recorder import Recorder

    recorder = Recorder(config.tracking)
    outcome = run(config, dataset, Several([*trackers, recorder]))
    return outcome, recorder.run_id or ""


def start_job(config: Config) -> Job:
    """Runs one job of a multirun. It never raises, or the other jobs would be lost: a failure is in what it returns."""
    try:
        outcome, run_id = start(config, lines=False)
    except (UserError, RunFailed) as error:
        job = _failed(str(error))
    except Exception as error:
        traceback.print_exc()
        job = _failed(f"{type(error).__name__}: {error}")
    else:
        status = "reused" if outcome.reused else "finished"
        seconds = outcome.folder.timing()["seconds"]
        job = Job(status=status, reason="", accuracy=outcome.result["test"]["accuracy"], seconds=seconds, run_id=run_id)
    print(f"{config.tracking.variant}: {job['status']} {job['reason']}".rstrip(), flush=True)
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


def _failed(reason: str) -> Job:
    return Job(status="failed", reason=reason, accuracy=None, seconds=None, run_id="")


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
