"""The architecture of a network: the group `model` of the configuration."""

import itertools
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from src.foundation.errors import UserError
from src.nn.activations import ACTIVATIONS
from src.nn.arrays import Labels
from src.nn.initializers import BIAS_INITIALIZERS, INITIALIZERS, Draws, Spread
from src.nn.losses import HEADS, LOSSES, OUTPUTS
from src.nn.network import Network

MOST_PARAMETERS = 1 << 27
Units = Annotated[int, ">= 1", "<= 65536"]
Weight = Annotated[float, ">= 1e-6", "<= 1e6"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Layers, initialization, output and loss. Names are keys of the tables in this room."""

    hidden: tuple[Units, ...] = (512,)  # units of each hidden layer; []: a linear model
    act: Annotated[str, ACTIVATIONS] = "relu"
    init: Annotated[str, INITIALIZERS] = "he"
    init_std: Annotated[float, ">= 0"] = 0.1  # standard deviation, for init=normal and bias_init=normal
    init_bound: Annotated[float, ">= 0"] = 0.1  # for init=uniform and bias_init=uniform
    init_gain: Annotated[float, "> 0"] = 1.0  # multiplies the initial weights
    bias: bool = True
    bias_init: Annotated[str, BIAS_INITIALIZERS] = "zeros"
    dropout: Annotated[float, ">= 0", "< 1"] = 0.3  # probability of dropping a hidden unit
    output: Annotated[str, OUTPUTS] = "softmax"
    loss: Annotated[str, LOSSES] = "cross_entropy"
    single_output: bool = False  # two classes share one output: the probability of the second
    threshold: Annotated[float, "> 0", "< 1"] = 0.5  # with single_output: predict the second class at or above this
    class_weights: Annotated[str, ("balanced",)] | tuple[Weight, ...] | None = None  # balanced: 1 / count

    def __post_init__(self) -> None:
        if (self.output, self.loss) not in HEADS:
            pairs = ", ".join(f"model.output={output} with model.loss={loss}" for output, loss in HEADS)
            raise UserError(f"model.output={self.output} with model.loss={self.loss}: no such pair; allowed: {pairs}")
        if self.single_output and self.output == "softmax":
            raise UserError(
                "model.single_output=true with model.output=softmax: softmax of one unit is always 1; use sigmoid"
            )

    def network(self, inputs: int, classes: int, y_train: Labels, dtype: str) -> Network:
        """The network, with zero parameters. y_train: [n], labels, counted for class_weights=balanced."""
        if self.single_output and classes != 2:
            raise UserError(f"model.single_output=true: needs two classes; the data have {classes}")
        widths = (inputs, *self.hidden, 1 if self.single_output else classes)
        parameters = sum((fan_in + self.bias) * fan_out for fan_in, fan_out in itertools.pairwise(widths))
        if parameters > MOST_PARAMETERS:
            layers = ",".join(map(str, self.hidden))
            raise UserError(f"model.hidden=[{layers}]: {parameters:,} parameters; allowed: at most {MOST_PARAMETERS:,}")
        return Network(
            widths,
            ACTIVATIONS[self.act],
            HEADS[self.output, self.loss],
            bias=self.bias,
            dropout=self.dropout,
            class_weights=self._weights_of(classes, y_train),
            threshold=self.threshold if self.single_output else None,
            dtype=dtype,
        )

    def initialize(self, network: Network, draws: Draws) -> None:
        """Draws the network's initial weights and biases."""
        spread = Spread(self.init_std, self.init_bound, self.init_gain)
        network.initialize(INITIALIZERS[self.init], spread, draws, BIAS_INITIALIZERS[self.bias_init])

    def _weights_of(self, classes: int, y_train: Labels) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
        if self.class_weights is None:
            return None
        if self.class_weights == "balanced":
            counts = np.bincount(y_train, minlength=classes)
            return len(y_train) / (classes * np.maximum(counts, 1))
        if len(self.class_weights) != classes:
            given = ",".join(map(str, self.class_weights))
            raise UserError(f"model.class_weights=[{given}]: must be {classes} weights, one for each class")
        return np.array(self.class_weights, np.float64)
