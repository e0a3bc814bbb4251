"""A model's signature: the raw values that it takes, as its header declares them."""

import math
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.recipe import OWN
from src.data.scaling import scaled
from src.data.sources import BYTE, SOURCES
from src.foundation.errors import UserError
from src.prediction.distribution import OfFeatures, OfPixels, distribution
from src.prediction.own_tables import OwnTable
from src.runs.model import Model


class RawExamples(NamedTuple):
    """Values as the source of the model's data has them, before scaling."""

    names: list[str]  # of the examples: "points.csv:2" for a line, "x.npy[0]" for a row, or the file's name
    x: NDArray[np.float64]  # [n, features]
    picture: bool = False  # read from a picture, whose range and whose light and dark are known


@dataclass(frozen=True)
class Signature:
    """The raw values that a model takes, and how they are scaled."""

    count: int
    features: tuple[str, ...] | None  # their names, if they have names
    image: tuple[int, int] | None  # height and width, if they are an image
    source: str
    largest: int | None  # of a raw value; the smallest is 0. None: any number
    scaling: dict[str, Any]
    dtype: str  # of the scaled values
    table: OwnTable | None = None  # of one's own, from whose columns the features are made
    labels: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What the model takes, with an example."""
        if self.table is not None:
            return self.table.words
        if self.features is not None:
            one = " ".join(f"{name}=0.1" for name in self.features)
            return f"the values of {', '.join(self.features)}: as {one}, in a .csv file or in a .npy file"
        if self.image is not None:
            height, width = self.image
            return (
                f"pictures of a digit (PNG, JPEG, ...), or raw values of 0 to {self.largest} in a .npy file "
                f"[n, {height}, {width}] or a .csv file of {self.count} columns"
            )
        return f"{self.count} values a row, in a .csv or .npy file"

    @property
    def training(self) -> OfPixels | OfFeatures | None:
        """The distribution of the training data; None: not known."""
        return distribution(self.scaling, self.source, self.largest, self.count)

    def value(self, index: int) -> str:
        """The name of a value in messages."""
        return self.features[index] if self.features is not None else f"value {index + 1}"

    def check(self, raw: RawExamples, name: str, as_is: bool = False) -> None:
        """Raises `UserError` for the first value that is not finite or outside the range of the source.

        Also for examples that are unlike the training data but would be like them if they were inverted or rescaled.
        Prints a warning for other examples that are unlike them.

        name: of the file, or the typed values.
        as_is: finite values are enough.
        """
        self._reject(raw, ~np.isfinite(raw.x), " is {:g}; a finite number is needed")
        if as_is:
            return
        training, outside = self.training, np.zeros(raw.x.shape, bool)
        unlike = training is not None and not training.near(raw.x).all()
        if training is not None and unlike and not raw.picture:
            for mistake, cure in training.mistakes(raw.x):
                raise UserError(f"{name}: {mistake}: {cure}, or add --as-is to predict it as it is")
        if self.largest is not None:
            outside = (raw.x < 0) | (raw.x > self.largest)
        self._reject(raw, outside, f" is {{:g}}; raw values of {self.source} are 0 to {self.largest}")
        if training is not None and unlike:
            difference = training.difference(raw.x, raw.names, [*map(self.value, range(self.count))])
            print(f"warning: {name}: unlike the training data: {difference}", file=sys.stderr)

    def inputs(self, raw: RawExamples) -> NDArray[np.floating[Any]]:
        """[n, features], the values, scaled like those that the network was trained on."""
        with np.errstate(over="ignore"):
            x: NDArray[np.floating[Any]] = scaled(raw.x, self.scaling, self.dtype)
        self._reject(raw, ~np.isfinite(x), "={:g} is too large a number")
        return x

    def _reject(self, raw: RawExamples, wrong: NDArray[np.bool_], reason: str) -> None:
        """Raises `UserError` if a value is wrong [n, features]; `reason` has a place for the first one."""
        for row, column in np.argwhere(wrong)[:1]:
            raise UserError(f"{raw.names[row]}: {self.value(column)}{reason.format(raw.x[row, column])}")


def signature_of(model: Model, name: str) -> Signature:
    """The model's signature; `UserError` if its header lacks it, or it does not fit the network."""
    header, count = model.header, model.network.widths[0]
    match header:
        case {"labels": [*labels], "scaling": {"center": center, "scale": scale}, "recipe": {"source": str(source)}}:
            dtype = header["recipe"].get("dtype", "float32")
        case _:
            raise UserError(f"{name}: its header lacks labels, scaling or source")
    features, image = header.get("features"), header.get("image")
    if not _are_names(labels) or len(labels) != model.network.classes:
        raise UserError(f"{name}: its labels do not fit its network")
    if features is not None and not (_are_names(features) and len(features) == count):
        raise UserError(f"{name}: the names of its features do not fit its network")
    if not all(_are_finite(statistic, count) for statistic in (center, scale)) or not np.all(scale):
        raise UserError(f"{name}: its scaling does not fit its network")
    if dtype not in ("float32", "float64") or source not in (*SOURCES, *OWN):
        raise UserError(f"{name}: its data, of {source} as {dtype}, are unknown here")
    published = SOURCES.get(source)
    if image is not None and not (
        (_is_size(image) if published is None else image == list(published.image or ())) and math.prod(image) == count
    ):
        raise UserError(f"{name}: its images do not fit {source}, or its network")
    names, shape = features and tuple(features), image and tuple(image)
    largest = published.largest if published else BYTE if image else None
    try:
        table = OwnTable.of(header)
    except ValueError as error:
        raise UserError(f"{name}: damaged: {error}") from None
    if table and table.encoding.features != names:
        raise UserError(f"{name}: its encoding does not fit its features")
    return Signature(count, names, shape, source, largest, header["scaling"], dtype, table, tuple(labels))


def _is_size(image: Any) -> bool:
    return isinstance(image, list) and len(image) == 2 and all(type(side) is int and side > 0 for side in image)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _are_finite(statistic: Any, count: int) -> bool:
    numbers = statistic if isinstance(statistic, list) else [statistic]
    finite = all(type(number) in (int, float) and abs(number) <= sys.float_info.max for number in numbers)
    return finite and (numbers is not statistic or len(numbers) == count)
