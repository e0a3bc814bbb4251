"""A training's random streams: of its initial weights, of the order of its examples, of dropout, and of evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from src.nn.initializers import Draws

Indices = NDArray[np.intp]


class Order(Protocol):
    """A stream of orders. `state` is plain data, with which a checkpoint brings the stream back to where it was."""

    state: Mapping[str, Any]

    def permutation(self, n: int) -> Indices:
        """[n], all of n examples in a fresh order."""

    def draw(self, n: int, size: int) -> Indices:
        """[size], of n examples, none of them twice."""

    def evaluated(self, n: int) -> None:
        """Takes note that a set of n examples is evaluated."""


class GeneratorOrder:
    """Orders from a `Generator`. An evaluation draws nothing."""

    def __init__(self, seeds: np.random.SeedSequence) -> None:
        self._generator = np.random.default_rng(seeds)

    @property
    def state(self) -> Mapping[str, Any]:
        return self._generator.bit_generator.state

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        self._generator.bit_generator.state = state

    def permutation(self, n: int) -> Indices:
        return self._generator.permutation(n)

    def draw(self, n: int, size: int) -> Indices:
        return self._generator.choice(n, size, replace=False)

    def evaluated(self, n: int) -> None:
        pass


class LegacyOrder:
    """Orders as texts draw them whose one function makes batches for everything: by `shuffle` of NumPy's legacy stream.

    There an evaluation shuffles, too: after each epoch that is evaluated, the training set is shuffled once, and then
    the validation set, which changes no metric.
    """

    def __init__(self, seed: int) -> None:
        self._stream = np.random.RandomState(seed)

    @property
    def state(self) -> Mapping[str, Any]:
        state: dict[str, Any] = self._stream.get_state(legacy=False)
        return state | {"state": {"key": state["state"]["key"].tolist(), "pos": int(state["state"]["pos"])}}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        key = np.array(state["state"]["key"], np.uint32)
        self._stream.set_state({**state, "state": {"key": key, "pos": state["state"]["pos"]}})

    def permutation(self, n: int) -> Indices:
        order = np.arange(n)
        self._stream.shuffle(order)
        return order

    def draw(self, n: int, size: int) -> Indices:
        return self._stream.choice(n, size, replace=False)

    def evaluated(self, n: int) -> None:
        self.permutation(n)


@dataclass(frozen=True)
class Streams:
    """A training's random streams, one for each purpose, so that variants that share a seed differ in nothing else."""

    initialization: Draws
    order: Order
    dropout: np.random.Generator
    seed: int

    @classmethod
    def of(cls, seed: int, rng: str = "default") -> "Streams":
        """The streams of a seed, of one of the kinds in `KINDS`."""
        initialization, order, dropout = np.random.SeedSequence(seed).spawn(3)
        if rng == "legacy":
            return cls(np.random.RandomState(seed), LegacyOrder(seed), np.random.default_rng(dropout), seed)
        return cls(initialization, GeneratorOrder(order), np.random.default_rng(dropout), seed)

    def evaluation(self, epoch: int) -> np.random.Generator:
        """The stream of dropout where an epoch's evaluation is made with dropout on."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(3, epoch)))


# default: `SeedSequence(seed)` has a child for each stream. legacy: `RandomState(seed)` draws weights, layer by layer
# and unit by unit; another `RandomState(seed)` shuffles the training set for each epoch and, after each epoch that is
# evaluated, once more that and the validation set. What was published with NumPy's legacy streams can be reproduced so.
KINDS = ("default", "legacy")
