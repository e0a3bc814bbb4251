"""Runs a study: trains what is missing, collects the results, and reports them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.config.tracking import Tracking
from src.foundation.errors import RunFailed, UserError
from src.reporting.report import Report
from src.runs.job import Job
from src.studies.places import Places
from src.studies.study import Study, identity
from src.sweeps.jobs import JobEnd, Launch, identified, reusable, run_jobs
from src.sweeps.kinds import Kind

if TYPE_CHECKING:
    from src.recording.recording import Recording
    from src.recording.records import Record


def run_study(stage: bool, kind: Kind, study: Study[Any], launch: Launch) -> None:
    """Trains what is missing of a study, then collects its results and reports them.

    As a stage of the pipeline it leaves the report to another stage, and a diverged variant is a result like any other.
    Raises `RunFailed` if a job did not end (there is no report then) or, after the report, if one diverged.
    """
    if stage and not study.declaration.in_pipeline:
        raise UserError(f"--stage {study.declaration.name}: a table of published experiments is no stage")
    places = Places.of(study, stage)
    with places.locked():
        digests = identified(study.jobs)
        with _recorded(study, places, digests) as (recording, parent):
            ends = run_jobs(study.name, study.jobs, digests, launch, recording, parent)
            _refuse_missing(study.jobs, ends)
            results = kind.collect(study, digests, places)
            if stage:
                return
            report = kind.report(results, places.study, places.report)
            print("", report.text, "", sep="\n")
            _record(report, study.jobs[0].config.tracking, recording, parent)
            print(report.page, flush=True)
            if diverged := [job.label for job, end in zip(study.jobs, ends, strict=True) if end.diverged]:
                raise RunFailed(f"{', '.join(diverged)}: diverged; the report shows the gap")


@contextlib.contextmanager
def _recorded(
    study: Study[Any], places: Places, digests: Sequence[Mapping[str, str]]
) -> "Iterator[tuple[Recording | None, Record | None]]":
    """The study's parent run in MLflow; None with tracking off, or if there is nothing new to record."""
    tracking = study.jobs[0].config.tracking
    if tracking.name == "off":
        yield None, None
        return
    from src.recording.recording import Recording
    from src.recording.store import whereabouts

    known_as = identity(study.name, [of["fingerprint"] for of in digests])
    store = whereabouts(tracking)
    if store is not None and places.recorded(known_as, store) and all(reusable(study.jobs, digests)):
        yield None, None
        return
    with Recording(tracking) as recording:
        with recording.parent(study.name, study.name, known_as) as parent:
            yield recording, parent
        complete = recording.settle()
    if complete:  # else the next start tries again
        places.remember(known_as, whereabouts(tracking))


def _refuse_missing(jobs: Sequence[Job], ends: Sequence[JobEnd]) -> None:
    pairs = zip(jobs, ends, strict=True)
    missing = [f"{job.label} ({end.status})" for job, end in pairs if not (end.done or end.diverged)]
    if missing:
        more = f" and {len(missing) - 5} others" if len(missing) > 5 else ""
        raise RunFailed(
            f"{len(missing)} of {len(jobs)} jobs are missing: {', '.join(missing[:5])}{more}; the others are kept, and "
            "the same command finishes the study"
        )


def _record(report: Report, tracking: Tracking, recording: "Recording | None", parent: "Record | None") -> None:
    """Puts the report on the study's MLflow run."""
    if recording and parent:
        recording.report(parent, report.metrics, report.tags, report.folder)
    elif report.new and tracking.name == "mlflow":  # the store holds the runs, but not this report
        from src.recording.parent import ParentRun

        if found := ParentRun.find(tracking, report.identity):
            found.log(report.metrics, report.tags, report.folder)
