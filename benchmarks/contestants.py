"""What is timed against each other: this project, a lower bound, a tutorial's network, and libraries.

All do the same work: the same network, examples, batch size and optimizer, in float32 and on one thread, with batches
that are gathered from memory in a new random order each epoch, and the loss of each batch.
"""

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from benchmarks.peers import jax_scan, pytorch, scikit_learn
from benchmarks.timing import Contestant, batch_size, timed, untrained
from benchmarks.tutorial import tutorial
from src.config.tree import Config
from src.data.dataset import Dataset
from src.nn.arrays import Array
from src.training.loop import train
from src.training.metrics import predict


def ours(config: Config, dataset: Dataset) -> Contestant:
    """This project's own loop, as in every run, on the memory-mapped arrays."""
    net, streams = untrained(config, dataset)
    end = 0.0

    def after_step() -> None:
        nonlocal end
        end = time.process_time()

    epochs = train(net, config.optimizer, config.schedule, dataset, config.train, streams, after_step=after_step)

    def epoch() -> float:
        start = time.process_time()
        next(epochs)  # which also evaluates the network, after the last step
        return end - start

    return Contestant(epoch, lambda x: predict(net, x, np.zeros(len(x), np.int64)).labels)


def products(config: Config, dataset: Dataset) -> Contestant:
    """The matrix products of an epoch and nothing else: a lower bound for any network on this BLAS.

    For each batch, a W and a^T delta of every layer and delta W^T of all but the first, on preallocated buffers. No
    batch is gathered: the first rows serve all along, and stay in the cache.
    """
    widths = (dataset.train.x.shape[1], *config.model.hidden, len(dataset.labels))
    examples, size = len(dataset.train.y), batch_size(config, dataset)
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

    def epoch() -> None:
        for first in range(0, examples, size):
            batch(min(size, examples - first))

    return Contestant(timed(epoch))


CONTESTANTS: dict[str, Callable[[Config, Dataset], Contestant]] = {
    "products alone": products,
    "ours": ours,
    "a tutorial's": tutorial,
    "scikit-learn": scikit_learn,
    "PyTorch": pytorch,
    "JAX": jax_scan,
}
