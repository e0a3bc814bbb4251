"""Studies made up for tests: what each variant comes to with each seed is given, all the rest follows from it."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from src.nn.arrays import Labels
from src.runs.metric import Metric
from src.studies.comparisons.results import Results, StudyRun, Variant

CLASSES = 10


def make_results(
    accuracy: Mapping[str, Sequence[float | str]],
    *,
    valid: Mapping[str, Sequence[float]] | None = None,
    name: str = "made_up",
    title: str = "A study made up for tests",
    baseline: str | None = None,
    cumulative: bool = False,
    choose_by: str = "valid/accuracy",
    report_on: str = "test/accuracy",
    seeds: Sequence[int] | None = None,
    examples: int = 1000,
    epochs: int = 5,
) -> Results:
    """A study whose results are these.

    Args:
        accuracy: by variant, in the order of declaration, the test accuracy with each seed; a text in the place of a
            number is a failure's reason, such as "diverged at epoch 3".
        valid: the validation accuracy likewise, where it is not that of the test set.
        name: of the study.
        title: of the study.
        baseline: a variant; the first one where none is given.
        cumulative: whether each variant adds to the one before.
        choose_by: the metric that ranks.
        report_on: the metric of the effects.
        seeds: 0, 1, 2, ... where none are given.
        examples: n_test. A run's predictions are wrong on round((1 - accuracy) * n_test) of `true_labels(n_test)`.
        epochs: of each training. The loss is 3 (1 - accuracy) everywhere.
    """
    order = tuple(range(max(map(len, accuracy.values()), default=0)) if seeds is None else seeds)
    baseline = next(iter(accuracy)) if baseline is None else baseline
    runs = tuple(
        _run(name, variant, seed, value, (valid or accuracy)[variant][i], examples, epochs)
        for variant, values in accuracy.items()
        for i, (seed, value) in enumerate(zip(order, values, strict=True))
    )
    return Results(
        name=name,
        title=title,
        baseline=baseline,
        cumulative=cumulative,
        choose_by=Metric(choose_by),
        report_on=Metric(report_on),
        seeds=order,
        variants=tuple(Variant(variant, (f"model.dropout=0.{i}",) if i else ()) for i, variant in enumerate(accuracy)),
        command=f"python -m src.ablation ablation={name}",
        recipe="mnist",
        digests={key: _digest(name, key) for key in ("data", "code", "env")},
        environment={"numpy": "2.4.6", "blas": "openblas 0.3.31 SkylakeX", "threads": 1, "flush_to_zero": True},
        runs=runs,
    )


def true_labels(examples: int = 1000) -> Labels:
    """The labels of the test set of such a study. [examples]"""
    return np.arange(examples) % CLASSES


def seconds_of(results: Results) -> dict[str, float]:
    """Seconds of training, by fingerprint, of every run that finished."""
    finished = (run.fingerprint for run in results.runs if run.status == "finished")
    return {fingerprint: 10 + int(fingerprint[:2], 16) / 100 for fingerprint in finished}


def _run(
    study: str, variant: str, seed: int, accuracy: float | str, valid: float | str, examples: int, epochs: int
) -> StudyRun:
    fingerprint = _digest(study, variant, seed)
    command = f"python -m src.train seed={seed} # {variant}"
    if isinstance(accuracy, str) or isinstance(valid, str):
        return StudyRun(variant, seed, fingerprint, "failed", str(accuracy), command)
    result: dict[str, Any] = {
        "epochs": epochs,
        "kept_epoch": epochs,
        "train": _metrics(min(1.0, accuracy + 0.01)),
        "valid": _metrics(valid),
        "test": _metrics(accuracy),
        "weights_sha256": _digest(variant, seed, "weights"),
    }
    progress = 1 - 0.5 ** np.arange(1, epochs + 1)  # each epoch halves what is still missing, and the last one arrives
    progress /= progress[-1]
    history: dict[str, list[float]] = {"epoch": np.arange(1.0, epochs + 1).tolist()}
    for name in ("train", "valid"):
        history[f"{name}_loss"] = (3 - progress * (3 - result[name]["loss"])).tolist()
        history[f"{name}_accuracy"] = (progress * result[name]["accuracy"]).tolist()
    predicted = true_labels(examples)
    rng = np.random.default_rng(list(fingerprint.encode()))
    wrong = rng.choice(examples, round((1 - accuracy) * examples), replace=False)
    predicted[wrong] = (predicted[wrong] + rng.integers(1, CLASSES, wrong.size)) % CLASSES
    return StudyRun(variant, seed, fingerprint, "finished", "", command, result, history, predicted)


def _metrics(accuracy: float) -> dict[str, float]:
    return {"loss": 3 * (1 - accuracy), "accuracy": accuracy}


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
