"""Training hidden units one by one: each is a perceptron that detects a group of training examples.

Then the output layer is trained on the units' outputs, standardized on the training set. A perceptron on standardized
outputs equals one on the raw outputs with other weights, so the result is an ordinary network.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from src.data.dataset import PARTS, Dataset, Examples
from src.foundation.errors import UserError
from src.nn.activations import ACTIVATIONS
from src.nn.arrays import Array, Labels
from src.nn.dropout import Dropping
from src.nn.losses import HEADS
from src.nn.network import Network
from src.optim.optimizers import Optimizer
from src.training.batches import Batches
from src.training.loop import Diverged, Training
from src.training.metrics import predict
from src.training.steps import Steps
from src.training.streams import Order, Streams

_HEAD = HEADS["sigmoid", "binary_cross_entropy"]
_HALF = 0.5  # threshold of a unit


class Trained(NamedTuple):
    """The units' outputs as a data set, their standardization, and how well each unit detects its group."""

    outputs: Dataset
    center: Array  # [units]
    scale: Array  # [units]
    accuracy: dict[str, float]  # on the training set, by group
    steps: list[Array]  # the rows of `Steps` for each unit


def refuse_unfit(network: Network, training: Training, dataset: Dataset) -> None:
    """Raises `UserError` if `train.unit_targets` does not fit the network or the data."""
    setting = f"train.unit_targets=[{','.join(training.unit_targets)}]"
    if unknown := [group for group in training.unit_targets if group not in dataset.groups]:
        groups = ", ".join(dataset.groups) or "none, in these data"
        raise UserError(f"{setting}: {unknown[0]}: no such group of examples; allowed: {groups}")
    if len(set(training.unit_targets)) < len(training.unit_targets):
        raise UserError(f"{setting}: contains a group twice; each unit needs its own")
    if network.widths[1:-1] != (len(training.unit_targets),):
        raise UserError(f"{setting}: needs one hidden layer of {len(training.unit_targets)} units, one for each group")
    if network.activations != (ACTIVATIONS["sigmoid"],) or not network.parameters.b or network.drops:
        raise UserError(f"{setting}: needs model.act=sigmoid, model.bias=true or fixed, and model.dropout=0")


def train_units(
    network: Network, optimizer: Optimizer, dataset: Dataset, training: Training, streams: Streams
) -> Trained:
    """Trains the hidden units of `network` in place, each for `training.unit_steps` updates at the full rate.

    Raises `Diverged` if one does; the network then has the initial weights of that unit.
    """
    W, b, ops = network.parameters.W[0], network.parameters.b[0], network.arithmetic  # [inputs, units], [units]
    accuracy: dict[str, float] = {}
    steps: list[Array] = []
    for unit, group in enumerate(training.unit_targets):
        perceptron = _perceptron(network)
        theta = perceptron.parameters.theta
        theta[:] = np.append(W[:, unit], b[unit])
        y = (np.asarray(dataset.train.group) == dataset.groups.index(group)).astype(np.int64)  # [n], 1 in the group
        order, record = streams.units[unit] if streams.units else streams.order, Steps(theta.size)
        if not _learn(perceptron, optimizer, dataset.train.x, y, training, order, streams.dropout, record):
            raise Diverged(0, f"in the unit for {group}")
        steps.append(record.rows)
        accuracy[group] = predict(perceptron, dataset.train.x, y).accuracy
        W[:, unit], b[unit] = theta[:-1], theta[-1]

    fired = {part: _outputs(network, getattr(dataset, part).x) for part in PARTS}  # [n, units] each
    center, scale = ops.moments(fired["train"])
    scale[scale == 0] = 1
    parts: dict[str, Any] = {
        part: Examples((fired[part] - center) / scale, np.asarray(getattr(dataset, part).y)) for part in PARTS
    }
    return Trained(dataclasses.replace(dataset, **parts, image=None), center, scale, accuracy, steps)


def output_layer(network: Network) -> Network:
    """The output layer as a network of its own, with the same weights."""
    top = Network(
        network.widths[1:],
        (),
        network.head,
        fixed=network.fixed,
        class_weights=network.class_weights,
        threshold=network.threshold,
        dtype=network.dtype.name,
        arithmetic=network.arithmetic,
    )
    top.parameters.W[0][...] = network.parameters.W[1]
    top.parameters.b[0][...] = network.parameters.b[1]
    return top


def put_on_top(network: Network, top: Network, trained: Trained) -> None:
    """Copies the output layer `top`, which takes standardized outputs, to `network`, which takes raw ones."""
    W = top.parameters.W[0] / trained.scale[:, np.newaxis]
    ops, shift = network.arithmetic, np.empty_like(top.parameters.b[0])
    ops.matmul(ops.operand(trained.center, "center"), ops.operand(W, "W"), shift)
    network.parameters.W[1][...] = W
    network.parameters.b[1][...] = top.parameters.b[0] - shift


def _perceptron(network: Network) -> Network:
    """A network of one output unit, to learn what a hidden unit is to detect."""
    return Network(
        (network.widths[0], 1),
        (),
        _HEAD,
        fixed=network.fixed,
        threshold=_HALF,
        dtype=network.dtype.name,
        arithmetic=network.arithmetic,
    )


def _outputs(network: Network, x: Array) -> Array:
    """[n, units], what the hidden units give for x [n, inputs]."""
    W, b, ops = network.parameters.W[0], network.parameters.b[0], network.arithmetic
    z = np.empty((len(x), len(b)), network.dtype)
    ops.matmul(ops.operand(np.asarray(x, network.dtype), "x"), ops.operand(W, "W"), z)
    z += b
    outputs = np.empty_like(z)
    ops.sigmoid(z, outputs)
    return outputs


def _learn(
    perceptron: Network,
    optimizer: Optimizer,
    x: Array,
    y: Labels,
    training: Training,
    order: Order,
    dropping: Dropping,
    record: Steps,
) -> bool:
    """Trains a perceptron, and records its steps; returns whether its losses and weights stayed finite."""
    parameters = perceptron.parameters
    state = optimizer.init(parameters.theta, perceptron.arithmetic)
    size = training.batch_size or len(y)
    batches = Batches(x, y, size, perceptron.dtype, order="drawn", steps=training.unit_steps)
    for batch_x, batch_y in batches.epoch(order):
        loss = perceptron.loss_and_gradient(batch_x, batch_y, dropping)
        if not math.isfinite(loss):
            return False
        record.add(loss, parameters.theta)
        optimizer.step(parameters.theta, perceptron.gradient.theta, optimizer.lr, state, parameters.weights.size)
    return bool(np.isfinite(parameters.theta).all())
