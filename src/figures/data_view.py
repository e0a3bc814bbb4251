"""A data set as figures see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import Dataset, Examples
from src.runs.metric import set_names

Values = NDArray[np.floating[Any]]
_STANDARDIZED = ("standard", "per_feature")  # kinds of scaling


@dataclass(frozen=True)
class DataView:
    """A data set, and how to call and shape what it has."""

    dataset: Dataset

    @property
    def names(self) -> Mapping[str, str]:
        """What each set is called."""
        return set_names(self.dataset.recipe)

    def examples(self, part: str) -> Examples:
        """The examples of a set."""
        examples: Examples = getattr(self.dataset, part)
        return examples

    def images(self, x: Values) -> Values:
        """[n, h, w], examples x [n, features] of image data."""
        assert self.dataset.image is not None
        return np.asarray(x).reshape(-1, *self.dataset.image)

    def features(self) -> tuple[str, str]:
        """The names of the axes of the plane of two features."""
        names = self.dataset.features or ("feature 1", "feature 2")
        standardized = self.dataset.scaling.get("kind") in _STANDARDIZED
        first, second = (f"{name}, standardized" if standardized else name for name in names)
        return first, second
