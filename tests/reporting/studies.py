"""Studies made up for tests, ordinary and extreme, and the data set that they were tested on.

What each variant comes to with each seed is given, all the rest follows from it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from src.analysis.comparison_summary import Summary, summarize
from src.data.dataset import Dataset, Examples
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


LONG = [
    f"act={act}, init={init}"
    for act in ("sigmoid", "tanh", "relu", "leaky_relu")
    for init in ("normal", "glorot_uniform", "he_normal", "orthogonal")
]
LONGEST = "W" * 60
HOSTILE = "<script>alert(1)</script> $5 {{ 7*7 }} \" & '"


def around(center: float, seeds: int = 5, spread: float = 0.001) -> list[float]:
    rng = np.random.default_rng(round(1e5 * center))
    return np.round(center + spread * rng.standard_normal(seeds), 4).tolist()


STUDIES: dict[str, Results] = {
    "a ladder": make_results({f"step{i}": around(0.93 + 0.01 * i) for i in range(7)}, cumulative=True, epochs=10),
    "two variants": make_results({"a": around(0.97), "b": around(0.972)}),
    "one variant": make_results({"a": around(0.97)}),
    "one seed": make_results({"a": [0.9], "b": [0.95], "c": [0.8]}, cumulative=True),
    "two seeds": make_results({"a": [0.9, 0.91], "b": [0.95, 0.97]}),
    "sixteen variants": make_results({name: around(0.97 + 0.0004 * i) for i, name in enumerate(LONG)}, epochs=40),
    "sixteen variants, and one that learns nothing": make_results(
        {name: around(0.97) for name in LONG[:-1]} | {LONG[-1]: [0.1] * 5}, cumulative=True
    ),
    "the longest names": make_results({LONGEST[:59] + str(i): around(0.96 + 0.01 * i) for i in range(4)}),
    "hostile names": make_results({HOSTILE: around(0.9), '#222222 x="1.23456" $': around(0.95)}, epochs=40),
    "failures": make_results(
        {
            "a": around(0.9),
            "b": [0.93, "diverged at epoch 3", 0.94, "killed", 0.92],
            "c": ["a reason that goes on and on, and does not come to its end " * 3, *around(0.91, 4)],
            "d": ["diverged at epoch 1"] * 5,
        },
        cumulative=True,
    ),
    "no seed in common": make_results({"a": [0.9, "killed"], "b": ["killed", 0.91]}),
    "a baseline that failed": make_results({"a": ["killed"] * 3, "b": around(0.9, 3), "c": around(0.92, 3)}),
    "identical results": make_results({"a": [0.9] * 5, "b": [0.9] * 5, "c": [0.9] * 5}),
    "perfect results": make_results({"a": [1.0] * 3, "b": [1.0] * 3, "c": [0.999, 1.0, 1.0]}),
    "hopeless results": make_results({"a": [0.0] * 3, "b": [0.0, 0.1, 0.2]}),
    "one epoch": make_results({"a": around(0.9), "b": around(0.95)}, epochs=1),
    "many epochs": make_results({"a": around(0.9), "b": around(0.95)}, epochs=1000),
}
IMAGES = np.random.default_rng(0).random((1000, 64)).astype(np.float32)


def dataset(image: tuple[int, int] | None = (8, 8), names: Sequence[str] = "0123456789") -> Dataset:
    test = Examples(IMAGES, true_labels().astype(np.int64))
    return Dataset({}, tuple(names), image, {}, "0" * 64, test, test, test)


def summary_of(results: Results) -> Summary:
    return summarize(results, true_labels())
