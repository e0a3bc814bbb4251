"""What is timed against each other: each contestant is prepared once, and then trains an epoch a call.

All have the same work: the same network, examples, batch size and optimizer, in float32 and on one thread, with the
batches gathered from memory in a fresh random order. Where a library has a faster way, it is taken.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.dataset import Dataset
from src.nn.arrays import Array
from src.training.loop import train
from src.training.session import build_network
from src.training.streams import Streams

Epoch = Callable[[], float]  # trains an epoch and returns its seconds


class LeftOut(Exception):
    """A contestant cannot take part; the message says why."""


def ours(config: Config, dataset: Dataset) -> Epoch:
    """This project's own loop, as every run of it trains, over the memory-mapped arrays."""
    net = build_network(config.model, dataset, config.train.dtype)
    streams = Streams.of(config.seed)
    config.model.initialize(net, streams.initialization)
    epochs = train(net, config.optimizer, config.schedule, dataset, config.train, streams)
    return lambda: next(epochs).seconds  # of training; the loop evaluates the network besides, untimed


def products(config: Config, dataset: Dataset) -> Epoch:
    """The matrix products of an epoch and nothing else: a lower bound for any network on this BLAS.

    For each batch, a W and a^T delta of every layer and delta W^T of all but the first, on preallocated buffers. No
    batch is gathered: the first rows serve all along, and stay in the cache.
    """
    widths = (dataset.train.x.shape[1], *config.model.hidden, len(dataset.labels))
    examples, size = len(dataset.train.y), config.train.batch_size or len(dataset.train.y)
    rng = np.random.default_rng(config.seed)

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape, np.float32)

    W = [0.1 * normal(*shape) for shape in pairwise(widths)]  # [fan_in, fan_out]
    dW = [np.empty_like(weights) for weights in W]
    a = [np.array(dataset.train.x[:size]), *(normal(size, width) for width in widths[1:-1])]  # [batch, fan_in]
    z = [np.empty((size, width), np.float32) for width in widths[1:]]  # [batch, fan_out]
    delta = [normal(size, width) for width in widths[1:]]  # [batch, fan_out]

    def batch(n: int) -> None:
        for l in range(len(W)):
            np.matmul(a[l][:n], W[l], out=z[l][:n])
        for l in reversed(range(len(W))):
            np.matmul(a[l][:n].T, delta[l][:n], out=dW[l])
            if l > 0:
                np.matmul(delta[l][:n], W[l].T, out=delta[l - 1][:n])

    def epoch() -> float:
        start = time.perf_counter()
        for first in range(0, examples, size):
            batch(min(size, examples - first))
        return time.perf_counter() - start

    return epoch


def scikit_learn(config: Config, dataset: Dataset) -> Epoch:
    """`MLPClassifier.partial_fit`, one epoch a call, without its search for NaN in all examples each time.

    Its output is softmax and its loss log-loss, whatever the configuration says.
    """
    from sklearn import config_context
    from sklearn.neural_network import MLPClassifier

    peer = MLPClassifier(
        config.model.hidden,
        activation={"sigmoid": "logistic", "tanh": "tanh"}[str(config.model.act)],
        solver="sgd",
        alpha=0,
        batch_size=config.train.batch_size,
        learning_rate_init=config.optimizer.lr,
        momentum=getattr(config.optimizer, "momentum", 0),
        nesterovs_momentum=False,
        random_state=config.seed,
    )
    x, y = np.array(dataset.train.x), np.array(dataset.train.y)
    classes = np.arange(len(dataset.labels))

    def epoch() -> float:
        with config_context(assume_finite=True):
            start = time.perf_counter()
            peer.partial_fit(x, y, classes=classes)
            return time.perf_counter() - start

    return epoch


def pytorch(config: Config, dataset: Dataset) -> Epoch:
    """Eager PyTorch, without a loader.

    Batches are gathered by `index_select`, three times as fast as by `x[chosen]`, and the update is the fused one.
    """
    try:
        import torch  # of requirements.txt beside this file
    except ModuleNotFoundError:
        raise LeftOut("PyTorch is not installed; benchmarks/README.md says how to") from None

    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    activation = {"sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}[str(config.model.act)]
    widths = (dataset.train.x.shape[1], *config.model.hidden)
    layers: list[Any] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [torch.nn.Linear(fan_in, fan_out), activation()]
    layers.append(torch.nn.Linear(widths[-1], len(dataset.labels)))
    x, y = torch.from_numpy(np.array(dataset.train.x)), torch.from_numpy(np.array(dataset.train.y))
    if config.model.loss == "mse":
        layers.append(torch.nn.Sigmoid())
        y = torch.nn.functional.one_hot(y).float()  # once, before any epoch
        loss_of: Any = torch.nn.MSELoss()
    else:
        loss_of = torch.nn.CrossEntropyLoss()
    net = torch.nn.Sequential(*layers)
    momentum = getattr(config.optimizer, "momentum", 0)
    optimizer = torch.optim.SGD(net.parameters(), config.optimizer.lr, momentum, fused=True)

    def epoch() -> float:
        start = time.perf_counter()
        for chosen in torch.randperm(len(x)).split(config.train.batch_size):
            loss = loss_of(net(x.index_select(0, chosen)), y.index_select(0, chosen))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return time.perf_counter() - start

    return epoch


CONTESTANTS = {"products alone": products, "ours": ours, "scikit-learn": scikit_learn, "PyTorch": pytorch}
