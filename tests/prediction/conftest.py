"""Models that were really trained, each once: on points, with a threshold, on digits of 8 x 8 pixels, and on MNIST."""

import hashlib
from collections.abc import Callable

import pytest

from tests.conftest import ROOT
from tests.helpers.sharing import made_once
from tests.prediction.trained import Trained


@pytest.fixture(scope="session")
def train(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    def trained(*overrides: str) -> Trained:
        """A model that one worker trains, and all open; its folder is not to be changed."""
        name = hashlib.sha256(repr(overrides).encode()).hexdigest()[:16]
        folder = made_once(tmp_path_factory, f"trained-{name}", lambda folder: Trained(folder, list(overrides)))
        return Trained(folder, list(overrides))  # which finds the run finished

    return trained


@pytest.fixture(scope="session")
def spiral(train: Callable[..., Trained]) -> Trained:
    """Three arms of points, X1 and X2."""
    return train("experiment=spiral_adam")


@pytest.fixture(scope="session")
def xor(train: Callable[..., Trained]) -> Trained:
    """One output unit, which decides from a threshold on that is not one half."""
    return train("experiment=xor_single_output", "model.threshold=0.9")


@pytest.fixture(scope="session")
def digits8(train: Callable[..., Trained]) -> Trained:
    """Digits of 8 x 8 pixels."""
    return train("experiment=digits_8x8_better")


@pytest.fixture(scope="session")
def mnist(train: Callable[..., Trained]) -> Trained:
    """Nearly half of MNIST, for a few epochs: about 97 % of the test set are right."""
    fetched = ROOT / "data/raw/mnist"
    mirror = [f"data.mirror='{fetched}'"] if fetched.exists() else []  # else from where users get it
    few = ["data.split.train=30000", "data.split.valid=1000", "data.split.test=2000"]
    return train("model.hidden=[256]", "model.dropout=0.2", "train.epochs=5", *few, *mirror)
