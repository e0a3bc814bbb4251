"""The training loop."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from src.data.dataset import Dataset
from src.nn.network import Network
from src.optim.optimizers import Optimizer
from src.optim.schedules import Schedule
from src.training.batches import Batches
from src.training.metrics import predict


@dataclass(frozen=True, kw_only=True)
class Training:
    """How long and how to train: the group `train` of the configuration."""

    epochs: Annotated[int, ">= 1"] = 20
    batch_size: Annotated[int, ">= 1"] = 100
    drop_last: bool = False  # leave out an incomplete last batch
    patience: Annotated[int | None, ">= 1"] = None  # epochs without a better `monitor` before stopping; best restored
    monitor: Annotated[str, ("valid_accuracy", "valid_loss")] = "valid_accuracy"
    dtype: Annotated[str, ("float32", "float64")] = "float32"
    threads: Annotated[int, ">= 1"] = 1  # of BLAS
    fresh: bool = field(default=False, metadata={"semantic": False})  # train a finished run anew


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to. Losses and accuracies are taken at its end, over whole sets, with dropout off."""

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    lr: float  # of the epoch's last update
    seconds: float  # of training alone
    images_per_second: float


@dataclass(frozen=True)
class Streams:
    """A training's three independent random streams, so that variants that share a seed differ in nothing else."""

    initialization: np.random.SeedSequence
    order: np.random.Generator
    dropout: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> "Streams":
        """The streams of a seed."""
        initialization, order, dropout = np.random.SeedSequence(seed).spawn(3)
        return cls(initialization, np.random.default_rng(order), np.random.default_rng(dropout))


class Diverged(Exception):
    """The loss of a batch, or of an epoch, was infinite or not a number."""

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch

    def __str__(self) -> str:
        return f"diverged at epoch {self.epoch}"


def train(
    network: Network, optimizer: Optimizer, schedule: Schedule, dataset: Dataset, training: Training, streams: Streams
) -> Iterator[Epoch]:
    """Trains the network in place, an epoch between two records; the caller may stop by taking no more of them.

    Raises `Diverged` as soon as a loss is not finite.
    """
    batches = Batches(dataset.train.x, dataset.train.y, training.batch_size, network.dtype, training.drop_last)
    parameters, gradient = network.parameters, network.gradient
    state = optimizer.init(parameters.theta)
    rate = optimizer.lr
    for epoch in range(training.epochs):
        start = time.perf_counter()
        for step, (x, y) in enumerate(batches.epoch(streams.order)):
            loss = network.loss_and_gradient(x, y, streams.dropout)
            if not math.isfinite(loss):
                raise Diverged(epoch + 1)
            rate = optimizer.lr * schedule.factor(epoch, step, training.epochs, len(batches))
            optimizer.step(parameters.theta, gradient.theta, rate, state, parameters.weights.size)
        seconds = time.perf_counter() - start

        on_train = predict(network, dataset.train.x, dataset.train.y)
        on_valid = predict(network, dataset.valid.x, dataset.valid.y)
        if not math.isfinite(on_train.loss) or not math.isfinite(on_valid.loss):
            raise Diverged(epoch + 1)
        yield Epoch(
            epoch + 1,
            on_train.loss,
            on_train.accuracy,
            on_valid.loss,
            on_valid.accuracy,
            rate,
            seconds,
            batches.examples / seconds,
        )
