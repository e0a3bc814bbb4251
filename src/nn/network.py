"""A multi-layer perceptron: forward, backward, and nothing else."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from src.nn.activations import Activation
from src.nn.arithmetic import NATIVE
from src.nn.arithmetic.operations import Arithmetic
from src.nn.arrays import Array, Labels
from src.nn.dropout import SCALINGS, Dropping, Scaling, draw_mask
from src.nn.initializers import BIAS_INITIALIZERS, Initializer, Seeds, Spread, streams
from src.nn.losses import Head
from src.nn.parameters import Parameters


class Buffers(NamedTuple):
    """Buffers for one pass over `batch` examples. Layers are l = 0 .. top; those below top are hidden."""

    z: list[Array]  # [batch, widths[l + 1]]  pre-activations, then slopes
    h: list[Array]  # [batch, widths[l + 1]]  f(z) of the hidden layers, before dropout
    a: list[Array]  # [batch, widths[l]]      inputs of layer l; a[0] is the network's input
    mask: list[Array]  # [batch, widths[l + 1]]  dropout masks of the hidden layers, times what scales kept units
    delta: list[Array]  # [batch, widths[l + 1]]  dloss/dz


class _ThreadsBuffers(threading.local):
    """The buffers of each thread, by batch size and dropout, so that several threads may predict with one network."""

    def __init__(self) -> None:
        self.by_size: dict[tuple[int, bool], Buffers] = {}


class Network:
    """Dense layers of `widths` units (inputs first, outputs last), and a head on top.

    Each hidden layer has an entry of `activations` and one of `dropout`, which is the probability of dropping a unit;
    an empty `dropout` means none. There is one output unit per class; or, with a `threshold`, a single unit that gives
    the probability of the second of two classes, which is predicted at or above the threshold. Biases that are `fixed`
    keep their initial values: their gradient is 0. The `arithmetic` says how operations are computed.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activations: Sequence[Activation],
        head: Head,
        *,
        bias: bool = True,
        fixed: bool = False,
        dropout: Sequence[float] = (),
        scaling: Scaling = SCALINGS["train"],
        class_weights: Array | None = None,
        threshold: float | None = None,
        dtype: str = "float32",
        arithmetic: Arithmetic = NATIVE,
    ) -> None:
        self.widths = tuple(widths)
        hidden = len(self.widths) - 2
        self.activations = tuple(activations)
        self.head = head
        self.fixed = fixed
        self.dropout = tuple(dropout) or (0.0,) * hidden
        assert len(self.activations) == len(self.dropout) == hidden
        self.drops = any(self.dropout)
        self.scaling = scaling
        self.threshold = threshold
        self.classes = self.widths[-1] if threshold is None else 2
        self.dtype = np.dtype(dtype)
        self.arithmetic = arithmetic
        self.parameters = Parameters(widths, bias, dtype)
        self.gradient = Parameters(widths, bias, dtype)
        self.class_weights = None if class_weights is None else class_weights.astype(dtype)
        self._equal: dict[int, Array] = {}  # by batch size
        self._buffers = _ThreadsBuffers()

    def initialize(
        self, weights: Initializer, spread: Spread, seeds: Seeds, biases: Initializer = BIAS_INITIALIZERS["zeros"]
    ) -> None:
        """Draws weights and biases. From seeds, each layer has its own stream: deeper variants share first layers."""
        W, b = self.parameters.W, self.parameters.b
        for l, stream in enumerate(streams(seeds, len(W))):
            fan_in, fan_out = W[l].shape
            W[l][...] = weights.weights(stream, fan_in, fan_out, spread)
            if b:
                b[l][...] = biases.biases(stream, fan_in, fan_out, spread)

    def loss_and_gradient(
        self,
        x: Array,
        y: Labels,
        rng: Dropping,
        predicted: Labels | None = None,
        ahead: float = 0.0,
        wanted: bool = True,
    ) -> float:
        """The loss of a batch, with dropout masks from `rng`; writes its gradient to `self.gradient`.

        x: [batch, inputs] of the network's dtype; y: [batch] integers; predicted: [batch] integers <- predicted
        classes; ahead: a rate: errors pass back through W - ahead dW, as if that layer had been updated already;
        wanted: whether the loss is; else what is returned may be any number that is finite if the loss is.
        """
        buffers = self._buffers_for(len(x), dropout=self.drops)
        z, h, _, mask, delta = buffers
        W, b, top, ops = self.parameters.W, self.parameters.b, len(self.widths) - 2, self.arithmetic
        dW, db = self.gradient.W, self.gradient.b

        inputs, weights = self._forward(x, buffers, rng if self.drops else None)
        if predicted is not None:
            predicted[:] = self.decide(self._probabilities(z[top]))
        loss = self.head.loss(ops, z[top], y, self.example_weights(y), delta[top], wanted)

        for l in reversed(range(top + 1)):  # dW = a^T delta,  db = sum delta
            errors = ops.operand(delta[l], "delta")
            ops.matmul(inputs[l].T, errors, dW[l])
            if b and not self.fixed:
                ops.sum_rows(errors, db[l])
            if l > 0:  # delta' = (delta W^T) * mask * f'(z)
                above = ops.operand(W[l] - ahead * dW[l], "ahead") if ahead else weights[l]
                ops.matmul(errors, above.T, delta[l - 1])
                if self.dropout[l - 1] > 0:
                    delta[l - 1] *= mask[l - 1]
                self.activations[l - 1].slope(h[l - 1], z[l - 1])
                delta[l - 1] *= z[l - 1]
        return loss

    def loss_and_probabilities(
        self, x: Array, y: Labels, rng: np.random.Generator | None = None
    ) -> tuple[float, Array]:
        """The loss of a batch, and class probabilities [batch, classes] as a new array. With `rng`, dropout is on."""
        dropping = rng if self.drops else None
        buffers = self._buffers_for(len(x), dropout=dropping is not None)
        self._forward(x, buffers, dropping)
        top = buffers.z[-1]
        probabilities = self._probabilities(top)
        return self.head.loss(self.arithmetic, top, y, self.example_weights(y), buffers.delta[-1], True), probabilities

    def decide(self, probabilities: Array) -> Labels:
        """[n], the predicted classes, given probabilities [n, classes]."""
        decided: Labels = (
            probabilities.argmax(axis=1) if self.threshold is None else (probabilities[:, 1] >= self.threshold) * 1
        )
        return decided

    def example_weights(self, y: Labels) -> Array:
        """[batch, 1], sum 1: equal, or proportional to the weights of the examples' classes."""
        if self.class_weights is None:
            if (equal := self._equal.get(len(y))) is None:
                equal = self._equal[len(y)] = np.full((len(y), 1), 1 / len(y), self.dtype)
            return equal
        weights = self.class_weights[y]
        weights /= self.arithmetic.total(weights)
        return weights[:, np.newaxis]

    def _probabilities(self, z: Array) -> Array:
        p = np.empty_like(z)
        self.head.probabilities(self.arithmetic, z, p)
        return p if self.threshold is None else np.concatenate([1 - p, p], axis=1)

    def _forward(self, x: Array, buffers: Buffers, rng: Dropping | None) -> tuple[list[Array], list[Array]]:
        """Fills z, h, a and mask; returns the inputs and the weights of each layer as operands."""
        z, h, a, mask, _ = buffers
        b, top, ops = self.parameters.b, len(self.widths) - 2, self.arithmetic
        inputs, weights = [], [ops.operand(W, f"W{l}") for l, W in enumerate(self.parameters.W)]
        a[0] = x
        for l in range(top + 1):  # z = a W + b,  h = f(z),  a' = h * mask
            inputs.append(ops.operand(a[l], f"a{l}"))
            ops.matmul(inputs[l], weights[l], z[l])
            if b:
                z[l] += b[l]
            if l < top:
                dropout = self.dropout[l]
                self.activations[l].value(ops, z[l], h[l])
                if rng is None or dropout == 0:
                    if (scale := self.scaling.all(dropout)) != 1:  # only without `rng`, so h is not needed for slopes
                        h[l] *= scale
                    a[l + 1] = h[l]
                else:
                    draw_mask(rng, dropout, mask[l])
                    mask[l] *= self.scaling.kept(dropout)
                    np.multiply(h[l], mask[l], out=a[l + 1])
        return inputs, weights

    def _buffers_for(self, batch: int, dropout: bool) -> Buffers:
        # Training has two batch sizes, because the last batch is smaller; evaluation has two more.
        known = self._buffers.by_size
        if (batch, dropout) not in known:
            # Zeros, because BLAS may read what it is to overwrite, and would warn of a NaN in memory.
            def zeros(widths: Sequence[int]) -> list[Array]:
                return [np.zeros((batch, width), self.dtype) for width in widths]

            def zero_outputs() -> list[Array]:
                # A head reduces over few classes: faster if the examples of a class are contiguous.
                return [*zeros(hidden), np.zeros((batch, self.widths[-1]), self.dtype, order="F")]

            hidden = self.widths[1:-1]
            masked = [width * (dropout and p > 0) for width, p in zip(hidden, self.dropout, strict=True)]
            known[batch, dropout] = Buffers(
                z=zero_outputs(), h=zeros(hidden), a=zeros((0, *masked)), mask=zeros(masked), delta=zero_outputs()
            )
        return known[batch, dropout]
