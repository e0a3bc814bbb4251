"""The training loop."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from src.data.dataset import Dataset
from src.foundation.errors import UserError
from src.nn.arithmetic import ARITHMETICS
from src.nn.network import Network
from src.optim.optimizers import Optimizer, State
from src.optim.schedules import Schedule
from src.training.batches import ORDERS, Batches
from src.training.metrics import LOSSES, METRICS, measure
from src.training.steps import Steps
from src.training.streams import Streams

MONITORS = ("valid_accuracy", "valid_loss", *(f"valid_{name}" for name in METRICS))


@dataclass(frozen=True, kw_only=True)
class Training:
    """How long and how to train: the group `train` of the configuration."""

    epochs: Annotated[int, ">= 1"] = 20
    steps_per_epoch: Annotated[int | None, ">= 1", "<= 1000000000"] = None  # with order=drawn; null: one pass
    batch_size: Annotated[int | None, ">= 1"] = 100  # null: full-batch training
    order: Annotated[str, ORDERS] = "shuffled"
    drop_last: bool = False  # skip an incomplete last batch
    update_first: bool = field(default=False, metadata={"before": False})  # errors pass back through updated weights
    unit_targets: tuple[str, ...] = ()  # groups that single hidden units are trained to detect, first
    unit_steps: Annotated[int, ">= 1"] = 100  # updates for each of these units
    # A trained network to go on with: a run or a file, or its digest; see `runs/warm_start.py`.
    start_from: str | None = field(default=None, metadata={"before": None})
    start_optimizer: bool = field(default=False, metadata={"before": False})  # with its optimizer's state
    evaluate_every: Annotated[int, ">= 1"] = 1  # epochs; the last epoch is always evaluated
    evaluate_at_start: bool = False  # also evaluate the untrained network, as epoch 0
    evaluate_dropout: bool = False  # also evaluate with dropout on: accuracy_with_dropout and so on
    running_metrics: bool = False  # training metrics are means over the batches during training
    metrics: tuple[Annotated[str, METRICS], ...] = ()  # in addition to loss and accuracy
    record_steps: bool = field(default=False, metadata={"before": False})  # keep the loss of each update's batch
    patience: Annotated[int | None, ">= 1"] = None  # stop after this many epochs without improvement; best restored
    monitor: Annotated[str, MONITORS] = "valid_accuracy"  # valid_NAME needs NAME in `metrics`
    dtype: Annotated[str, ("float32", "float64")] = "float32"
    # portable: the same bits on every machine; see docs/portable.md. A run without the key is native.
    arithmetic: Annotated[str, ARITHMETICS] = field(default="portable", metadata={"before": "native"})
    threads: Annotated[int, ">= 1"] = 1  # of BLAS
    # The following fields do not affect results.
    checkpoint_epochs: Annotated[int | None, ">= 1"] = field(default=None, metadata={"semantic": False})
    checkpoint_seconds: Annotated[float | None, ">= 0"] = field(default=10.0, metadata={"semantic": False})
    resume: bool = field(default=True, metadata={"semantic": False})  # continue an interrupted run
    fresh: bool = field(default=False, metadata={"semantic": False})  # retrain a finished run

    def __post_init__(self) -> None:
        if self.steps_per_epoch and self.order != "drawn":
            raise UserError(
                f"train.steps_per_epoch={self.steps_per_epoch} with train.order={self.order}: an epoch is one pass "
                "over the examples; allowed: null, or train.order=drawn"
            )
        if self.start_from is not None and self.unit_targets:
            raise UserError(f"train.start_from={self.start_from}: can't be used with train.unit_targets; allowed: null")
        if self.start_optimizer and self.start_from is None:
            raise UserError("train.start_optimizer=true: needs train.start_from")
        further = self.monitor.removeprefix("valid_")
        if further in METRICS and further not in self.metrics:
            raise UserError(f"train.monitor={self.monitor}: not measured; add {further} to train.metrics")

    @property
    def monitors_a_loss(self) -> bool:
        """Whether smaller values of `monitor` are better."""
        return self.monitor.removeprefix("valid_") in LOSSES

    @property
    def portable(self) -> bool:
        """Whether results are the same on every machine."""
        return ARITHMETICS[self.arithmetic](1).everywhere

    def due(self, epoch: int) -> bool:
        """Whether an epoch (from 1) is evaluated."""
        return epoch % self.evaluate_every == 0 or epoch == self.epochs

    def evaluated(self) -> list[int]:
        """The epochs that are evaluated if training does not stop early."""
        return [epoch for epoch in range(self.epochs + 1) if (self.due(epoch) if epoch else self.evaluate_at_start)]


@dataclass(frozen=True)
class Epoch:
    """The record of an evaluated epoch: losses and accuracies at its end on whole sets, with dropout off.

    With `train.running_metrics`, those of training are means over its batches, weighted by size.
    """

    epoch: int  # from 1; 0 is the untrained network
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    lr: float  # of the epoch's last update
    seconds: float  # of training alone, since the last evaluation
    images_per_second: float
    metrics: Mapping[str, float] = field(default_factory=dict)  # additional ones, such as `valid/squared_error`

    def monitored(self, name: str) -> float:
        """The value of `train.monitor`."""
        if name in ("valid_accuracy", "valid_loss"):
            return self.valid_accuracy if name == "valid_accuracy" else self.valid_loss
        return self.metrics[name.replace("_", "/", 1)]


@dataclass
class Progress:
    """The position in a training. Together with parameters and streams, all that is needed to resume."""

    state: State  # of the optimizer
    order: Mapping[str, Any]  # the state of the stream `order` at the start of the current epoch
    record: Steps  # empty without `train.record_steps`
    epoch: int = 0  # completed epochs
    step: int = 0  # updates in the current epoch
    seconds: float = 0.0  # of training since the last evaluation
    running: tuple[float, int, int] = (0.0, 0, 0)  # sums over its batches: loss, correct predictions, examples

    @classmethod
    def start(cls, optimizer: Optimizer, network: Network, streams: Streams) -> "Progress":
        """The progress at the start of a training."""
        theta = network.parameters.theta
        return cls(optimizer.init(theta, network.arithmetic), streams.order.state, Steps(theta.size))


class Diverged(Exception):
    """The loss of a batch or an epoch is infinite or NaN; `where` names the place if it is not an epoch."""

    def __init__(self, epoch: int, where: str = "") -> None:
        super().__init__(epoch, where)
        self.epoch = epoch
        self.where = where or f"at epoch {epoch}"

    def __str__(self) -> str:
        return f"diverged {self.where}"


def train(
    network: Network,
    optimizer: Optimizer,
    schedule: Schedule,
    dataset: Dataset,
    training: Training,
    streams: Streams,
    progress: Progress | None = None,
    after_step: Callable[[], None] = lambda: None,
    after_unevaluated: Callable[[], None] = lambda: None,
) -> Iterator[Epoch]:
    """Trains the network in place, `train.evaluate_every` epochs between two records; the caller may stop at each.

    progress: where to continue, kept up to date. After each update (`after_step`), each record and each epoch without
    one (`after_unevaluated`), a checkpoint may take it. Raises `Diverged` as soon as a loss is not finite.
    """
    x_train, y_train, size = dataset.train.x, dataset.train.y, training.batch_size or len(dataset.train.y)
    batches = Batches(
        x_train, y_train, size, network.dtype, training.drop_last, training.order, training.steps_per_epoch
    )
    predicted = np.empty(size, np.int64) if training.running_metrics else None
    wanted = training.running_metrics or training.record_steps
    parameters, gradient, ops = network.parameters, network.gradient, network.arithmetic
    at = progress or Progress.start(optimizer, network, streams)
    if training.evaluate_at_start and (at.epoch, at.step) == (0, 0):
        yield _evaluated(0, network, dataset, training, streams, optimizer.lr, 0.0, 0.0)
    for epoch in range(at.epoch, training.epochs):
        start = time.perf_counter() - at.seconds
        for x, y in batches.epoch(streams.order, at.step):
            into = None if predicted is None else predicted[: len(y)]
            rate = optimizer.lr * schedule.factor(epoch, at.step, training.epochs, len(batches), ops)
            loss = network.loss_and_gradient(x, y, streams.dropout, into, rate * training.update_first, wanted)
            if into is not None:
                summed, right, examples = at.running
                at.running = (summed + loss * len(y), right + int(np.count_nonzero(into == y)), examples + len(y))
            if not math.isfinite(loss):
                raise Diverged(epoch + 1)
            if training.record_steps:
                at.record.add(loss, parameters.theta)
            optimizer.step(parameters.theta, gradient.theta, rate, at.state, parameters.weights.size)
            at.step += 1
            at.seconds = time.perf_counter() - start
            after_step()

        at.epoch, at.step = epoch + 1, 0
        if training.due(at.epoch):
            since = at.epoch - (at.epoch - 1) // training.evaluate_every * training.evaluate_every
            rate = optimizer.lr * schedule.factor(epoch, len(batches) - 1, training.epochs, len(batches), ops)
            speed = since * batches.examples / at.seconds
            record = _evaluated(at.epoch, network, dataset, training, streams, rate, at.seconds, speed, at.running)
            streams.order.evaluated(len(y_train))
            streams.order.evaluated(len(dataset.valid.y))
            at.seconds = 0.0
        at.running, at.order = (0.0, 0, 0), streams.order.state
        if training.due(at.epoch):
            yield record
        else:
            after_unevaluated()


def _evaluated(
    epoch: int,
    network: Network,
    dataset: Dataset,
    training: Training,
    streams: Streams,
    lr: float,
    seconds: float,
    speed: float,
    running: tuple[float, int, int] = (0.0, 0, 0),
) -> Epoch:
    """The record of an epoch. Raises `Diverged` if a loss is not finite."""
    names, dropping = training.metrics, streams.evaluation(epoch) if training.evaluate_dropout else None
    on_valid, valid = measure(network, dataset.valid, names, dropping)
    further = {f"valid/{name}": value for name, value in valid.items()}
    summed, right, examples = running
    loss, accuracy = (summed / examples, right / examples) if examples else (0.0, 0.0)
    if not examples or names or dropping:  # else the running means are enough
        on_train, train = measure(network, dataset.train, names, dropping)
        further |= {f"train/{name}": value for name, value in train.items()}
        if not examples:
            loss, accuracy = on_train.loss, on_train.accuracy
    if not all(map(math.isfinite, (loss, on_valid.loss, *further.values()))):
        raise Diverged(epoch)
    return Epoch(epoch, loss, accuracy, on_valid.loss, on_valid.accuracy, lr, seconds, speed, further)
