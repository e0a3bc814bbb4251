"""The random streams of a training: initial weights, order of examples, dropout, evaluation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.foundation.legacy import legacy_stream
from src.nn.initializers import LayerStream, Seeds
from src.training import legacy
from src.training.draws import DEFAULT, Draws
from src.training.legacy import LegacyMasks, UnitStreams, layer_stream

Indices = NDArray[np.intp]


class Order:
    """The orders of the examples, from a stream. `state` is plain data, which a checkpoint stores and restores.

    draws: how a legacy stream draws. first: the first permutation, if it was drawn earlier.
    """

    def __init__(
        self,
        stream: np.random.Generator | np.random.RandomState,
        draws: Draws = DEFAULT,
        first: Indices | None = None,
    ) -> None:
        self._stream, self._draws, self._first = stream, draws, first
        self._order: Indices | None = None  # the previous one, with draws.reshuffle=accumulated
        self._later: Mapping[str, Any] | None = None  # see `resume_at`

    @property
    def state(self) -> Mapping[str, Any]:
        if isinstance(self._stream, np.random.Generator):
            return self._stream.bit_generator.state
        orders = {"first": self._first, "order": self._order}
        return self.position | {name: order.tolist() for name, order in orders.items() if order is not None}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        if isinstance(self._stream, np.random.Generator):
            self._stream.bit_generator.state = state
            return
        first, order = (None if state.get(k) is None else np.array(state[k], np.intp) for k in ("first", "order"))
        legacy.restore(self._stream, state)
        self._first, self._order = first, order

    @property
    def position(self) -> dict[str, Any]:
        """The state of a legacy stream at this moment: draws of dropout masks may have moved a shared one."""
        assert isinstance(self._stream, np.random.RandomState)
        return legacy.state_of(self._stream)

    def resume_at(self, position: Mapping[str, Any]) -> None:
        """The position of a shared stream after the batches that a resumed epoch skips. Raises if it is not one."""
        legacy.restore(np.random.RandomState(0), position)
        self._later = position

    def skipped(self) -> None:
        """Called when the order of a resumed epoch, and its skipped batches, have been drawn again."""
        if self._later is not None and isinstance(self._stream, np.random.RandomState):
            legacy.restore(self._stream, self._later)

    def permutation(self, n: int) -> Indices:
        """[n], a new permutation of n examples."""
        drawn, self._first = self._stream.permutation(n) if self._first is None else self._first, None
        if self._draws.reshuffle == "accumulated":
            self._order = drawn = drawn if self._order is None else self._order[drawn]
        return drawn

    def draw(self, n: int, size: int) -> Indices:
        """[size], sampled from n examples without replacement."""
        if isinstance(self._stream, np.random.RandomState):  # what its `choice` does, in less time
            return self._stream.permutation(n)[:size]
        return self._stream.choice(n, size, replace=False)

    def evaluated(self, n: int) -> None:
        """Called when a set of n examples is evaluated.

        Some texts have one function for all batches, so their evaluations shuffle, too: after each evaluated epoch the
        training set once, then the validation set. This changes no metric but advances the stream.
        """
        if isinstance(self._stream, np.random.RandomState) and self._draws.evaluations_shuffle:
            self._stream.permutation(n)


@dataclass(frozen=True)
class Streams:
    """The random streams of a training, one per purpose, so that variants with the same seed share draws."""

    initialization: Seeds
    order: Order
    dropout: np.random.Generator | LegacyMasks
    seed: int
    units: tuple[Order, ...] = ()  # of hidden units that are trained one by one, if each has its own

    @classmethod
    def of(cls, seed: int, rng: str = "default", draws: Draws = DEFAULT, examples: int = 0) -> "Streams":
        """The streams of a seed; `rng` is one of `KINDS`. examples: in the training set, for draws.order_first."""
        initialization, order, dropout = np.random.SeedSequence(seed).spawn(3)
        masks = np.random.default_rng(dropout)
        if rng == "legacy":
            return _of_units(seed, draws, masks) if draws.unit_seeds else _legacy(seed, draws, masks, examples)
        return cls(initialization, Order(np.random.default_rng(order)), masks, seed)

    def evaluation(self, epoch: int) -> np.random.Generator:
        """The dropout stream for evaluating an epoch with dropout on."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(3, epoch)))

    def drop_in(self, dropout: Sequence[float]) -> None:
        """Called when weights have been drawn: the probability of dropping a unit, of each hidden layer."""
        if isinstance(self.dropout, LegacyMasks) and self.dropout.first:
            pairs = zip(self.dropout.first, dropout, strict=True)
            self.dropout.first = [stream for stream, p in pairs if p]  # layers without dropout ask for no mask

    @property
    def dropout_state(self) -> Mapping[str, Any]:
        """The state of the dropout stream as plain data."""
        if isinstance(self.dropout, LegacyMasks):
            return self.order.position
        return self.dropout.bit_generator.state

    def restore(self, order: Mapping[str, Any], dropout: Mapping[str, Any]) -> None:
        """Restores the order at the start of an epoch, and dropout after some of its updates.

        Raises one of `npz.DAMAGE`, and changes nothing, if a state is invalid.
        """
        if isinstance(self.dropout, LegacyMasks):
            self.order.resume_at(dropout)
        else:
            np.random.default_rng(0).bit_generator.state = dropout  # raises; this stream is not used
        before = self.order.state
        try:
            self.order.state = order
        except BaseException:
            self.order.state = before
            raise
        if isinstance(self.dropout, LegacyMasks):
            self.dropout.first.clear()
        else:
            self.dropout.bit_generator.state = dropout


def _legacy(seed: int, draws: Draws, masks: np.random.Generator, examples: int) -> Streams:
    """Streams of `RandomState(seed)`: one, or with draws.shared=false one for weights and one for orders."""
    stream = legacy_stream(seed, draws.skip)
    shuffling = stream if draws.shared else np.random.RandomState(seed)
    first = shuffling.permutation(examples) if draws.order_first else None
    dropout = masks if draws.dropout == "default" else LegacyMasks(stream, draws.dropout)

    def layers(count: int) -> Iterator[LayerStream]:
        seeds = draws.layer_seeds
        for layer in range(count):
            if seeds is not None:
                stream.seed(seed if isinstance(seeds, str) else seeds[layer])
            yield layer_stream(stream, draws.weights)
            # Such code makes a layer when the first batch reaches it, and draws the layer's mask before the next seed.
            if seeds is not None and layer < count - 1 and isinstance(dropout, LegacyMasks):
                dropout.first.append(legacy.copy(stream))

    return Streams(layers, Order(shuffling, draws, first), dropout, seed)


def _of_units(seed: int, draws: Draws, masks: np.random.Generator) -> Streams:
    """A stream for each hidden unit, and one for the output layer: of its weights, its bias, then its batches."""
    *units, top = map(np.random.RandomState, draws.unit_seeds)

    def layers(count: int) -> Iterator[LayerStream]:
        yield UnitStreams(layer_stream(stream, draws.weights) for stream in units)
        yield layer_stream(top, draws.weights)

    return Streams(layers, Order(top, draws), masks, seed, tuple(Order(stream, draws) for stream in units))
