"""Runs side by side: what differs, what each reached, and how often each is right where the other is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from src.analysis.paired_proportions import Gain, gain
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.foundation.errors import RunFailed, UserError
from src.foundation.schema import flatten
from src.runs.described import fact
from src.runs.finished import FinishedRun
from src.runs.lineage import WITHOUT_EFFECT
from src.runs.naming import run_name

_ABSENT = "–"


class Row(NamedTuple):
    """A fact in which runs differ, as texts, or a metric, as numbers: one value for each run; None: it is not known."""

    section: str
    name: str
    values: tuple[str | float | None, ...]

    def shown(self) -> tuple[str, ...]:
        """The values for people."""
        form = _FORMS.get(self.name, "{}")
        return tuple(_ABSENT if value is None else form.format(value) for value in self.values)


_FORMS = {**dict.fromkeys(("accuracy", "precision", "recall", "f1"), "{:.2%}"), "loss": "{:.4f}", "seconds": "{:.1f}"}


class Pair(NamedTuple):
    """The first run against another one, on the same test examples; or why they can't be compared so."""

    other: int  # the number of the other run
    gain: Gain | None
    why_not: str


@dataclass(frozen=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[FinishedRun, ...]
    names: tuple[str, ...]  # such as `A: tanh quick s0`
    differences: tuple[Row, ...]
    metrics: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    dataset: Dataset | None  # of the first run; None where it is not available

    def plain(self) -> dict[str, Any]:
        """Everything as plain data, for programs."""
        pairs = [
            {
                "first": self.runs[0].fingerprint,
                "second": self.runs[pair.other].fingerprint,
                "why_not": pair.why_not or None,
                **({} if pair.gain is None else _of_gain(pair.gain)),
            }
            for pair in self.pairs
        ]
        return {
            "runs": [
                {"name": name, "fingerprint": run.fingerprint, "result": run.result}
                for name, run in zip(self.names, self.runs, strict=True)
            ],
            "differences": [row._asdict() for row in self.differences],
            "metrics": [row._asdict() for row in self.metrics],
            "pairs": pairs,
        }


def compare(runs: Sequence[FinishedRun]) -> Comparison:
    """Compares the first run with each of the others.

    Raises:
        UserError: a file of a run is missing or damaged, or a run is given twice.
    """
    prints = [run.fingerprint for run in runs]
    if repeated := next((one for i, one in enumerate(prints) if one in prints[:i]), None):
        raise UserError(f"{repeated}: this run is given twice; give each run once")
    names = tuple(_names(runs))
    dataset, absent = _dataset(runs[0])
    pairs = tuple(_pair(runs, other, dataset, absent) for other in range(1, len(runs)))
    return Comparison(tuple(runs), names, tuple(_differences(runs)), tuple(_metrics(runs)), pairs, dataset)


def _names(runs: Sequence[FinishedRun]) -> Iterator[str]:
    for number, run in enumerate(runs):
        yield f"{chr(ord('A') + number)}: {run_name(run.config)}"


def _dataset(run: FinishedRun) -> tuple[Dataset | None, str]:
    """A run's data, and why they are not there."""
    try:
        dataset = prepare(run.config.data)
    except (UserError, RunFailed) as error:
        return None, f"the test labels are not available: {error}"
    if dataset.sha256 != run.about["digests"].get("data"):
        return None, f"data={run.config.data.name} are not those that the first run was trained on"
    return dataset, ""


def _pair(runs: Sequence[FinishedRun], other: int, dataset: Dataset | None, absent: str) -> Pair:
    first, second = runs[0], runs[other]
    if not _same_test(first, second):
        return Pair(other, None, "they were tested on other examples, or a run of an earlier version does not say")
    if dataset is None:
        return Pair(other, None, absent)
    y = np.asarray(dataset.test.y)
    try:
        predicted = [run.predictions.labels for run in (first, second)]
    except UserError as error:  # of a run whose folder is elsewhere, MLflow gives what a replay needs
        return Pair(other, None, f"{error}")
    if any(len(labels) != len(y) for labels in predicted):
        return Pair(other, None, "their predictions are of other numbers of examples")
    return Pair(other, gain(predicted[0] == y, predicted[1] == y), "")


def _same_test(first: FinishedRun, second: FinishedRun) -> bool:
    if first.raw_test_sha256 and second.raw_test_sha256:
        return first.raw_test_sha256 == second.raw_test_sha256
    return bool(first.about["digests"].get("data") == second.about["digests"].get("data"))


def _differences(runs: Sequence[FinishedRun]) -> Iterator[Row]:
    sections: tuple[tuple[str, list[Mapping[str, Any]]], ...] = (
        ("configuration", [_flat(run.config.semantic(complete=True)) for run in runs]),
        # Of tables such as that of the activations, a run's digest covers the entries that it uses.
        ("code used", [_picked(run.about, "digests", "code") for run in runs]),
        ("code", [_picked(run.about, "lineage", "git.commit") for run in runs]),
        ("data", [_picked(run.about, "digests", "data") | _picked(run.about, "digests", "raw_test") for run in runs]),
        ("environment", [_machine(run.about) for run in runs]),
    )
    for section, facts in sections:
        for key in dict.fromkeys(key for of_run in facts for key in of_run):
            values = [of_run.get(key) for of_run in facts]
            if any(value != values[0] for value in values):
                yield Row(section, key, tuple(fact(of_run, key, _ABSENT) for of_run in facts))


def _metrics(runs: Sequence[FinishedRun]) -> Iterator[Row]:
    results, scores = [run.result for run in runs], [_scores(run) for run in runs]
    for part in ("test", "valid", "train"):
        for name in ("accuracy", "loss"):
            yield Row(part, name, tuple(result[part][name] for result in results))
    for name in ("precision", "recall", "f1"):
        yield Row("test", name, tuple(score.get(name) for score in scores))
    for name in ("kept_epoch", "epochs"):
        yield Row("training", name.replace("_", " "), tuple(result.get(name) for result in results))
    yield Row("training", "seconds", tuple(map(_seconds, runs)))


def _scores(run: FinishedRun) -> Mapping[str, Any]:
    try:
        overall: Mapping[str, Any] = run.scores.get("overall", {})
    except UserError:  # its folder is elsewhere
        return {}
    return overall


def _seconds(run: FinishedRun) -> float | None:
    try:
        return run.timing["seconds"]
    except UserError:
        return None


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    return dict(flatten(tree))


def _picked(about: Mapping[str, Any], section: str, key: str) -> dict[str, Any]:
    found = about.get(section) or {}
    return {key: found[key]} if key in found else {}


def _machine(about: Mapping[str, Any]) -> dict[str, Any]:
    around = _flat(about.get("surroundings") or {})
    of_effect = {key: value for key, value in around.items() if not key.endswith(WITHOUT_EFFECT)}
    return _flat(about.get("environment") or {}) | of_effect


def _of_gain(found: Gain) -> dict[str, Any]:
    interval = {"difference": found.difference, "low": found.low, "high": found.high}
    test = {"only_first": found.mcnemar.only_first, "only_second": found.mcnemar.only_second, "p": found.mcnemar.p}
    return {**interval, "mcnemar": test, "test_and_interval_disagree": found.at_the_edge}
