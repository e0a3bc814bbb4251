"""Collects a comparison's results from its run folders into the folder that keeps them."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from src.config.composition import typed
from src.config.tree import Config
from src.foundation import schema
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, read_json, replacing_folder, write_json
from src.runs.fingerprint import code_digest, environment
from src.runs.folder import RunFolder
from src.runs.metric import Metric
from src.studies.comparisons.declare import ComparisonDeclaration
from src.studies.comparisons.results import STUDY, Results, StudyRun, about, read_results
from src.studies.places import Places, headline_file, timing_file
from src.studies.study import Study

_KEPT = ("history.csv", "predictions.npz", "result.json")


def collect(study: Study[ComparisonDeclaration], digests: Sequence[Mapping[str, str]], places: Places) -> Results:
    """Writes a study's results, which `read_results` reads, and returns them.

    digests: of each job, in the order of the study. Files that are up to date are left alone. Where DVC tracks the
    results, their headline is written, too.
    """
    results, target = _results(study, digests), places.results
    description = about(results)
    finished = sorted({run.fingerprint for run in results.runs if run.status == "finished"})
    kept = [Path("runs") / fingerprint / name for fingerprint in finished for name in _KEPT]
    if not _holds(target, description) or not all(_same(target / file, _source(file)) for file in kept):
        with replacing_folder(target) as beside:
            for file in kept:
                (beside / file).parent.mkdir(parents=True, exist_ok=True)
                (beside / file).write_bytes(_source(file).read_bytes())
            write_json(beside / STUDY, description)
    results = read_results(target)
    if places.tracked:
        write_headline(results, places.study)
    return results


def _results(study: Study[ComparisonDeclaration], digests: Sequence[Mapping[str, str]]) -> Results:
    declaration, shared = study.declaration, digests[0]
    runs = []
    for job, of in zip(study.jobs, digests, strict=True):
        folder = RunFolder.of(of["fingerprint"])
        status = "finished" if folder.finished() else "failed"
        reason = "" if status == "finished" else folder.status().get("reason") or "it was never trained"
        command = command_of(job.config)
        runs.append(StudyRun(job.variant, job.config.seed, of["fingerprint"], status, reason, command))
    config = study.jobs[0].config
    terms = vars(declaration) | {"choose_by": Metric(declaration.choose_by), "report_on": Metric(declaration.report_on)}
    return Results(
        **terms | {"name": study.name},
        seeds=study.seeds,
        command=study.command,
        recipe=config.data.name,
        digests={"data": shared["data"], "code": code_digest(), "env": shared["env"]},
        environment=environment(config.train.threads),
        runs=tuple(runs),
        data=schema.plain(config.data, semantic_only=True),
    )


def command_of(config: Config) -> str:
    """The command that trains a run again."""
    return shlex.join(["python", "-m", "src.train", *typed(config), "train.fresh=true"])


def write_headline(results: Results, study: str) -> None:
    """Writes metrics/<study>.json, and the training times beside it, which belong to no stage's out."""
    finished = sum(run.status == "finished" for run in results.runs)
    headline: dict[str, object] = {"finished": finished, "failed": len(results.runs) - finished}
    if (chosen := results.chosen) is not None:
        headline["chosen"] = chosen
        for metric in (results.choose_by, results.report_on):
            headline[metric.replace("/", "_")] = fmean(results.values(chosen, metric))
        if at_baseline := results.values(results.baseline, results.report_on):
            headline["above_baseline"] = fmean(results.values(chosen, results.report_on)) - fmean(at_baseline)
    write_json(headline_file(study), headline)
    write_json(timing_file(study), seconds_of(results, study))


def seconds_of(results: Results, study: str) -> dict[str, float]:
    """Seconds of training alone, by fingerprint, from the run folders that are here, else from the file in Git.

    study: the declared name; `results.name` has a digest if the pipeline's data are not the declared ones.
    """
    noted = timing_file(study)
    known: dict[str, float] = read_json(noted) if noted.exists() else {}
    seconds = {}
    for run in results.runs:
        folder = RunFolder.of(run.fingerprint)
        if folder.finished():
            seconds[run.fingerprint] = folder.timing()["seconds"]
        elif run.fingerprint in known:
            seconds[run.fingerprint] = known[run.fingerprint]
    return seconds


def _source(file: Path) -> Path:
    """The file of a run folder that a study's folder keeps as runs/<fingerprint>/<name>."""
    return RunFolder.of(file.parts[1]).path / file.name


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.read_bytes() == other.read_bytes()


def _holds(folder: Path, description: Mapping[str, object]) -> bool:
    try:
        return canonical_json(read_json(folder / STUDY)) == canonical_json(description)  # which spells tuples as lists
    except UserError:
        return False
