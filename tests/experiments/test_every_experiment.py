"""Every experiment in conf/ runs: its real configuration, made short, with digits in place of MNIST."""

import shutil
from pathlib import Path

import pytest

from src.config.composition import choices
from src.data.recipes import prepare
from src.runs.folder import RunFolder
from src.runs.model import load_model
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.composing import compose


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_runs(name: str, tmp_path: Path, digits_folder: Path) -> None:
    overrides = [f"experiment={name}", "tracking=off", "train.epochs=1"]
    if compose(overrides).data.source == "mnist":
        overrides += ["data=digits"]
    config = compose(overrides)
    if config.data.name == "digits":
        shutil.copytree(digits_folder / "data", tmp_path / "data")
    outcome = run(config, prepare(config.data, tmp_path), Tracker(), RunFolder(tmp_path))
    assert outcome.result["epochs"] == 1
    model = load_model(tmp_path / "model.npz")
    assert model.header["weights_sha256"] == outcome.result["weights_sha256"]
    assert 0 <= outcome.result["test"]["accuracy"] <= 1
