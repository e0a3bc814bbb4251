"""What a data set holds: shapes, counts of classes, examples, and mean and deviation before and after scaling."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import PARTS, Dataset, Examples
from src.data.raw import Raw
from src.data.scaling import batches

_BY_FEATURE = 8  # features at most, for statistics of each
_HEAD = 5  # rows

Numbers = list[float]


class Moments(NamedTuple):
    """Mean and standard deviation of each feature, or of all values where there are many features."""

    mean: Numbers
    deviation: Numbers


class Row(NamedTuple):
    """An example of the source: its values, and its label."""

    values: Numbers
    label: str


class DataFacts(NamedTuple):
    """What a data set holds."""

    dataset: Dataset
    examples: int  # of all sets together
    counts: dict[str, list[int]]  # by set, of each class
    head: list[Row]  # the first examples of the source
    sample: Row  # an example of a set, before scaling
    scaled_sample: Numbers
    before: dict[str, Moments]  # by set
    after: dict[str, Moments]

    @property
    def class_weights(self) -> Numbers:
        """1 / count of each class in the training set; of a class without examples, 0."""
        return [1 / count if count else 0.0 for count in self.counts["train"]]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        dataset, labels = self.dataset, self.dataset.labels
        sets = {
            part: {
                **{
                    name: {"shape": list(array.shape), "dtype": str(array.dtype)}
                    for name, array in _arrays(dataset, part)
                },
                "class_counts": dict(zip(labels, self.counts[part], strict=True)),
                "before_scaling": self.before[part]._asdict(),
                "after_scaling": self.after[part]._asdict(),
            }
            for part in PARTS
        }
        return {
            "recipe": dataset.recipe,
            "examples": self.examples,
            "labels": list(labels),
            "image": dataset.image and list(dataset.image),
            "features": dataset.features and list(dataset.features),
            "scaling": dataset.scaling,
            "sha256": dataset.sha256,
            "sets": sets,
            "class_weights": dict(zip(labels, self.class_weights, strict=True)),
            "first_rows": [row._asdict() for row in self.head],
            "sample": {**self.sample._asdict(), "scaled": self.scaled_sample},
        }


def data_facts(dataset: Dataset, raw: Raw, rows: Mapping[str, NDArray[np.int64]], part: str, index: int) -> DataFacts:
    """The facts of a data set.

    Args:
        dataset: the scaled arrays.
        raw: the source's examples, before scaling.
        rows: their indices, by set.
        part: the set of the example to show.
        index: of this example.
    """
    y = {name: _examples(dataset, name).y for name in PARTS}
    counts = {name: np.bincount(labels, minlength=len(dataset.labels)).tolist() for name, labels in y.items()}
    sample, examples = int(rows[part][index]), _examples(dataset, part)
    return DataFacts(
        dataset,
        len(np.unique(np.concatenate([*rows.values()]))),  # sets may overlap
        counts,
        [_row(raw, row, dataset.labels) for row in range(min(_HEAD, len(raw.y)))],
        _row(raw, sample, dataset.labels),
        [float(value) for value in examples.x[index]],
        {name: _moments(raw.x, rows[name]) for name in PARTS},
        {name: _moments(_examples(dataset, name).x, np.arange(len(y[name]))) for name in PARTS},
    )


def _examples(dataset: Dataset, part: str) -> Examples:
    examples: Examples = getattr(dataset, part)
    return examples


def _arrays(dataset: Dataset, part: str) -> list[tuple[str, NDArray[Any]]]:
    x, y, _ = _examples(dataset, part)
    return [("x", x), ("y", y)]


def _row(raw: Raw, row: int, labels: tuple[str, ...]) -> Row:
    return Row([float(value) for value in raw.x[row]], labels[raw.y[row]])


def _moments(x: NDArray[Any], rows: NDArray[np.int64]) -> Moments:
    """Of these rows of x [n, features], in one pass over deviations from the first row, which avoids cancellation."""
    alone = x.shape[1] <= _BY_FEATURE
    first = x[rows[0]].astype(np.float64)
    shift = first if alone else first.mean()
    total = squares = np.zeros(x.shape[1] if alone else 1)
    for batch in batches(rows):
        d = np.subtract(x[batch], shift, dtype=np.float64)  # [batch, features]
        if alone:
            total, squares = total + d.sum(axis=0), squares + np.square(d).sum(axis=0)
        else:
            total, squares = total + d.sum(), squares + np.vdot(d, d)
    n = len(rows) * (1 if alone else x.shape[1])
    variance = np.maximum(squares / n - np.square(total / n), 0)
    return Moments((shift + total / n).tolist(), np.sqrt(variance).tolist())
