"""What many tests need: the digits data set, run folders of their own, and a copy of the repository to run in."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.checkouts import ROOT, Shell, environment, furnish, make_checkout, shell_in
from tests.helpers.composing import Small, compose, composed
from tests.helpers.sharing import made_once

__all__ = ["COLLECTED", "ROOT", "Shell", "environment", "make_checkout"]

# How long an example takes is the machine's affair.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# What would make collecting slow, and had happened when it was over.
COLLECTED = pytest.StashKey[set[str]]()
pytest_plugins = ["tests.faults.figures", "tests.helpers.pipelines", "tests.helpers.processes"]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Three slow tests for two cores: each waits for processes and servers that it starts."""
    return -(-3 * (os.cpu_count() or 1) // 2) if config.option.markexpr == "slow" else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves files without slow tests out where only those are asked for: importing all takes each worker seconds."""
    if config.option.markexpr != "slow" or collection_path.suffix != ".py":
        return None
    return "mark.slow" not in collection_path.read_text() or None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notes what collecting has imported and composed: each worker would pay for it, whichever tests it runs."""
    from hydra.core.singleton import Singleton

    composed = {"composed" for kind in Singleton._instances if kind.__name__ == "Plugins"}
    session.config.stash[COLLECTED] = ({"mlflow"} & sys.modules.keys()) | composed


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `data=digits` has been prepared; not to be changed."""
    return made_once(tmp_path_factory, "digits", lambda folder: prepare(compose(["data=digits"]).data, folder))


@pytest.fixture(scope="session")
def digits(digits_folder: Path) -> Dataset:
    """The prepared data set of `data=digits`."""
    return prepare(compose(["data=digits"]).data, digits_folder)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and nothing in them, to be copied: making one takes seconds."""

    def make(folder: Path) -> None:
        from src.recording.store import _client, _sqlite  # imports MLflow

        _client(_sqlite(folder / "mlflow.db")).search_experiments()

    return made_once(tmp_path_factory, "store", make) / "mlflow.db"


@pytest.fixture(scope="session")
def small() -> Small:
    """Composes a configuration that trains in a blink on `digits`, without tracking."""

    def shrunken(*overrides: str) -> Config:
        return composed("experiment=digits", "model.hidden=[8]", "train.epochs=3", "tracking=off", *overrides)

    return shrunken


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the repository, for run folders, the MLflow store, and what studies leave."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for module in ("src.runs.folder", "src.recording.own_store"):
        monkeypatch.setattr(f"{module}.home", lambda: tmp_path)
    for module in ("src.studies.study", "src.studies.comparisons.collect"):
        monkeypatch.setattr(f"{module}.ROOT", tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def trained_runs(tmp_path_factory: pytest.TempPathFactory, digits: Dataset, small: Small) -> Path:
    """A folder of three finished runs, not to be changed."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.runs.folder.home", lambda: home)
        for overrides in (("seed=1",), ("model.act=tanh", "optimizer.lr=0.1"), ("train.metrics=[f1]",)):
            run(small(*overrides), digits, Tracker())
    return home / "runs"


@pytest.fixture
def runs(trained_runs: Path, home: Path) -> Path:
    """A copy of the finished runs in the place of the repository's own; its folder."""
    return Path(shutil.copytree(trained_runs, home / "runs"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Git checkout of the tree as it is, uncommitted changes included, in a path with a space."""
    return make_checkout(tmp_path / "a check out")


@pytest.fixture
def furnished(checkout: Path, digits_folder: Path, empty_store: Path) -> None:
    """Puts the prepared digits and an empty MLflow store into the checkout."""
    furnish(checkout, digits_folder, empty_store)


@pytest.fixture
def shell(checkout: Path) -> Shell:
    """Runs a command in the checkout."""
    return shell_in(checkout)
