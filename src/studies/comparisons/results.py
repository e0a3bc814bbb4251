"""The results of a comparison of variants, as plain data and as a folder: all that its report is made from.

<folder>/
    study.json                   the declaration, the digests and the environment, and how each run ended
    runs/<fingerprint>/          of each run that finished: history.csv, predictions.npz, result.json

The folder has no times, and of portable runs nothing of the machine: same code, data and declaration, same bytes.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import read_json
from src.foundation.npz import DAMAGE
from src.nn.arrays import Labels
from src.runs.finished import FinishedRun, History
from src.runs.metric import Metric
from src.studies.study import identity

STUDY = "study.json"
_FORMAT = 1


@dataclass(frozen=True)
class Variant:
    """One of the networks or trainings that a study compares."""

    name: str
    changes: tuple[str, ...]  # its overrides; none for a baseline that is as the study's file sets it


@dataclass(frozen=True)
class StudyRun:
    """One run of a comparison. Its results are None if it failed."""

    variant: str
    seed: int
    fingerprint: str
    status: str  # finished or failed
    reason: str  # of a failure, such as "diverged at epoch 3"
    command: str  # that trains this very run
    result: dict[str, Any] | None = None  # as in the run folder's result.json
    history: History | None = None  # the columns of history.csv
    predicted: Labels | None = field(default=None, repr=False)  # [n_test], the predicted classes of the test set


@dataclass(frozen=True)
class Results:
    """A study with all its runs, variant by variant in the order of the declaration, each in the order of seeds."""

    name: str
    title: str
    baseline: str  # the variant that all others are compared with
    cumulative: bool  # each variant adds to the one before, so that it is compared with that one, too
    choose_by: Metric  # the metric that ranks: valid/accuracy or valid/loss
    report_on: Metric  # the metric of effects and their tests: test/accuracy
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]
    command: str  # that runs this study
    recipe: str  # the name of the data's recipe
    digests: dict[str, str]  # of data and env, as in the runs' fingerprints, and of all numeric code
    environment: dict[str, Any]  # what in the machine decides floating-point results; like env, not of portable runs
    runs: tuple[StudyRun, ...]
    data: dict[str, Any] = field(default_factory=dict)  # the whole recipe, with which the test set can be opened

    @property
    def identity(self) -> str:
        """Identifies this study, run by this code on these data."""
        return identity(self.name, [run.fingerprint for run in self.runs])

    @property
    def chosen(self) -> str | None:
        """The variant with the best mean of `choose_by`, among those with the fewest failed seeds; None without any.

        A variant that sometimes fails does not win by the seeds that went well. Among equals the baseline is chosen,
        then the one that is declared first.
        """

        def rank(variant: str) -> tuple[int, float, bool]:
            values = self.values(variant, self.choose_by)
            mean = round(sum(values) / len(values), 12)  # equal but for the order of summation is equal
            return -len(values), mean if self.choose_by.is_loss else -mean, variant != self.baseline

        finished = [variant.name for variant in self.variants if self.values(variant.name, self.choose_by)]
        return min(finished, key=rank, default=None)

    def run(self, variant: str, seed: int) -> StudyRun:
        """The run of a variant with a seed."""
        return next(run for run in self.runs if (run.variant, run.seed) == (variant, seed))

    def values(self, variant: str, metric: Metric) -> list[float]:
        """A metric of a variant's finished runs, in the order of seeds."""
        return [metric.of(run.result) for run in self.runs if run.variant == variant and run.result]


def read_results(folder: Path) -> Results:
    """Reads a study's folder; raises `UserError` if it is missing or damaged."""
    about = read_json(folder / STUDY)
    try:
        if about.pop("format") != _FORMAT:
            raise ValueError("its format is of another version")
        about["variants"] = tuple(Variant(v["name"], tuple(v["changes"])) for v in about["variants"])
        about["seeds"] = tuple(about["seeds"])
        about |= {name: Metric(about[name]) for name in ("choose_by", "report_on")}
        about["runs"] = tuple(_read_run(folder, run) for run in about["runs"])
        results = Results(**about)
        cells = [(variant.name, seed) for variant in results.variants for seed in results.seeds]
        if [(run.variant, run.seed) for run in results.runs] != cells:
            raise ValueError("its runs are not those of its variants and seeds")
        return results
    except DAMAGE as error:
        raise UserError(f"{folder}: not a study's results, or damaged ({error})") from None


def about(results: Results) -> dict[str, Any]:
    """The contents of study.json."""
    tree = dataclasses.asdict(dataclasses.replace(results, runs=()))
    apart = ("result", "history", "predicted")
    runs = [{k: v for k, v in vars(run).items() if k not in apart} for run in results.runs]
    return {"format": _FORMAT} | tree | {"runs": runs}


def _read_run(folder: Path, about: dict[str, Any]) -> StudyRun:
    run = StudyRun(**about)
    if run.status != "finished":
        return run
    finished = FinishedRun(folder / "runs" / run.fingerprint)
    result, history, predicted = finished.result, finished.history, finished.predictions.labels
    return dataclasses.replace(run, result=result, history=history, predicted=predicted)
