"""What a model takes, as its header says: how many values, what they are called, and whether they are an image."""

import math
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.scaling import scaled
from src.data.sources import SOURCES
from src.foundation.errors import UserError
from src.prediction.given import Given
from src.runs.model import Model


@dataclass(frozen=True)
class Wanted:
    """The raw values that a model was made for, and how they are scaled."""

    count: int
    features: tuple[str, ...] | None  # their names, where they have some
    image: tuple[int, int] | None  # height and width, where they are one
    source: str
    largest: int | None  # of a raw value; the smallest is 0. None: any number
    scaling: dict[str, Any]
    dtype: str  # of the values, once they are scaled

    @property
    def words(self) -> str:
        """What can be given, with an example."""
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

    def value(self, index: int) -> str:
        """What the value of this index is called in a message."""
        return self.features[index] if self.features is not None else f"value {index + 1}"

    def checked(self, given: Given) -> Given:
        """The same; `UserError` for the first value that is not finite, or not in the range of the source's."""
        finite = np.isfinite(given.x)
        if not finite.all():
            row, column = (int(index) for index in np.argwhere(~finite)[0])
            raise UserError(
                f"{given.names[row]}: {self.value(column)} is {given.x[row, column]}; a finite number is needed"
            )
        if self.largest is not None:
            self._check_range(given, self.largest)
        return given

    def inputs(self, given: Given) -> NDArray[np.floating[Any]]:
        """What the network gets, [n, features]: the values scaled as those that it was trained on."""
        with np.errstate(over="ignore"):
            x: NDArray[np.floating[Any]] = scaled(given.x, self.scaling, self.dtype)
        if not (finite := np.isfinite(x)).all():
            row, column = (int(index) for index in np.argwhere(~finite)[0])
            raise UserError(f"{given.names[row]}: {self.value(column)}={given.x[row, column]:g} is too large a number")
        return x

    def _check_range(self, given: Given, largest: int) -> None:
        outside = (given.x < 0) | (given.x > largest)
        if outside.any():
            row, column = (int(index) for index in np.argwhere(outside)[0])
            raise UserError(
                f"{given.names[row]}: {self.value(column)} is {given.x[row, column]:g}; "
                f"raw values of {self.source} lie in 0 to {largest}"
            )
        if 0 < given.x.max() <= 1 and np.any(given.x % 1):  # as other programs have images: next to nothing here
            raise UserError(
                f"{given.names[0]}: all values lie in 0 to 1; raw values of {self.source} lie in 0 to {largest}: "
                f"multiply them by {largest}"
            )


def wanted_by(model: Model, name: str) -> Wanted:
    """What the model takes; `UserError` where its header does not tell, or tells what does not fit the network."""
    header, count = model.header, model.network.widths[0]
    match header:
        case {"labels": [*labels], "scaling": {"center": center, "scale": scale}, "recipe": {"source": str(source)}}:
            dtype = header["recipe"].get("dtype", "float32")
        case _:
            raise UserError(f"{name}: its header does not say what its labels, its scaling and its source are")
    features, image = header.get("features"), header.get("image")
    if not _are_names(labels) or len(labels) != model.network.classes:
        raise UserError(f"{name}: its labels do not fit its network")
    if features is not None and not (_are_names(features) and len(features) == count):
        raise UserError(f"{name}: the names of its features do not fit its network")
    if not all(_are_finite(statistic, count) for statistic in (center, scale)) or not np.all(scale):
        raise UserError(f"{name}: its scaling does not fit its network")
    if dtype not in ("float32", "float64") or source not in SOURCES:
        raise UserError(f"{name}: its data, of {source} as {dtype}, are not known here")
    if image is not None and not (image == list(SOURCES[source].image or ()) and math.prod(image) == count):
        raise UserError(f"{name}: its images are not those of {source}, or not what its network takes")
    return Wanted(
        count,
        None if features is None else tuple(features),
        None if image is None else (image[0], image[1]),
        source,
        SOURCES[source].largest,
        header["scaling"],
        dtype,
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


def _are_finite(statistic: Any, count: int) -> bool:
    numbers = statistic if isinstance(statistic, list) else [statistic]
    finite = all(type(number) in (int, float) and abs(number) <= sys.float_info.max for number in numbers)
    return finite and (numbers is not statistic or len(numbers) == count)
