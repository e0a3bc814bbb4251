"""Collects a comparison's results from its run folders into the folder that keeps them."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from src.config.changes import typed
from src.config.tree import Config
from src.foundation import schema
from src.foundation.files import ROOT, json_text, replacing_folder, rounded, write_json
from src.runs.fingerprint import code_digest, environment
from src.runs.folder import RunFolder
from src.runs.metric import Metric
from src.studies.comparisons.declare import ComparisonDeclaration
from src.studies.comparisons.results import STUDY, Results, StudyRun, about, read_results
from src.studies.study import Study, failure

_KEPT = ("history.csv", "predictions.npz", "result.json")


def collect(study: Study[ComparisonDeclaration], digests: Sequence[Mapping[str, str]]) -> Results:
    """Writes a study's results into its folder, and where DVC tracks them, their headline; returns them.

    digests: of each job, in the order of the study.
    """
    results = keep(results_of(study, digests), study.results)
    if study.tracked:
        write_headline(results, study.declaration.name)
    return results


def keep(results: Results, target: Path) -> Results:
    """Writes the folder that `read_results` reads, with copies from the run folders, and returns what that reads.

    A folder with these very files is left alone.
    """
    files = {Path(STUDY): json_text(about(results)).encode()}
    for run in results.runs:
        if run.status == "finished":
            folder = RunFolder.of(run.fingerprint).path
            files |= {Path("runs", run.fingerprint, name): (folder / name).read_bytes() for name in _KEPT}
    if not all((target / file).exists() and (target / file).read_bytes() == content for file, content in files.items()):
        with replacing_folder(target) as beside:
            for file, content in files.items():
                (beside / file).parent.mkdir(parents=True, exist_ok=True)
                (beside / file).write_bytes(content)
    return read_results(target)


def results_of(study: Study[ComparisonDeclaration], digests: Sequence[Mapping[str, str]]) -> Results:
    """How a study's runs ended, without their results; digests as in `collect`."""
    declaration, shared = study.declaration, digests[0]
    runs = []
    for job, of in zip(study.jobs, digests, strict=True):
        reason = failure(RunFolder.of(of["fingerprint"]))
        status, command = "failed" if reason else "finished", command_of(job.config)
        runs.append(StudyRun(job.variant, job.config.seed, of["fingerprint"], status, reason, command))
    config = study.jobs[0].config
    portable = all(job.config.portable for job in study.jobs)  # no machine decides anything, so none is named
    terms = vars(declaration) | {"choose_by": Metric(declaration.choose_by), "report_on": Metric(declaration.report_on)}
    return Results(
        **terms | {"name": study.name},
        seeds=study.seeds,
        command=study.command,
        recipe=config.data.name,
        digests={"data": shared["data"], "code": code_digest()} | ({} if portable else {"env": shared["env"]}),
        environment={} if portable else environment(config.train.threads),
        runs=tuple(runs),
        data=schema.plain(config.data, semantic_only=True),
    )


def command_of(config: Config) -> str:
    """The command that trains a run again."""
    return shlex.join(["python", "-m", "src.train", *typed(config), "train.fresh=true"])


def write_headline(results: Results, study: str) -> None:
    """Writes metrics/<study>.json."""
    finished = sum(run.status == "finished" for run in results.runs)
    headline: dict[str, object] = {"finished": finished, "failed": len(results.runs) - finished}
    if (chosen := results.chosen) is not None:
        headline["chosen"] = chosen
        for metric in (results.choose_by, results.report_on):
            headline[metric.replace("/", "_")] = fmean(results.values(chosen, metric))
        if at_baseline := results.values(results.baseline, results.report_on):
            headline["above_baseline"] = fmean(results.values(chosen, results.report_on)) - fmean(at_baseline)
    write_json(headline_file(study), rounded(headline))


def seconds_of(results: Results) -> dict[str, float]:
    """Seconds of training alone, by fingerprint, of the runs whose folders are on this machine."""
    folders = {run.fingerprint: RunFolder.of(run.fingerprint) for run in results.runs}
    return {identity: folder.timing()["seconds"] for identity, folder in folders.items() if folder.finished()}


def headline_file(study: str) -> Path:
    """The file that `dvc metrics show` shows for a study."""
    return ROOT / "metrics" / f"{study}.json"
