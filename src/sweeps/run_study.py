"""Runs a study: trains what is missing, collects the results, and reports them."""

from collections.abc import Sequence
from typing import Any

from src.config.composition import load
from src.foundation.errors import RunFailed, UserError
from src.foundation.schema import plain
from src.runs.job import Job
from src.studies.places import Places
from src.studies.study import Study, identity
from src.sweeps.jobs import JobEnd, Launch, identified, recorded, run_jobs
from src.sweeps.kinds import Kind


def run_study(stage: bool, kind: Kind, study: Study[Any], launch: Launch) -> None:
    """Trains what is missing of a study, then collects its results and reports them.

    As a stage of the pipeline it leaves the report to another stage, and a diverged variant is a result like any other.
    Raises `RunFailed` if a job did not end (there is no report then) or, after the report, if one diverged.
    """
    if stage and not study.declaration.in_pipeline:
        raise UserError(f"--stage {study.declaration.name}: a table of published experiments is no stage")
    if stage:
        _refuse_other_data(study)
    places = Places.of(study, stage)
    with places.locked():
        digests = identified(study.jobs)
        known_as = identity(study.name, [digest["fingerprint"] for digest in digests])
        with recorded(study.jobs, study.name, known_as, study.name) as (recording, parent):
            ends = run_jobs(study.name, study.jobs, digests, launch, recording, parent)
            _refuse_missing(study.jobs, ends)
            results = kind.collect(study, digests, places)
            if stage:
                return
            report = kind.report(results, places.study, places.report)
            print("", report.text, "", sep="\n")
            if recording and parent:
                recording.report(parent.identity, report.metrics, report.tags, report.folder, report.new)
            print(report.page, flush=True)
            if diverged := [job.label for job, end in zip(study.jobs, ends, strict=True) if end.diverged]:
                raise RunFailed(f"{', '.join(diverged)}: diverged; the report shows the gap")


def _refuse_other_data(study: Study[Any]) -> None:
    """The stage depends on the pipeline's data alone, so DVC would not see a change of others."""
    here, there = study.jobs[0].config.data, load([]).data
    if plain(here, semantic_only=True) != plain(there, semantic_only=True):
        raise UserError(
            f"studies=[{study.declaration.name}]: it trains on data={here.name}; as a stage it needs the data of "
            f"params.yaml, data={there.name}"
        )


def _refuse_missing(jobs: Sequence[Job], ends: Sequence[JobEnd]) -> None:
    pairs = zip(jobs, ends, strict=True)
    missing = [f"{job.label} ({end.status})" for job, end in pairs if not (end.done or end.diverged)]
    if missing:
        more = f" and {len(missing) - 5} others" if len(missing) > 5 else ""
        raise RunFailed(
            f"{len(missing)} of {len(jobs)} jobs are missing: {', '.join(missing[:5])}{more}; the others are kept, and "
            "the same command finishes the study"
        )
