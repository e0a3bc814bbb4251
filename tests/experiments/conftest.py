"""Published experiments, at full length or shortened, on data that are prepared once."""

import functools
from collections.abc import Callable

import pytest

from src.data.recipes import prepare
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import Outcome, run
from tests.conftest import ROOT
from tests.helpers.composing import compose

Trained = Callable[..., Outcome]


def mirrored() -> list[str]:
    """Where MNIST's files come from: this checkout if it has them, else where users get them."""
    fetched = ROOT / "data/raw/mnist"
    return [f"data.mirror='{fetched}'"] if len(list(fetched.glob("*-ubyte"))) == 4 else []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """An experiment's run, with some overrides; each is trained once."""
    root = tmp_path_factory.mktemp("experiments")

    @functools.cache
    def run_of(experiment: str, *overrides: str) -> Outcome:
        overrides = (f"experiment={experiment}", *overrides, "tracking=off")
        config = compose(overrides)
        if config.data.source == "mnist":
            config = compose([*overrides, *mirrored()])
        return run(config, prepare(config.data, root), Tracker(), RunFolder(tmp_path_factory.mktemp("run")))

    return run_of
