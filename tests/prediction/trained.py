"""A run that was really trained, for tests to predict with."""

from pathlib import Path

from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.prediction.lookup import open_model
from src.prediction.signature import Signature
from src.runs.folder import RunFolder
from src.runs.model import Model
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.composing import compose


class Trained:
    """A finished run, its data, and its model as `predict` opens it."""

    def __init__(self, root: Path, overrides: list[str]) -> None:
        config = compose([*overrides, "tracking=off"])
        self.root = root
        self.recipe = config.data
        self.dataset: Dataset = prepare(config.data, root)
        self.folder = run(config, self.dataset, Tracker(), RunFolder(root / "run")).folder.path
        opened: tuple[Model, Signature] = open_model(str(self.folder))
        self.model, self.signature = opened
