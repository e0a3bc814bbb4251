"""Batches of a training set: a fresh permutation an epoch, gathered into buffers that are allocated once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.nn.arrays import Array, Labels


class Batches:
    """Examples x [n, features] and labels y [n], in batches of `size` and of the network's dtype.

    With `drop_last` an incomplete last batch is left out, else it is simply smaller.
    """

    def __init__(self, x: Array, y: Labels, size: int, dtype: np.dtype[Any], drop_last: bool = False) -> None:
        self._x, self._y = np.asarray(x), np.asarray(y)
        self._size = size
        self._used = len(y) - len(y) % size if drop_last else len(y)
        self._gathered = np.empty((size, x.shape[1]), x.dtype)  # [size, features]
        self._batch_x = self._gathered if dtype == x.dtype else np.empty((size, x.shape[1]), dtype)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        return -(-self._used // self._size)

    @property
    def examples(self) -> int:
        """The number of examples in an epoch."""
        return self._used

    def epoch(self, rng: np.random.Generator, skipped: int = 0) -> Iterator[tuple[Array, Labels]]:
        """One epoch in a fresh order, its first `skipped` batches left out.

        Yields x [batch, features], overwritten by the next batch, and y [batch].
        """
        order: NDArray[np.intp] = rng.permutation(len(self._y))[: self._used]
        labels = self._y[order]  # [examples]; of x, which is larger by far, only a batch is gathered at a time
        for start in range(skipped * self._size, self._used, self._size):
            batch = slice(start, start + self._size)
            y = labels[batch]
            # The rows lie apart in memory: touched all at once, they are waited for together, not each in its turn.
            _ = self._x[order[batch], 0]
            # mode="clip" spares a buffered copy; the indices are in range by construction.
            self._x.take(order[batch], axis=0, out=self._gathered[: len(y)], mode="clip")
            if self._batch_x is not self._gathered:
                self._batch_x[: len(y)] = self._gathered[: len(y)]
            yield self._batch_x[: len(y)], y
