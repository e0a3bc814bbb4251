"""Runs a study of either kind: trains what is missing, collects the results, and reports them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from src.config.composition import load
from src.foundation.errors import RunFailed, UserError
from src.foundation.schema import plain
from src.reporting import combined_report, comparison_report, replica_report, twin_report
from src.reporting.report_folder import Report
from src.runs.job import Job
from src.studies.combined import collect as combined_results
from src.studies.combined import declare as combined
from src.studies.comparisons import collect as comparison_results
from src.studies.comparisons import declare as comparison
from src.studies.replicas import collect as replica_results
from src.studies.replicas import declare as replica
from src.studies.study import Study, identity
from src.studies.twins import collect as twin_results
from src.studies.twins import declare as twins
from src.sweeps.jobs import JobEnd, Launch, identified, recorded, run_jobs
from src.sweeps.sheets import refuse_sheet


class Kind(NamedTuple):
    """What differs between kinds of studies: the declaration, the results, the report."""

    declare: Callable[[str, Any], Any]  # from a study's name and the group `ablation`
    collect: Callable[[Study[Any], Sequence[Mapping[str, str]]], Any]  # the results, from each job's digests
    report: Callable[[Any, str, Path], Report]  # of these results; the declared name, the report's folder
    instead_of_sweeping: str  # what to do


COMPARISON = Kind(
    comparison.declare,
    comparison_results.collect,
    comparison_report.report,
    "list the alternatives under ablation.grids in conf/ablation/{study}.yaml, or give one value",
)
REPLICAS = Kind(
    replica.declare, replica_results.collect, replica_report.report, "give one value, or a list in brackets"
)
COMBINED = Kind(
    combined.declare, combined_results.collect, combined_report.report, "give one value; the studies have the others"
)
TWINS = Kind(
    twins.declare, twin_results.collect, twin_report.report, "give one value; ablation.twins lists experiments"
)
_KINDS = {"published": REPLICAS, "studies": COMBINED, "twins": TWINS}  # by a key that only this kind has


def kind_of(tree: Any) -> Kind:
    """The kind of study that the group `ablation` declares."""
    keys = tree.keys() if isinstance(tree, Mapping) else ()
    return next((kind for key, kind in _KINDS.items() if key in keys), COMPARISON)


def run_study(kind: Kind, study: Study[Any], launch: Launch) -> None:
    """Trains what is missing of a study, then collects its results and reports them.

    As a stage of the pipeline it leaves the report to another stage, and a diverged variant is a result like any other.
    Raises `RunFailed` if a job did not end (there is no report then) or, after the report, if one diverged.
    """
    if study.stage:
        _refuse_as_stage(study)
    refuse_sheet((job.config for job in study.jobs), "is for `python -m src.train -m`; a study has a report of its own")
    with study.locked():
        digests = identified(study.jobs)
        known_as = identity(study.name, [digest["fingerprint"] for digest in digests])
        about = f"Study {study.name}: {study.declaration.title}"
        told = {"about": about, "command": study.command}
        with recorded(study.jobs, study.name, known_as, study.name, **told) as (recording, parent):
            ends = run_jobs(study.name, study.jobs, digests, launch, recording, parent)
            _refuse_missing(study.jobs, ends)
            results = kind.collect(study, digests)
            if study.stage:
                return
            report = kind.report(results, study.declaration.name, study.report)
            print("", report.text, "", sep="\n")
            if recording and parent:
                recording.report(parent.identity, report.metrics, report.tags, report.folder, report.new)
            print(report.page, flush=True)
            if diverged := [job.label for job, end in zip(study.jobs, ends, strict=True) if end.diverged]:
                raise RunFailed(f"{', '.join(diverged)}: diverged; the report shows the gap")


def _refuse_as_stage(study: Study[Any]) -> None:
    """A stage depends on the pipeline's data alone, so DVC would not see a change of others."""
    name = study.declaration.name
    if not study.declaration.in_pipeline:
        raise UserError(f"--stage {name}: only a comparison of variants can run as a stage")
    if any(job.config.train.start_from for job in study.jobs):
        raise UserError(f"studies=[{name}]: train.start_from is not for stages, where DVC would not see it change")
    here, there = study.jobs[0].config.data, load([]).data
    if plain(here, semantic_only=True) != plain(there, semantic_only=True):
        raise UserError(
            f"studies=[{name}]: it trains on data={here.name}; as a stage it needs the data of params.yaml, "
            f"data={there.name}"
        )


def _refuse_missing(jobs: Sequence[Job], ends: Sequence[JobEnd]) -> None:
    pairs = zip(jobs, ends, strict=True)
    if missing := [f"{job.label} ({end.status})" for job, end in pairs if not (end.done or end.diverged)]:
        more = f" and {len(missing) - 5} others" if len(missing) > 5 else ""
        raise RunFailed(
            f"{len(missing)} of {len(jobs)} jobs are missing: {', '.join(missing[:5])}{more}; the others are kept, and "
            "the same command finishes the study"
        )
