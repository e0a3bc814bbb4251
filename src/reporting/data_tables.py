"""What a data set holds, as text for a terminal."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from src.analysis.data_facts import DataFacts, Row
from src.data.dataset import PARTS
from src.reporting.tables import plain_table
from src.runs.metric import part_names

_SHADES = " .:-=+*#%@"  # from no ink to full ink
_COLUMNS = 8  # values at most that a row lists
_NONE = 1e-6  # of the deviation: the mean of standardized values is 0, but for rounding


def data_text(facts: DataFacts, part: str, index: int) -> str:
    """Shapes, classes, first rows, one example of a set, and statistics before and after scaling."""
    dataset, recipe = facts.dataset, facts.dataset.recipe
    names = part_names(recipe)
    values = (
        "images of {} x {} pixels".format(*dataset.image) if dataset.image else f"{len(facts.scaled_sample)} values"
    )
    lines = [
        f"data={recipe['name']}: {facts.examples:,} examples, {values}, {len(dataset.labels)} classes; "
        f"source {recipe['source']}, data.seed {recipe['seed']}, scaling {dataset.scaling['kind']}",
        "",
        plain_table(["array", "type", "shape"], list(_arrays(facts))),
        "",
        plain_table(["class", *names.values(), "weight, 1/train"], list(_classes(facts))),
        "",
        "the source's first rows, before scaling:",
        _rows(facts, facts.head),
        "",
        f"{names[part]} example {index}, label {facts.sample.label}, before and after scaling:",
        *_sample(facts),
        "",
        "mean and standard deviation, before and after scaling:",
        _statistics(facts),
    ]
    return "\n".join(lines)


def picture(image: NDArray[np.floating]) -> str:
    """An image [h, w] in characters, two for a pixel, from its lowest value (blank) to its highest."""
    low, high = float(image.min()), float(image.max())
    steps = (image - low) / ((high - low) or 1.0) * (len(_SHADES) - 1)
    return "\n".join("".join(2 * _SHADES[round(step)] for step in row).rstrip() for row in steps.tolist())


def number(value: float) -> str:
    """A value with at most 8 digits after the point, as NumPy prints it, or with 8 significant ones."""
    return f"{value:.8f}".rstrip("0").rstrip(".") if 1e-4 <= abs(value) < 1e8 else f"{value:.8g}"


def _arrays(facts: DataFacts) -> Iterator[list[str]]:
    for part in PARTS:
        x, y, _ = getattr(facts.dataset, part)
        for name, array in (("x", x), ("y", y)):
            yield [f"{name}_{part}", str(array.dtype), str(list(array.shape))]


def _classes(facts: DataFacts) -> Iterator[list[str]]:
    for k, label in enumerate(facts.dataset.labels):
        counts = [f"{facts.counts[part][k]:,}" for part in PARTS]
        yield [label, *counts, f"{facts.class_weights[k]:.6g}"]


def _names(facts: DataFacts) -> list[str]:
    """The columns of a row of few values."""
    count = len(facts.scaled_sample)
    return list(facts.dataset.features or (f"value {i}" for i in range(1, count + 1)))


def _rows(facts: DataFacts, rows: Sequence[Row]) -> str:
    if len(facts.scaled_sample) <= _COLUMNS:
        cells = [[*map(number, row.values), row.label] for row in rows]
        return plain_table([*_names(facts), "label"], cells)
    summaries = [[f"{min(v):g}", f"{max(v):g}", f"{np.mean(v):.2f}", label] for v, label in rows]
    return plain_table(["lowest", "highest", "mean", "label"], summaries)


def _sample(facts: DataFacts) -> list[str]:
    before, after, image = facts.sample.values, facts.scaled_sample, facts.dataset.image
    if image is not None:
        return [picture(np.reshape(before, image)), f"values {_range(before)} before, {_range(after)} after"]
    if len(before) <= _COLUMNS:
        rows = [["before", *map(number, before)], ["after", *map(number, after)]]
        return [plain_table(["", *_names(facts)], rows)]
    return [f"values {_range(before)} before, {_range(after)} after"]


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.6g} to {max(values):.6g}"


def _statistics(facts: DataFacts) -> str:
    of_each = len(facts.before["train"].mean) == len(facts.scaled_sample)
    rows = []
    for part, called in part_names(facts.dataset.recipe).items():
        before, after = (list(zip(*moments, strict=True)) for moments in (facts.before[part], facts.after[part]))
        for name, *pairs in zip(_names(facts), before, after, strict=of_each):  # else there is one pair of each
            rows.append([called, name if of_each else "all values", *(text for pair in pairs for text in _pair(*pair))])
    return plain_table(["set", "of", "mean", "deviation", "mean after", "deviation after"], rows)


def _pair(mean: float, deviation: float) -> tuple[str, str]:
    return "0" if abs(mean) < _NONE * deviation else f"{mean:.4g}", f"{deviation:.4g}"
