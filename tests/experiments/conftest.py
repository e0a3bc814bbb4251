"""Published experiments at full length, on data that are prepared once."""

from collections.abc import Callable
from pathlib import Path
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
    """Where MNIST's files are taken from: this checkout, if they are here, else from where users get them."""
    fetched = ROOT / "data/raw/mnist"
    return [f"data.mirror='{fetched}'"] if len(list(fetched.glob("*-ubyte"))) == 4 else []


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """What an experiment comes to, with some overrides; each is trained once."""
    root, results = tmp_path_factory.mktemp("experiments"), dict[tuple[str, ...], Result]()

    def result_of(experiment: str, *overrides: str) -> Result:
        key = (f"experiment={experiment}", *overrides)
        if key not in results:
            config = compose([*key, "tracking=off"])
            if config.data.source == "mnist":
                config = compose([*key, "tracking=off", *mirrored()])
            results[key] = run(
                config, prepare(config.data, root), Tracker(), RunFolder(_new(root, len(results)))
            ).result
        return results[key]

    return result_of


def _new(root: Path, number: int) -> Path:
    folder = root / "runs" / str(number)
    folder.mkdir(parents=True)
    return folder
