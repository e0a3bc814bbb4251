"""What a library's network must offer to be trained in step with ours, and which libraries there are."""

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Protocol

from src.config.tree import Config
from src.nn.arrays import Array, Labels
from src.nn.network import Network
from src.studies.twins import scikit_learn


class Twin(Protocol):
    """A library's network with the initial weights of ours."""

    def step(self, x: Array, y: Labels) -> None:
        """One update with a batch, x [batch, features] and y [batch]."""

    def weights(self) -> Sequence[Array]:
        """The weights of each layer, [fan_in, fan_out], then the biases of each, [fan_out]."""

    def probabilities(self, x: Array) -> Array:
        """[n, classes]"""


class Library(Protocol):
    """A library with networks like ours."""

    @property
    def package(self) -> str:
        """What is imported."""

    def unfit(self, config: Config) -> str:
        """What it lacks to train such a network as we do, like "model.dropout=0.1"; empty if nothing."""

    def differences(self, config: Config) -> Sequence[str]:
        """Where its definitions are others than ours."""

    def twin(self, config: Config, network: Network) -> Twin:
        """A network with the weights that `network` has now."""


LIBRARIES: Mapping[str, Library] = {"scikit-learn": scikit_learn.LIBRARY}


def installed() -> Mapping[str, Library]:
    """The libraries that are here."""
    return {name: library for name, library in LIBRARIES.items() if importlib.util.find_spec(library.package)}
