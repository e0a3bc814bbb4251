"""A trained network as figures see it: its data, predictions and history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.config.figure_names import FIGURES, IMAGES, PLANE
from src.data.dataset import Dataset
from src.figures.data_view import DataView, Values
from src.nn.arrays import Labels
from src.runs.finished import FinishedRun, History, Predicted
from src.runs.metric import SETS
from src.runs.model import Model
from src.training.metrics import LOSSES, Predictions, confusion, predict

_SIDE, _MARGIN = 101, 0.1  # of the grid over the plane of two features: points per side, and margin around the examples


class Unfit(Exception):
    """A figure can't show a run; the message says why."""


class Grid(NamedTuple):
    """A grid over the plane of two features, and a classifier's decision and probabilities at each point."""

    x: Values  # [columns], ascending, evenly spaced
    y: Values  # [rows]
    labels: NDArray[np.integer[Any]]  # [rows, columns]
    probabilities: Values  # [rows, columns, classes]


@dataclass(frozen=True)
class RunView(DataView):
    """A trained network, and the data that it was trained and tested on."""

    model: Model
    history: History
    config: Mapping[str, Any]  # plain
    accuracy: Mapping[str, float]  # by set
    known: Mapping[str, Predicted]  # by set, of the test set at least
    kept_epoch: int | None = None  # whose weights the network has
    steps: Mapping[str, Values] = field(default_factory=dict)  # of each update, as `FinishedRun.steps`

    @classmethod
    def of(cls, run: FinishedRun, dataset: Dataset) -> "RunView":
        """A finished run; `UserError` if one of its files is damaged."""
        accuracy = {part: run.result[part]["accuracy"] for part in SETS}
        kept, known = int(run.result["kept_epoch"]), {"test": run.predictions}
        return cls(dataset, run.model, run.history, run.plain_config, accuracy, known, kept, run.steps)

    @property
    def best_epoch(self) -> int:
        """The first one with the best `train.monitor`, the epoch that early stopping keeps."""
        monitor = self.config["train"]["monitor"]
        values = np.asarray(self.history[monitor])
        scores = -values if monitor.removeprefix("valid_") in LOSSES else values
        return int(self.history["epoch"][np.where(np.isfinite(scores), scores, -np.inf).argmax()])

    @property
    def name(self) -> str:
        """What the network is called: its widths and its activations, such as "784-512-10 relu"."""
        widths = "-".join(map(str, self.model.network.widths))
        acts = self.acts if len(set(self.acts)) > 1 else self.acts[:1]
        return f"{widths} {', '.join(acts)}".strip()

    @property
    def acts(self) -> list[str]:
        """The activation of each hidden layer."""
        act = self.model.header["model"]["act"]  # a list if layers differ
        hidden = len(self.model.network.widths) - 2
        return [act] * hidden if isinstance(act, str) else list(act)

    def heading(self, part: str) -> str:
        """The accuracy on a set, in words."""
        return f"{self.names[part].capitalize()} set: {self.accuracy[part]:.2%} right"

    def scored(self, part: str) -> str:
        """The network and its accuracy on a set, in words."""
        return f"{self.name} ({self.heading(part).lower()})"

    def predict(self, x: Values) -> Predictions:
        """The predictions for scaled examples x [n, features]; their loss is meaningless."""
        return predict(self.model.network, x, np.zeros(len(x), np.int64))

    def _classify(self, points: Values) -> tuple[Labels, Values]:
        found = self.predict(points)
        return found.labels, found.probabilities

    def counts(self, part: str) -> NDArray[np.integer[Any]]:
        """[classes, classes], the confusion matrix on a set."""
        x, y, _ = self.examples(part)
        labels = self.known[part].labels if part in self.known else self.predict(x).labels
        return confusion(np.asarray(y), labels, len(self.dataset.labels))

    def grid(self, classify: Callable[[Values], tuple[Labels, Values]] | None = None) -> Grid:
        """A grid that covers all examples of two features, as the network or `classify` sees it.

        classify: from points [n, 2] to labels [n] and probabilities [n, classes].
        """
        every = np.concatenate([self.examples(part).x for part in SETS])
        low, high = every.min(axis=0) - _MARGIN, every.max(axis=0) + _MARGIN
        x, y = np.linspace(low, high, _SIDE).T
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # row by row
        labels, probabilities = (classify or self._classify)(points)
        return Grid(x, y, labels.reshape(_SIDE, _SIDE), probabilities.reshape(_SIDE, _SIDE, -1))


def unfit(name: str, dataset: Dataset) -> str:
    """Why the figure can't show these data; empty if it can."""
    data, features = FIGURES[name].data, dataset.train.x.shape[1]
    if data == IMAGES and dataset.image is None:
        return "the examples are not images"
    if data == PLANE and features != 2:
        return f"a plane takes 2 features; the data have {features}"
    return ""
