"""The record of single updates, for `train.record_steps`."""

from array import array

import numpy as np

from src.nn.arrays import Array

MOST_PARAMETERS = 16  # of a network whose parameters are recorded


class Steps:
    """The loss of each update's batch, and the parameters of a small network, such as a perceptron: both before it."""

    def __init__(self, parameters: int) -> None:
        self._width = 1 + (parameters if parameters <= MOST_PARAMETERS else 0)
        self._values = array("f")

    def add(self, loss: float, theta: Array) -> None:
        """Adds an update."""
        self._values.append(loss)
        if self._width > 1:
            self._values.frombytes(theta.astype(np.float32).tobytes())

    @property
    def rows(self) -> Array:
        """[updates, 1] or [updates, 1 + parameters], float32: a row for each update, its loss first."""
        return np.array(self._values, np.float32).reshape(-1, self._width)

    @rows.setter
    def rows(self, rows: Array) -> None:
        if rows.dtype != np.float32 or rows.shape[1:] != (self._width,):
            raise ValueError(f"its record of steps is {rows.dtype} {rows.shape}")
        self._values = array("f", rows.tobytes())
