"""Batches of a training set, gathered into preallocated buffers."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from src.nn.arrays import Array, Labels
from src.training.streams import Indices, Order

# shuffled: a new permutation each epoch; fixed: the order of the data; drawn: each batch is sampled from all examples,
# without replacement.
ORDERS = ("shuffled", "fixed", "drawn")
_CACHED = 1 << 20  # bytes that a processor's cache holds


class Batches:
    """Examples x [n, features] and labels y [n], in batches of `size` and of the network's dtype, in one of `ORDERS`.

    `drop_last` skips an incomplete last batch; otherwise it is smaller. `steps`: batches per epoch with order=drawn;
    None: as many as in one pass over the examples.
    """

    def __init__(
        self,
        x: Array,
        y: Labels,
        size: int,
        dtype: np.dtype[Any],
        drop_last: bool = False,
        order: str = "shuffled",
        steps: int | None = None,
    ) -> None:
        self._x, self._y = np.asarray(x), np.asarray(y)
        self._size, self._order = size, order
        self._used = len(y) - len(y) % size if drop_last else len(y)
        if order == "drawn":
            self._used = size * (steps or -(-self._used // size))
        self._gathered = np.empty((size, x.shape[1]), x.dtype)  # [size, features]
        self._batch_x = self._gathered if dtype == x.dtype else np.empty((size, x.shape[1]), dtype)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self._used // self._size)

    @property
    def examples(self) -> int:
        """The number of examples in an epoch."""
        return self._used

    def epoch(self, stream: Order, skipped: int = 0) -> Iterator[tuple[Array, Labels]]:
        """One epoch, without its first `skipped` batches.

        Yields x [batch, features], overwritten by the next batch, and y [batch].
        """
        for rows, y in self._rows(stream, skipped):
            if self._x.nbytes > _CACHED:
                # The rows are scattered in memory: touching all of them first lets their cache misses overlap.
                _ = self._x[rows, 0]
            # mode="clip" avoids a buffered copy; the indices are always in range.
            self._x.take(rows, axis=0, out=self._gathered[: len(y)], mode="clip")
            if self._batch_x is not self._gathered:
                self._batch_x[: len(y)] = self._gathered[: len(y)]
            yield self._batch_x[: len(y)], y

    def _rows(self, stream: Order, skipped: int) -> Iterator[tuple[Indices, Labels]]:
        n = len(self._y)
        if self._order == "drawn":
            for step in range(len(self)):
                rows = stream.draw(n, self._size)
                if step >= skipped:
                    yield rows, self._y[rows]
                elif step == skipped - 1:
                    stream.skipped()
            return
        order = (stream.permutation(n) if self._order == "shuffled" else np.arange(n))[: self._used]
        if skipped:
            stream.skipped()
        labels = self._y[order]  # [examples]; x is much larger, so it is gathered batch by batch
        for start in range(skipped * self._size, self._used, self._size):
            yield order[start : start + self._size], labels[start : start + self._size]
