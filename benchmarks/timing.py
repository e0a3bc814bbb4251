"""What a contestant is, how its epochs are timed, and the weights that it starts from."""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

from src.config.tree import Config
from src.data.dataset import Dataset
from src.nn.arrays import Array, Labels
from src.nn.network import Network
from src.training.session import build_network
from src.training.streams import Streams


class Contestant(NamedTuple):
    """Something that trains, prepared.

    `epoch()` trains for an epoch and returns its processor time [s]. `predict(x)` gives the classes [n] of examples
    x [n, features]; None: nothing is learned.
    """

    epoch: Callable[[], float]
    predict: Callable[[Array], Labels] | None = None


class LeftOut(Exception):
    """A contestant cannot take part; the message says why."""


def timed(epoch: Callable[[], object]) -> Callable[[], float]:
    """`epoch`, returning the processor time of this process that it took [s]."""

    def seconds() -> float:
        start = time.process_time()
        epoch()
        return time.process_time() - start

    return seconds


def on_one_core() -> None:
    """Binds this process to one core if the system allows it: not every library can be told to use one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def untrained(config: Config, dataset: Dataset) -> tuple[Network, Streams]:
    """Our network with its initial weights, and the streams of its training."""
    net, streams = build_network(config.model, dataset, config.train), Streams.of(config.seed)
    config.model.initialize(net, streams.initialization)
    return net, streams


def initial_layers(config: Config, dataset: Dataset) -> list[tuple[Array, Array]]:
    """Weights [fan_in, fan_out] and biases [fan_out] of each layer, as our network starts."""
    parameters = untrained(config, dataset)[0].parameters
    return list(zip(parameters.W, parameters.b, strict=True))


def batch_size(config: Config, dataset: Dataset) -> int:
    """The number of examples in a batch, unless it is the last one."""
    return config.train.batch_size or len(dataset.train.y)
