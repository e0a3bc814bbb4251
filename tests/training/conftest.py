"""Small data sets in memory, and trainings on them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from src.data.dataset import Dataset, Examples
from src.nn.architecture import Architecture
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS, Optimizer
from src.optim.schedules import SCHEDULES, Schedule
from src.training.draws import DEFAULT, Draws
from src.training.loop import Epoch, Training, train
from src.training.processor import held
from src.training.streams import Streams

FEATURES, CLASSES = 6, 3


def in_memory(labels: tuple[str, ...], *parts: Examples, groups: tuple[str, ...] = ()) -> Dataset:
    """A data set of these training, validation and test examples."""
    scaling = {"kind": "none", "center": 0, "scale": 1}
    return Dataset({}, labels, None, scaling, "", *parts, groups=groups)


def _examples(rng: np.random.Generator, n: int) -> Examples:
    y = rng.integers(0, CLASSES, n)
    x = rng.standard_normal((n, FEATURES)) + 2 * np.eye(CLASSES, FEATURES)[y]  # clouds that overlap
    return Examples(x.astype(np.float32), y)


@pytest.fixture
def dataset() -> Dataset:
    """103 training examples, so that batches of 10 leave a smaller last one."""
    rng = np.random.default_rng(8)
    return in_memory(("a", "b", "c"), *(_examples(rng, n) for n in (103, 41, 41)))


@dataclass(frozen=True)
class Plan:
    """A training, of which a test changes what it is about."""

    dataset: Dataset
    model: Architecture
    optimizer: Optimizer
    schedule: Schedule
    train: Training
    seed: int = 0
    rng: str = "default"
    draws: Draws = DEFAULT

    def changed(self, **changes: Any) -> "Plan":
        """A plan with other parts; of `model` and `train`, a dict states the differences."""
        parts = {
            name: replace(getattr(self, name), **value) if isinstance(value, dict) else value
            for name, value in changes.items()
        }
        return replace(self, **parts)

    def network(self) -> Network:
        """The network with its initial weights."""
        return self.initialized(Streams.of(self.seed, self.rng, self.draws, len(self.dataset.train.y)))

    def initialized(self, streams: Streams) -> Network:
        y = self.dataset.train.y
        network = self.model.network(FEATURES, CLASSES, y, self.train.dtype)
        self.model.initialize(network, streams.initialization)
        return network

    def start(self) -> tuple[Network, Iterator[Epoch]]:
        """The network, and the training as its epochs' records."""
        streams = Streams.of(self.seed, self.rng, self.draws, len(self.dataset.train.y))
        network = self.initialized(streams)
        return network, train(network, self.optimizer, self.schedule, self.dataset, self.train, streams)

    def run(self, spy: Callable[[Network], None] = lambda network: None) -> tuple[Network, list[Epoch]]:
        """The trained network and the epochs' records; `spy` sees the network before it is trained."""
        network, records = self.start()
        spy(network)
        with held(1):
            return network, list(records)


@pytest.fixture
def plan(dataset: Dataset) -> Plan:
    return Plan(
        dataset,
        Architecture(hidden=(8, 7), act="tanh", init="glorot"),
        OPTIMIZERS["sgd"](lr=0.1),
        SCHEDULES["constant"](),
        Training(epochs=3, batch_size=10),
    )
