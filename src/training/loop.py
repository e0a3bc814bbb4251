"""The training loop."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from src.data.dataset import Dataset
from src.nn.network import Network
from src.optim.optimizers import Optimizer, State
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
    # From here on nothing has a part in the result.
    checkpoint_epochs: Annotated[int | None, ">= 1"] = field(default=None, metadata={"semantic": False})
    checkpoint_seconds: Annotated[float | None, ">= 0"] = field(default=10.0, metadata={"semantic": False})
    resume: bool = field(default=True, metadata={"semantic": False})  # go on where an unfinished run was cut off
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


@dataclass
class Progress:
    """How far a training has come: with its parameters and streams, all that is needed to go on."""

    state: State  # of the optimizer
    order: Mapping[str, Any]  # the state of the stream `order` before the epoch under way drew from it
    epoch: int = 0  # epochs that are complete
    step: int = 0  # updates of the epoch under way
    seconds: float = 0.0  # spent on it

    @classmethod
    def start(cls, optimizer: Optimizer, network: Network, streams: Streams) -> "Progress":
        """The progress of a training that is about to start."""
        return cls(optimizer.init(network.parameters.theta), streams.order.bit_generator.state)


class Diverged(Exception):
    """The loss of a batch, or of an epoch, was infinite or not a number."""

    def __init__(self, epoch: int) -> None:
        super().__init__(epoch)
        self.epoch = epoch

    def __str__(self) -> str:
        return f"diverged at epoch {self.epoch}"


def train(
    network: Network,
    optimizer: Optimizer,
    schedule: Schedule,
    dataset: Dataset,
    training: Training,
    streams: Streams,
    progress: Progress | None = None,
    after_step: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Trains the network in place, an epoch between two records; the caller may stop by taking no more of them.

    progress: where to go on, kept up to date. After each update and at each record, it, the parameters and the streams
    are as a checkpoint needs them; `after_step` is called there. Raises `Diverged` as soon as a loss is not finite.
    """
    batches = Batches(dataset.train.x, dataset.train.y, training.batch_size, network.dtype, training.drop_last)
    parameters, gradient = network.parameters, network.gradient
    at = progress or Progress.start(optimizer, network, streams)
    for epoch in range(at.epoch, training.epochs):
        start = time.perf_counter() - at.seconds
        for x, y in batches.epoch(streams.order, at.step):
            loss = network.loss_and_gradient(x, y, streams.dropout)
            if not math.isfinite(loss):
                raise Diverged(epoch + 1)
            rate = optimizer.lr * schedule.factor(epoch, at.step, training.epochs, len(batches))
            optimizer.step(parameters.theta, gradient.theta, rate, at.state, parameters.weights.size)
            at.step += 1
            at.seconds = time.perf_counter() - start
            after_step()
        seconds = at.seconds

        on_train = predict(network, dataset.train.x, dataset.train.y)
        on_valid = predict(network, dataset.valid.x, dataset.valid.y)
        if not math.isfinite(on_train.loss) or not math.isfinite(on_valid.loss):
            raise Diverged(epoch + 1)
        at.epoch, at.step, at.seconds, at.order = epoch + 1, 0, 0.0, streams.order.bit_generator.state
        yield Epoch(
            epoch + 1,
            on_train.loss,
            on_train.accuracy,
            on_valid.loss,
            on_valid.accuracy,
            optimizer.lr * schedule.factor(epoch, len(batches) - 1, training.epochs, len(batches)),
            seconds,
            batches.examples / seconds,
        )
