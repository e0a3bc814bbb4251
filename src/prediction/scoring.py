"""Scores a model on labelled data: any whose features and labels it knows, scaled as it was trained to expect."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import Dataset, Examples
from src.data.encoding import Encoding
from src.data.recipe import Recipe
from src.data.recipes import split_otherwise
from src.data.scaling import batches, scaled
from src.data.sources import open_source
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import build, show
from src.prediction.signature import RawExamples, Signature
from src.runs.metric import set_names
from src.runs.model import Model
from src.training.metrics import confusion, predict, scores_by_class
from src.training.processor import held

_SHOWN = 5  # names in a message


class Scored(NamedTuple):
    """What a model makes of a set of examples, dropout off."""

    name: str  # of the set, in words
    scores: dict[str, Any]  # loss, accuracy, and precision, recall and F1, `overall` and by `class`
    confusion: NDArray[np.integer[Any]]  # [labels, labels], counts: a row for each true label
    rescaled: bool  # whether the data set's own scaling is another one
    seen: bool  # whether the model may have been trained on some of the examples


def score(model: Model, signature: Signature, dataset: Dataset, part: str) -> Scored:
    """Scores a model on a part of a data set. Labels are matched by name, and features if they have names.

    Inputs are scaled as those of the model's training were, whatever the data set's own scaling. `UserError` if the
    data have labels or features that the model does not know, or too large a value.
    """
    labels = tuple(map(str, model.header["labels"]))
    examples: Examples = getattr(dataset, part)
    y = _indices(dataset, labels)[examples.y]  # [n]
    x, rescaled = _inputs(signature, dataset, examples)
    with held(1, model.network.arithmetic.everywhere):
        found = predict(model.network, x, y)
    if not np.isfinite(found.loss):
        raise UserError(f"data={dataset.recipe['name']}: the loss on {part} is not finite; allowed: smaller values")
    name, counts = set_names(dataset.recipe)[part], confusion(y, found.labels, len(labels))
    seen = split_otherwise(model.header["recipe"], dataset.recipe)
    return Scored(name, scores_by_class(found, y, labels), counts, rescaled, seen)


def score_table(model: Model, signature: Signature, path: Path, as_is: bool = False) -> Scored:
    """Scores a model on a file with the columns that it takes, and that of the labels.

    Raises:
        UserError: the model was not trained on a table, or the file does not have its columns and labels.
    """
    if signature.table is None or signature.table.label is None:
        raise UserError(f"{path}: this model was not trained on a table of your own; give data=RECIPE")
    labels = tuple(map(str, model.header["labels"]))
    names, x, y = signature.table.read(path, labels)
    assert y is not None
    raw = RawExamples(names, x)
    signature.check(raw, str(path), as_is)
    with held(1, model.network.arithmetic.everywhere):
        found = predict(model.network, signature.inputs(raw), y)
    if not np.isfinite(found.loss):
        raise UserError(f"{path}: the loss is not finite; allowed: smaller values")
    scores = scores_by_class(found, y, labels)
    return Scored(path.name, scores, confusion(y, found.labels, len(labels)), rescaled=False, seen=False)


def _indices(dataset: Dataset, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """[labels of the data], the model's index of each."""
    if unknown := [label for label in dataset.labels if label not in labels]:
        raise UserError(
            f"data={dataset.recipe['name']}: the model does not know the label {unknown[0]}; allowed: {_listed(labels)}"
        )
    return np.array([labels.index(label) for label in dataset.labels], np.int64)


def _inputs(signature: Signature, dataset: Dataset, examples: Examples) -> tuple[NDArray[Any], bool]:
    """The examples' inputs [n, features], and whether they had to be scaled again."""
    count, names, there = examples.x.shape[1], dataset.features, f"data={dataset.recipe['name']}"
    if signature.table is not None and (encoding := Encoding.of(dataset.scaling)):
        return _of_columns(signature, signature.table.encoding, encoding, dataset, examples)
    if count != signature.count or dataset.image != signature.image:
        raise UserError(f"{there}: {_values(count, dataset.image)} an example; the model takes {_words(signature)}")
    columns = np.arange(count)
    if names and signature.features:
        if missing := [name for name in signature.features if name not in names]:
            raise UserError(f"{there}: no feature {missing[0]}, which the model takes; {suggestion(missing[0], names)}")
        columns = np.array([names.index(name) for name in signature.features])
    same = all(np.array_equal(dataset.scaling[key], signature.scaling[key]) for key in ("center", "scale"))
    if same and examples.x.dtype == signature.dtype and (columns == np.arange(count)).all():
        return examples.x, False
    center, scale = (np.asarray(dataset.scaling[key], np.float64) for key in ("center", "scale"))
    recipe: Recipe = build(Recipe, dataset.recipe, "data")
    whole = open_source(recipe).largest is not None  # pixels are integers
    x = np.empty(examples.x.shape, signature.dtype)
    for rows in batches(np.arange(len(x))):
        raw = examples.x[rows] * scale + center  # float64
        x[rows] = scaled((np.rint(raw) if whole else raw)[:, columns], signature.scaling, signature.dtype)
    return x, not same


def _of_columns(
    signature: Signature, wanted: Encoding, encoding: Encoding, dataset: Dataset, examples: Examples
) -> tuple[NDArray[Any], bool]:
    """The inputs from a table with the model's columns. A category that its training set lacked is all zeros there."""
    if missing := [name for name, kind in wanted.kinds.items() if encoding.kinds.get(name) != kind]:
        found = f"data={dataset.recipe['name']}: no {wanted.kinds[missing[0]]} column {show(missing[0])}"
        raise UserError(f"{found}, which the model takes; {suggestion(missing[0], encoding.kinds)}")
    if dataset.scaling == signature.scaling and examples.x.dtype == signature.dtype:
        return examples.x, False
    there = {name: k for k, name in enumerate(encoding.features)}
    pairs = [(k, there[name]) for k, name in enumerate(wanted.features) if name in there]
    to, of = np.array(pairs, np.int64).reshape(-1, 2).T  # [features that both have] each
    center, scale = (np.asarray(dataset.scaling[key], np.float64) for key in ("center", "scale"))
    x = np.empty((len(examples.y), signature.count), signature.dtype)
    for rows in batches(np.arange(len(x))):
        raw = np.zeros((len(rows), signature.count))
        raw[:, to] = (examples.x[rows] * scale + center)[:, of]  # float64
        x[rows] = scaled(raw, signature.scaling, signature.dtype)
    return x, True


def _words(signature: Signature) -> str:
    named = f" ({_listed(signature.features)})" if signature.features else ""
    return f"{_values(signature.count, signature.image)}{named}"


def _values(count: int, image: tuple[int, int] | None) -> str:
    return f"images of {image[0]} x {image[1]}" if image else f"{count} values"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
