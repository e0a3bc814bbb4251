"""One labelled example of a data set, and what a model makes of it, upright and turned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import Dataset, Examples
from src.data.recipes import Recipe, prepare, unscaled
from src.data.sources import open_source
from src.foundation.errors import UserError
from src.prediction.predictions import Prediction, predictions
from src.prediction.signature import RawExamples, Signature
from src.runs.metric import part_names
from src.runs.model import Model

UPRIGHT = "upright"


@dataclass(frozen=True)
class Example:
    """An example as the source has it, and predictions for it: upright, and turned if that was asked for."""

    recipe: str
    part: str
    called: str  # the set; "valid (= test)" if the test set serves as validation set
    index: int  # in its set
    label: str  # the true one
    x: NDArray[np.float64]  # [1 or 2, features], raw values
    image: tuple[int, int] | None  # height and width, if it is an image
    predictions: list[Prediction]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        about = {"recipe": self.recipe, "part": self.part, "index": self.index, "label": self.label}
        return about | {"x": self.x.tolist(), "predictions": [one.plain() for one in self.predictions]}

    @property
    def name(self) -> str:
        """What the example is called."""
        return f"{self.called} example {self.index} of {self.recipe}, label {self.label}"


def example(
    model: Model, signature: Signature, recipe: Recipe, part: str, index: int | None, seed: int, angle: float | None
) -> Example:
    """An example of a set, by its index or, if that is None, drawn by the seed; and the model's predictions.

    angle: in degrees, counter-clockwise; None: only upright.

    Raises:
        UserError: there is no such example, the data do not fit the model, or an angle is given for no image.
        RunFailed: the data can't be fetched.
    """
    source, misfit = open_source(recipe), f"its examples do not fit the model, which takes {signature.words}"
    if source.image != signature.image:
        raise UserError(f"data={recipe.name}: {misfit}")
    if angle is not None and source.image is None:
        raise UserError(f"angle={angle:g}: examples of {recipe.name} are not images; only images can be turned")
    if unknown := [label for label in source.labels if label not in model.header["labels"]]:
        known = ", ".join(model.header["labels"])
        raise UserError(f"data={recipe.name}: the model does not know the label {unknown[0]}; allowed: {known}")
    dataset = prepare(recipe)
    if (dataset.features, dataset.train.x.shape[1]) != (signature.features, signature.count):
        raise UserError(f"data={recipe.name}: {misfit}")
    row = chosen(dataset, part, index, seed)
    x, names = _raw(recipe, dataset, part, row), [UPRIGHT]
    if angle is not None and dataset.image is not None:
        x = np.concatenate([x, turn(x, dataset.image, angle)])
        names.append(f"turned by {angle:g} degrees")
    found = predictions(model, signature, RawExamples(names, x))
    label = dataset.labels[_examples(dataset, part).y[row]]
    called = part_names(dataset.recipe)[part]
    return Example(recipe.name, part, called, row, label, x, dataset.image, found)


def turn(x: NDArray[np.float64], image: tuple[int, int], degrees: float) -> NDArray[np.float64]:
    """Images [n, features] of whole raw values, turned counter-clockwise about their middle; what is uncovered is 0.

    Values are interpolated linearly and rounded; multiples of 90 degrees only move the pixels of square images.
    """
    from PIL import Image

    pictures = [Image.fromarray(row.reshape(image).astype(np.float32)) for row in x]
    turned = [np.asarray(one.rotate(degrees, Image.Resampling.BILINEAR), np.float64).ravel() for one in pictures]
    return np.rint(np.stack(turned))


def chosen(dataset: Dataset, part: str, index: int | None, seed: int = 0) -> int:
    """The index, checked, of an example of a set; without one, an index drawn by the seed."""
    count = len(_examples(dataset, part).y)
    if index is None:
        return int(np.random.default_rng(seed).integers(count))
    if not 0 <= index < count:
        raise UserError(f"index={index}: must be >= 0 and <= {count - 1}; the {part} set has {count:,} examples")
    return index


def _raw(recipe: Recipe, dataset: Dataset, part: str, row: int) -> NDArray[Any]:
    """[1, features], the values that the source has for an example."""
    if open_source(recipe).largest is None:
        raw, rows = unscaled(recipe)
        return np.asarray(raw.x[rows[part][row : row + 1]], np.float64)
    # Whole numbers need no source: rounding gives them back.
    center, scale = (np.asarray(dataset.scaling[name], np.float64) for name in ("center", "scale"))
    return np.rint(_examples(dataset, part).x[row : row + 1] * scale + center)


def _examples(dataset: Dataset, part: str) -> Examples:
    examples: Examples = getattr(dataset, part)
    return examples
