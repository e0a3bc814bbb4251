"""From the run folders of a study to its results, and to the folder that keeps them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from src.foundation import schema
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, read_json, replacing_folder, write_json
from src.runs.fingerprint import environment
from src.runs.folder import RunFolder
from src.studies.comparisons.results import STUDY, Results, StudyRun, about, read_results
from src.studies.places import headline_file, timing_file
from src.studies.plan import Plan

_KEPT = ("history.csv", "predictions.npz", "result.json")


def collect(plan: Plan, digests: Sequence[Mapping[str, str]], commands: Sequence[str], target: Path) -> Results:
    """Puts a study's results into the folder `target`, where `read_results` reads them, and returns them.

    digests, commands: of each training, in the plan's order. Nothing is touched where all stands already.
    """
    results = _ends(plan, digests, commands)
    told = about(results)
    finished = sorted({run.fingerprint for run in results.runs if run.status == "finished"})
    kept = [Path("runs") / fingerprint / name for fingerprint in finished for name in _KEPT]
    if not _holds(target, told) or not all(_same(target / file, _source(file)) for file in kept):
        with replacing_folder(target) as beside:
            for file in kept:
                (beside / file).parent.mkdir(parents=True, exist_ok=True)
                (beside / file).write_bytes(_source(file).read_bytes())
            write_json(beside / STUDY, told)
    return read_results(target)


def _ends(plan: Plan, digests: Sequence[Mapping[str, str]], commands: Sequence[str]) -> Results:
    declaration, shared = plan.declaration, digests[0]
    runs = []
    for training, of, command in zip(plan.trainings, digests, commands, strict=True):
        folder = RunFolder.of(of["fingerprint"])
        status = "finished" if folder.finished() else "failed"
        reason = "" if status == "finished" else folder.status().get("reason") or "it was never trained"
        runs.append(StudyRun(training.variant.name, training.seed, of["fingerprint"], status, reason, command))
    config = plan.trainings[0].planned.config
    return Results(
        name=plan.name,
        title=declaration.title,
        baseline=declaration.baseline,
        cumulative=declaration.cumulative,
        choose_by=declaration.choose_by,
        report_on=declaration.report_on,
        seeds=plan.seeds,
        variants=declaration.variants,
        command=plan.command,
        recipe=config.data.name,
        digests={name: shared[name] for name in ("data", "code", "env")},
        environment=environment(config.train.threads),
        runs=tuple(runs),
        data=schema.plain(config.data, semantic_only=True),
    )


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
    """Seconds of training alone, by fingerprint, of the runs whose folders are here, or that Git brings.

    study: as it is declared, while `results.name` has a digest where the pipeline's data are others.
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
    """The file of a run folder that stands in a study's folder as runs/<fingerprint>/<name>."""
    return RunFolder.of(file.parts[1]).path / file.name


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.read_bytes() == other.read_bytes()


def _holds(folder: Path, told: Mapping[str, object]) -> bool:
    try:
        return canonical_json(read_json(folder / STUDY)) == canonical_json(told)  # which spells tuples as lists
    except UserError:
        return False
