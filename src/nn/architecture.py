"""The architecture of a network: the group `model` of the configuration."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from src.foundation.errors import UserError
from src.nn.activations import ACTIVATIONS
from src.nn.arithmetic import ARITHMETICS
from src.nn.arrays import Labels
from src.nn.dropout import SCALINGS
from src.nn.initializers import BIAS_INITIALIZERS, INITIALIZERS, Seeds, Spread
from src.nn.losses import HEADS, LOSSES, OUTPUTS
from src.nn.network import Network

MOST_PARAMETERS = 1 << 27
Units = Annotated[int, ">= 1", "<= 65536"]
Weight = Annotated[float, ">= 1e-6", "<= 1e6"]
Rate = Annotated[float, ">= 0", "< 1"]
_ACTS = tuple(ACTIVATIONS)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Layers, initialization, output and loss. Names are keys of the tables in this room.

    `act` and `dropout` have one value for all hidden layers, or a list with one for each. A list of equal values
    becomes that value, so that a network has one description.
    """

    hidden: tuple[Units, ...] = (512,)  # units of each hidden layer; []: a linear model
    act: Annotated[str, _ACTS] | tuple[Annotated[str, _ACTS], ...] = "relu"
    init: Annotated[str, INITIALIZERS] = "he"
    init_std: Annotated[float, ">= 0"] = 0.1  # standard deviation, for init=normal and bias_init=normal
    init_bound: Annotated[float, ">= 0"] = 0.1  # for init=uniform and bias_init=uniform
    init_gain: Annotated[float, "> 0"] = 1.0  # multiplies the initial weights
    bias: bool | Annotated[str, ("fixed",)] = True  # fixed: initial values from bias_init, which are not trained
    bias_init: Annotated[str, BIAS_INITIALIZERS] = "zeros"
    dropout: Rate | tuple[Rate, ...] = 0.3  # probability of dropping a hidden unit
    dropout_scaling: Annotated[str, SCALINGS] = field(default="train", metadata={"before": "train"})
    output: Annotated[str, OUTPUTS] = "softmax"
    loss: Annotated[str, LOSSES] = "cross_entropy"
    single_output: bool = False  # two classes share one output: the probability of the second
    threshold: Annotated[float, "> 0", "< 1"] = 0.5  # with single_output: predict the second class at or above this
    class_weights: Annotated[str, ("balanced",)] | tuple[Weight, ...] | None = None  # balanced: 1 / count

    def __post_init__(self) -> None:
        for key in ("act", "dropout"):
            value, layers = getattr(self, key), len(self.hidden)
            if not isinstance(value, tuple):
                continue
            if len(value) != layers:
                raise UserError(
                    f"model.{key}=[{_listed(value)}]: length {len(value)}; allowed: one value for all hidden layers, "
                    f"or a list of length {layers}, with one for each of model.hidden=[{_listed(self.hidden)}]"
                )
            if len(set(value)) == 1:
                object.__setattr__(self, key, value[0])
        if (self.output, self.loss) not in HEADS:
            pairs = ", ".join(f"model.output={output} with model.loss={loss}" for output, loss in HEADS)
            raise UserError(f"model.output={self.output} with model.loss={self.loss}: no such pair; allowed: {pairs}")
        if self.single_output and self.output == "softmax":
            raise UserError(
                "model.single_output=true with model.output=softmax: softmax of one unit is always 1; use sigmoid"
            )

    @property
    def acts(self) -> tuple[str, ...]:
        """The activation of each hidden layer."""
        return self.act if isinstance(self.act, tuple) else (self.act,) * len(self.hidden)

    @property
    def rates(self) -> tuple[float, ...]:
        """The dropout of each hidden layer."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * len(self.hidden)

    def network(
        self, inputs: int, classes: int, y_train: Labels, dtype: str, arithmetic: str = "native", terms: int = 1
    ) -> Network:
        """The network, with zero parameters.

        y_train: [n], labels, counted for class_weights=balanced; terms: the most that a product of the training sums,
        if that is more than a width, which is the batch size.
        """
        if self.single_output and classes != 2:
            raise UserError(f"model.single_output=true: needs two classes; the data have {classes}")
        widths = (inputs, *self.hidden, 1 if self.single_output else classes)
        parameters = sum((fan_in + bool(self.bias)) * fan_out for fan_in, fan_out in itertools.pairwise(widths))
        if parameters > MOST_PARAMETERS:
            raise UserError(
                f"model.hidden=[{_listed(self.hidden)}]: {parameters:,} parameters; allowed: at most "
                f"{MOST_PARAMETERS:,}"
            )
        return Network(
            widths,
            [ACTIVATIONS[name] for name in self.acts],
            HEADS[self.output, self.loss],
            bias=bool(self.bias),
            fixed=self.bias == "fixed",
            dropout=self.rates,
            scaling=SCALINGS[self.dropout_scaling],
            class_weights=self._weights_of(classes, y_train),
            threshold=self.threshold if self.single_output else None,
            dtype=dtype,
            arithmetic=ARITHMETICS[arithmetic](max(terms, *widths)),
        )

    def initialize(self, network: Network, seeds: Seeds) -> None:
        """Draws the network's initial weights and biases."""
        spread = Spread(self.init_std, self.init_bound, self.init_gain)
        network.initialize(INITIALIZERS[self.init], spread, seeds, BIAS_INITIALIZERS[self.bias_init])

    def _weights_of(self, classes: int, y_train: Labels) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
        if self.class_weights is None:
            return None
        if self.class_weights == "balanced":
            counts = np.bincount(y_train, minlength=classes)
            return len(y_train) / (classes * np.maximum(counts, 1))
        if len(self.class_weights) != classes:
            given = _listed(self.class_weights)
            raise UserError(f"model.class_weights=[{given}]: must be {classes} weights, one for each class")
        return np.array(self.class_weights, np.float64)


def _listed(values: Iterable[object]) -> str:
    return ",".join(map(str, values))
