"""Published experiments at full length, on data that are prepared once."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from src.data.recipes import prepare
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.conftest import ROOT
from tests.helpers.composing import compose

Result = dict[str, Any]
Trained = Callable[..., Result]


def mirrored() -> list[str]:
    """Where MNIST's files come from: this checkout if it has them, else where users get them."""
    fetched = ROOT / "data/raw/mnist"
    return [f"data.mirror='{fetched}'"] if len(list(fetched.glob("*-ubyte"))) == 4 else []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The result of an experiment, with some overrides; each is trained once."""
    root = tmp_path_factory.mktemp("experiments")

    @functools.cache
    def result_of(experiment: str, *overrides: str) -> Result:
        overrides = (f"experiment={experiment}", *overrides, "tracking=off")
        config = compose(overrides)
        if config.data.source == "mnist":
            config = compose([*overrides, *mirrored()])
        folder = RunFolder(tmp_path_factory.mktemp("run"))
        return run(config, prepare(config.data, root), Tracker(), folder).result

    return result_of
