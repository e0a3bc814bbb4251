"""Studies of every kind, ordinary and extreme, and the data set that they were tested on."""

from collections.abc import Sequence

import numpy as np

from src.analysis.comparison_summary import Summary, summarize
from src.data.dataset import Dataset, Examples
from src.studies.comparisons.results import Results
from tests.reporting.synthetic import make_results, seconds_of, true_labels

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
    return summarize(results, seconds_of(results), true_labels())
