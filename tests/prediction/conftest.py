"""Models that were really trained, each once: on points, with a threshold, on digits of 8 x 8 pixels, and on MNIST."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from src.data.recipes import prepare
from src.prediction.predictions import open_model
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.experiments.conftest import mirrored
from tests.helpers.composing import compose
from tests.helpers.sharing import made_once


class Trained:
    """A finished run, its data, and its model as `predict` opens it."""

    def __init__(self, root: Path, overrides: list[str]) -> None:
        config = compose([*overrides, "tracking=off"])
        self.root = root
        self.recipe = config.data
        self.dataset = prepare(config.data, root)
        self.folder = run(config, self.dataset, Tracker(), RunFolder(root / "run")).folder.path
        self.model, self.signature = open_model(str(self.folder))


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
    few = ["data.split.train=30000", "data.split.valid=1000", "data.split.test=2000"]
    return train("model.hidden=[256]", "model.dropout=0.2", "train.epochs=5", *few, *mirrored())
