"""What many tests need: the digits data set, run folders of their own, and a copy of the repository to run in."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from src.config.composition import compose
from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.recording.store import _create_tables

# How long an example takes is the machine's affair.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
pytest_plugins = ["tests.faults.figures"]
ROOT = Path(__file__).resolve().parent.parent
Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `data=digits` has been prepared."""
    folder = tmp_path_factory.mktemp("digits")
    prepare(compose(["data=digits"]).data, folder)
    return folder


@pytest.fixture(scope="session")
def digits(digits_folder: Path) -> Dataset:
    """The prepared data set of `data=digits`."""
    return prepare(compose(["data=digits"]).data, digits_folder)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and nothing in them: making one takes seconds, copying it none."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    _create_tables(path)
    return path


@pytest.fixture(scope="session")
def small() -> Callable[..., Config]:
    """Composes a configuration that trains in a blink on `digits`, without tracking."""

    @functools.cache  # a configuration is immutable, and composing one takes a while
    def composed(*overrides: str) -> Config:
        shrunken = ["experiment=digits", "model.hidden=[8]", "train.epochs=3", "tracking=off"]
        return compose([*shrunken, *overrides])

    return composed


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the repository, for run folders, the MLflow store, and what studies leave."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for module in ("src.runs.folder", "src.recording.store"):
        monkeypatch.setattr(f"{module}.home", lambda: tmp_path)
    monkeypatch.setattr("src.studies.places.ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Git checkout of the tree as it is, uncommitted changes included, in a path with a space."""
    return make_checkout(tmp_path / "a check out")


@pytest.fixture
def shell(checkout: Path) -> Shell:
    """Runs a command in the checkout, with this Python first on the path and no MLflow settings of the user's."""

    def run(*command: str, **more: object) -> subprocess.CompletedProcess[str]:
        given = {"cwd": checkout, "env": environment(), "capture_output": True, "text": True, "timeout": 600}
        return subprocess.run(command, **{**given, **more})  # type: ignore[call-overload,no-any-return]

    return run


def environment() -> dict[str, str]:
    """The environment for commands in a checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "HYDRA_", "DVC_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "default",
    }


def make_checkout(folder: Path) -> Path:
    """Copies what Git tracks, or would, into a Git repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "init", "-q"], cwd=folder, check=True)
    subprocess.run([*git, "add", "-A"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-qm", "as it is"], cwd=folder, check=True)
    return folder
