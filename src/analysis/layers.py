"""The layers of a network, for people who look at a model."""

from typing import NamedTuple

from src.foundation import schema
from src.nn.architecture import Architecture
from src.nn.arithmetic.portable import Portable
from src.runs.model import Model


class Layer(NamedTuple):
    """A dense layer: its shape, what follows its products, and its size."""

    name: str
    inputs: int
    units: int
    biases: int
    activation: str
    dropout: float  # the probability of dropping one of its units
    parameters: int
    bytes: int


def layers(model: Model) -> list[Layer]:
    """The layers from the first hidden one to the output."""
    network, architecture = model.network, _architecture(model)
    W, b = network.parameters.W, network.parameters.b
    hidden = len(W) - 1
    names = [*(f"hidden {l}" for l in range(1, hidden + 1)), "output"]
    acts, rates = (*architecture.acts, architecture.output), (*architecture.rates, 0.0)
    found = []
    for l, (name, act, rate) in enumerate(zip(names, acts, rates, strict=True)):
        biases = b[l].size if b else 0
        parameters = W[l].size + biases
        size = parameters * network.dtype.itemsize
        fan_in, fan_out = W[l].shape
        found.append(Layer(name, fan_in, fan_out, biases, act, rate, parameters, size))
    return found


def words(model: Model) -> str:
    """The network in a line, such as "784-512-10, softmax, cross_entropy, float32"."""
    architecture = _architecture(model)
    widths = "-".join(map(str, model.network.widths))
    threshold = f", threshold {architecture.threshold:g}" if architecture.single_output else ""
    arithmetic = model.network.arithmetic
    precision = f", portable with {arithmetic.bits} bits" if isinstance(arithmetic, Portable) else ""
    return f"{widths}, {architecture.output}, {architecture.loss}, {model.network.dtype}{threshold}{precision}"


def _architecture(model: Model) -> Architecture:
    architecture: Architecture = schema.build(Architecture, model.header["model"], "model")
    return architecture
