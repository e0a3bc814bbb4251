"""How published code draws: the group `draws` of the configuration, for `rng=legacy`."""

from dataclasses import dataclass
from typing import Annotated

# default: `SeedSequence(seed)` has a child for each purpose. legacy: streams of NumPy's `RandomState`, as in published
# code; `Draws` says which stream draws what, in which order and shape.
KINDS = ("default", "legacy")
WEIGHTS = ("fan_out_first", "fan_in_first", "torch")
RESHUFFLES = ("fresh", "accumulated")
MASKS = ("default", "binomial", "mcg31")
Seed = Annotated[int, ">= 0", "<= 4294967295"]


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Which legacy stream draws what. With the defaults, one `RandomState(seed)` draws the weights, another the orders.

    Weights are drawn layer by layer, each layer's biases after its weights.
    """

    shared: bool = False  # one RandomState(seed) draws weights, orders of examples, and dropout masks
    weights: Annotated[str, WEIGHTS] = "fan_out_first"  # shape of a drawn matrix; torch: as PyTorch's layers start
    skip: Annotated[int, ">= 0", "<= 1000000000"] = 0  # 32-bit numbers that the weights' stream has given before
    layer_seeds: Annotated[str, ("same",)] | tuple[Seed, ...] | None = None  # reseed before each layer; same: with seed
    unit_seeds: tuple[Seed, ...] = ()  # with train.unit_targets: a stream for each hidden unit and the output layer
    order_first: bool = False  # the first epoch's order is drawn before the weights
    reshuffle: Annotated[str, RESHUFFLES] = "fresh"  # accumulated: each epoch rearranges the previous one's order
    evaluations_shuffle: bool = True  # each evaluation draws a permutation of each evaluated set, and ignores it
    dropout: Annotated[str, MASKS] = "default"  # which generator draws masks; default: that of rng=default


DEFAULT = Draws()
