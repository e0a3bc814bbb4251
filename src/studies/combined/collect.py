"""The results of a combined study: those of each comparison, and of all variants together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from src.data.dataset import Dataset
from src.foundation.errors import RunFailed
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.model import load_model
from src.studies.combined.declare import CombinedDeclaration, Member
from src.studies.comparisons.collect import keep, results_of
from src.studies.comparisons.results import Results, StudyRun, Variant
from src.studies.study import Study
from src.training.metrics import predict


@dataclass(frozen=True)
class Combined:
    """The comparisons with their results, and all of them as if they were one."""

    declaration: CombinedDeclaration
    parts: tuple[tuple[Member, Results], ...]
    whole: Results  # its `chosen` is the best variant of all

    def best(self, results: Results) -> StudyRun | None:
        """Of the variant that a comparison (or the whole) chooses, the run with the best validation accuracy."""
        if results.chosen is None:
            return None
        runs = [run for run in results.runs if run.variant == results.chosen and run.result]
        sign = -1 if results.choose_by.is_loss else 1
        return max(runs, key=lambda run: sign * results.choose_by.of(run.result or {}))


def collect(study: Study[CombinedDeclaration], digests: Sequence[Mapping[str, str]]) -> Combined:
    """Keeps the results of each comparison in a folder of its own, and returns all. digests: of each job, in order."""
    parts, runs, variants = [], [], []
    for member in study.declaration.members:
        names = {member.variant(variant.name): variant.name for variant in member.study.variants}
        chosen = [(job, digest) for job, digest in zip(study.jobs, digests, strict=True) if job.variant in names]
        jobs = tuple(replace(job, variant=names[job.variant]) for job, _ in chosen)
        of_member = Study(member.study, study.typed, jobs)
        results = keep(results_of(of_member, [digest for _, digest in chosen]), study.results / member.study.name)
        parts.append((member, results))
        runs += [replace(run, variant=member.variant(run.variant)) for run in results.runs]
        variants += [Variant(member.variant(variant.name), variant.changes) for variant in results.variants]
    first = parts[0][1]
    whole = replace(
        first,
        name=study.name,
        title=study.declaration.title,
        baseline=variants[0].name,
        cumulative=False,
        variants=tuple(variants),
        command=study.command,
        runs=tuple(runs),
    )
    return Combined(study.declaration, tuple(parts), whole)


def finished(run: StudyRun) -> FinishedRun:
    """The run's folder."""
    return FinishedRun(RunFolder.of(run.fingerprint).path)


def save_and_score(run: StudyRun, dataset: Dataset, file: Path) -> float:
    """Saves a run's network, loads it again, and returns its accuracy on the test set.

    Raises `RunFailed` if it is not the one after training.
    """
    file.write_bytes((finished(run).path / "model.npz").read_bytes())
    network = load_model(file).network
    accuracy = predict(network, dataset.test.x, dataset.test.y).accuracy
    recorded = (run.result or {})["test"]["accuracy"]
    if accuracy != recorded:
        raise RunFailed(
            f"{file}: loaded again, its test accuracy is {accuracy:.2%}, after training it was {recorded:.2%}"
        )
    return accuracy
