"""Optimizers for a flat parameter vector. Each has hyperparameters, slots (its state vectors) and an update.

theta: parameters; g: gradient; rate: the scheduled learning rate; all products are elementwise. Updates follow
PyTorch's conventions; tests compare them with sequences recorded from PyTorch.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from src.nn.arithmetic import NATIVE
from src.nn.arithmetic.operations import Arithmetic

Vector = NDArray[np.floating[Any]]


@dataclass
class State:
    """The state of an optimizer: slots and a scratch vector, each shaped like theta, and the number of steps.

    ops: how what is not the same on every machine is computed.
    """

    slots: dict[str, Vector]
    scratch: Vector = field(repr=False)
    steps: int = 0
    ops: Arithmetic = NATIVE


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """Common to all optimizers: learning rate, L2 penalty on weights (not biases), gradient clipping."""

    lr: Annotated[float, "> 0"]
    l2: Annotated[float, ">= 0"] = 0.0  # adds l2 * W to the gradient
    clip_norm: Annotated[float | None, "> 0"] = None  # maximum gradient norm; None: no clipping

    name: ClassVar[str]
    slots: ClassVar[tuple[str, ...]] = ()

    def init(self, theta: Vector, ops: Arithmetic = NATIVE) -> State:
        """The state before the first step: every slot is zero."""
        return State({slot: np.zeros_like(theta) for slot in self.slots}, np.empty_like(theta), ops=ops)

    def step(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        """One step, in place. The first `weights` entries of theta are weights, the rest biases; overwrites g."""
        if self.l2:
            np.multiply(theta[:weights], self.l2, out=state.scratch[:weights])
            g[:weights] += state.scratch[:weights]
        if self.clip_norm is not None:
            norm = state.ops.norm(g)
            if norm > self.clip_norm:  # Pascanu, Mikolov and Bengio (2013), algorithm 1
                g *= self.clip_norm / norm
        state.steps += 1
        self.update(theta, g, rate, state, weights)

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        """The optimizer's own arithmetic, in place; `g` may be used as scratch."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """theta -= rate g"""

    name = "sgd"

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        g *= rate
        theta -= g


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimizer):
    """v = momentum v + g;  theta -= rate v  (Polyak, 1964)

    With `rate_in_velocity`: v = momentum v + rate g;  theta -= v. Both are the same while the rate is constant.
    """

    name = "momentum"
    momentum: Annotated[float, ">= 0", "< 1"] = 0.9
    rate_in_velocity: bool = False
    slots = ("velocity",)

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        v = state.slots["velocity"]
        v *= self.momentum
        if self.rate_in_velocity:
            g *= rate
            v += g
            theta -= v
        else:
            v += g
            np.multiply(v, rate, out=g)
            theta -= g


@dataclass(frozen=True, kw_only=True)
class Nesterov(Momentum):
    """v = momentum v + g;  theta -= rate (g + momentum v)  (Sutskever et al., 2013)

    With `rate_in_velocity`: v = momentum v + rate g;  theta -= rate g + momentum v, as in the paper.
    """

    name = "nesterov"

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        v = state.slots["velocity"]
        if self.rate_in_velocity:
            g *= rate
        v *= self.momentum
        v += g
        np.multiply(v, self.momentum, out=state.scratch)
        g += state.scratch
        if not self.rate_in_velocity:
            g *= rate
        theta -= g


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """s = decay s + (1 - decay) g^2;  theta -= rate g / (sqrt s + eps)  (Tieleman and Hinton, 2012)"""

    name = "rmsprop"
    decay: Annotated[float, ">= 0", "< 1"] = 0.99
    eps: Annotated[float, "> 0"] = 1e-8
    slots = ("square",)

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        s, scratch = state.slots["square"], state.scratch
        _average(s, g, self.decay, scratch, power=2)
        np.sqrt(s, out=scratch)
        scratch += self.eps
        g /= scratch
        g *= rate
        theta -= g


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1).

    m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
    theta -= rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
    """

    name = "adam"
    beta1: Annotated[float, ">= 0", "< 1"] = 0.9
    beta2: Annotated[float, ">= 0", "< 1"] = 0.999
    eps: Annotated[float, "> 0"] = 1e-8
    slots = ("mean", "square")

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        m, v, scratch, ops = state.slots["mean"], state.slots["square"], state.scratch, state.ops
        _average(m, g, self.beta1, scratch, power=1)
        _average(v, g, self.beta2, scratch, power=2)
        np.sqrt(v, out=scratch)
        scratch *= 1 / ops.root(1 - ops.power(self.beta2, state.steps))
        scratch += self.eps
        np.divide(m, scratch, out=g)
        g *= rate / (1 - ops.power(self.beta1, state.steps))
        theta -= g


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam after theta -= rate weight_decay theta, on weights alone (Loshchilov and Hutter, 2019, algorithm 2)"""

    name = "adamw"
    weight_decay: Annotated[float, ">= 0"] = 0.01

    def update(self, theta: Vector, g: Vector, rate: float, state: State, weights: int) -> None:
        theta[:weights] *= 1 - rate * self.weight_decay
        super().update(theta, g, rate, state, weights)


def _average(mean: Vector, g: Vector, decay: float, scratch: Vector, power: int) -> None:
    # mean = decay mean + (1 - decay) g^power
    mean *= decay
    if power == 2:
        np.square(g, out=scratch)
        scratch *= 1 - decay
    else:
        np.multiply(g, 1 - decay, out=scratch)
    mean += scratch


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}
