"""The random streams of a training: initial weights, order of examples, dropout, evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.nn.initializers import Draws

Indices = NDArray[np.intp]


class Order:
    """The orders of the examples, from a stream. `state` is plain data, which a checkpoint stores and restores."""

    def __init__(self, stream: np.random.Generator | np.random.RandomState) -> None:
        self._stream = stream

    @property
    def state(self) -> Mapping[str, Any]:
        if isinstance(self._stream, np.random.Generator):
            return self._stream.bit_generator.state
        state: dict[str, Any] = self._stream.get_state(legacy=False)
        return state | {"state": {"key": state["state"]["key"].tolist(), "pos": int(state["state"]["pos"])}}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        if isinstance(self._stream, np.random.Generator):
            self._stream.bit_generator.state = state
        else:
            key = np.array(state["state"]["key"], np.uint32)
            self._stream.set_state({**state, "state": {"key": key, "pos": state["state"]["pos"]}})

    def permutation(self, n: int) -> Indices:
        """[n], a new permutation of n examples."""
        return self._stream.permutation(n)

    def draw(self, n: int, size: int) -> Indices:
        """[size], sampled from n examples without replacement."""
        return self._stream.choice(n, size, replace=False)

    def evaluated(self, n: int) -> None:
        """Called when a set of n examples is evaluated.

        Texts that use NumPy's legacy stream have one function for all batches, so their evaluations shuffle, too: after
        each evaluated epoch the training set once, then the validation set. This changes no metric but advances the
        stream.
        """
        if isinstance(self._stream, np.random.RandomState):
            self._stream.permutation(n)


@dataclass(frozen=True)
class Streams:
    """The random streams of a training, one per purpose, so that variants with the same seed share draws."""

    initialization: Draws
    order: Order
    dropout: np.random.Generator
    seed: int

    @classmethod
    def of(cls, seed: int, rng: str = "default") -> "Streams":
        """The streams of a seed; `rng` is one of `KINDS`."""
        initialization, order, dropout = np.random.SeedSequence(seed).spawn(3)
        if rng == "legacy":
            own, shuffling = np.random.RandomState(seed), np.random.RandomState(seed)
            return cls(own, Order(shuffling), np.random.default_rng(dropout), seed)
        return cls(initialization, Order(np.random.default_rng(order)), np.random.default_rng(dropout), seed)

    def evaluation(self, epoch: int) -> np.random.Generator:
        """The dropout stream for evaluating an epoch with dropout on."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(3, epoch)))


# default: `SeedSequence(seed)` has a child for each stream. legacy: `RandomState(seed)` draws weights, layer by layer
# and unit by unit; another `RandomState(seed)` shuffles the training set for each epoch and, after each evaluated
# epoch, training and validation set once more. This reproduces results published with NumPy's legacy streams.
KINDS = ("default", "legacy")
