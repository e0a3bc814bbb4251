"""What figures can show of a finished run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from src.data.dataset import Dataset, Examples
from src.foundation.files import read_capped
from src.nn.arrays import Array, Labels
from src.runs.folder import HISTORY, RunFolder
from src.runs.model import Model, load_model
from src.runs.predictions import Predicted, read_predictions
from src.training.metrics import predict

if TYPE_CHECKING:
    from src.figures.plane import Grid, Points

_SIDE, _MARGIN = 101, 0.1  # of the lattice over the plane of two features: points a side, and beyond the examples
_STANDARDIZED = ("standard", "per_feature")  # kinds of scaling
_SETS = {"train": "Training", "valid": "Validation", "test": "Test"}
_LARGEST_CONFIG = 1 << 20  # bytes


class Unfit(Exception):
    """A figure has nothing to show of a run; the message says why."""


@dataclass(frozen=True)
class FinishedRun:
    """A run's results, and the data that it was trained on."""

    dataset: Dataset
    model: Model
    predicted: Predicted  # of the test set
    history: Mapping[str, list[float]]  # the columns of `HISTORY`, an entry for each epoch that was evaluated
    result: Mapping[str, Any]
    config: Mapping[str, Any]  # plain

    @classmethod
    def of(cls, folder: RunFolder, dataset: Dataset) -> "FinishedRun":
        """The run in a folder; whatever its files raise, where one is damaged."""
        journal = folder.journal()
        return cls(
            dataset,
            load_model(folder.path / "model.npz"),
            read_predictions(folder.path / "predictions.npz"),
            {column: [record[column] for record in journal] for column in HISTORY},
            folder.result(),
            yaml.safe_load(read_capped(folder.path / "config.yaml", _LARGEST_CONFIG)),
        )

    def accuracy(self, part: str) -> str:
        """How good the network is on a set, in words."""
        return f"{_SETS[part]} set: {self.result[part]['accuracy']:.2%} right"

    def best_epoch(self) -> int | None:
        """The epoch whose weights were kept, where it is not the last one."""
        kept = int(self.result["kept_epoch"])
        return kept if kept < self.history["epoch"][-1] else None

    def probabilities(self, x: NDArray[np.floating[Any]]) -> Array:
        """[n, classes], what the network makes of scaled examples x [n, features]."""
        return predict(self.model.network, x, np.zeros(len(x), np.int64)).probabilities

    def decided(self, x: NDArray[np.floating[Any]]) -> Labels:
        """[n], the classes that the network decides for."""
        return self.model.network.decide(self.probabilities(x))

    def images(self, x: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """[n, h, w], examples x [n, features] as pictures; `Unfit` where they are none."""
        if self.dataset.image is None:
            raise Unfit("the examples are not images")
        return np.asarray(x).reshape(-1, *self.dataset.image)

    def features(self) -> tuple[str, str]:
        """What the axes of the plane of two features are called, as the network sees them; `Unfit` for other data."""
        if (count := self.dataset.train.x.shape[1]) != 2:
            raise Unfit(f"a plane takes 2 features; the data have {count}")
        names = self.dataset.features or ("feature 1", "feature 2")
        standardized = self.dataset.scaling.get("kind") in _STANDARDIZED
        first, second = (f"{name}, standardized" if standardized else name for name in names)
        return first, second

    def points(self, examples: Examples) -> "Points":
        """Examples of two features on their plane."""
        from src.figures.plane import Points

        return Points(np.asarray(examples.x), np.asarray(examples.y))

    def grid(self, decide: Callable[[NDArray[np.floating[Any]]], Labels]) -> "Grid":
        """A lattice over all examples of two features, and what `decide` says of its points [n, 2]."""
        from src.figures.plane import Grid

        every = np.concatenate([part.x for part in (self.dataset.train, self.dataset.valid, self.dataset.test)])
        low, high = every.min(axis=0) - _MARGIN, every.max(axis=0) + _MARGIN
        x, y = np.linspace(low, high, _SIDE).T
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # row by row
        return Grid(x, y, decide(points).reshape(_SIDE, _SIDE))
