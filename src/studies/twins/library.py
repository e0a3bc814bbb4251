"""What a library's network must offer to be trained in step with ours, and which libraries there are."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol

from src.config.tree import Config
from src.foundation.errors import UserError
from src.nn.arrays import Array, Labels
from src.nn.network import Network
from src.studies.twins import pytorch, scikit_learn


class Twin(Protocol):
    """A library's network with the initial weights of ours."""

    def step(self, x: Array, y: Labels) -> None:
        """One update with a batch, x [batch, features] and y [batch]."""

    def loss(self, x: Array, y: Labels) -> float:
        """The mean loss of examples, x [n, features] and y [n], weighted by class as ours is."""

    def weights(self) -> Sequence[Array]:
        """The weights of each layer, [fan_in, fan_out], then the biases of each, [fan_out]."""

    def probabilities(self, x: Array) -> Array:
        """[n, classes]"""


class Library(Protocol):
    """A library with networks like ours."""

    @property
    def package(self) -> str:
        """The package that brings it, by its name on PyPI."""

    @property
    def module(self) -> str:
        """What is imported of it."""

    def unfit(self, config: Config) -> str:
        """What it lacks to train such a network as we do, like "model.dropout=0.1"; empty if nothing."""

    def differences(self, config: Config) -> Sequence[str]:
        """Where its definitions are others than ours."""

    def twin(self, config: Config, network: Network) -> Twin:
        """A network with the weights that `network` has now."""


LIBRARIES: Mapping[str, Library] = {"scikit-learn": scikit_learn.LIBRARY, "PyTorch": pytorch.LIBRARY}


def versions() -> dict[str, str]:
    """The versions of the libraries that are installed."""
    found = {}
    for name, library in LIBRARIES.items():
        try:
            found[name] = importlib.metadata.version(library.package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def refuse_broken() -> None:
    """Raises `UserError` for a library that is installed but can't be imported."""
    for name in versions():
        try:
            import_module(LIBRARIES[name].module)
        except (ImportError, OSError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{name} is installed but can't be imported ({reason}); repair or remove it") from None
