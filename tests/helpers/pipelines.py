"""A checkout in which the pipeline has run on the digits, made once a run of the suite; tests work in copies of it.

A pytest plugin.
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.helpers.checkouts import Shell, edit, make_checkout, shell_in
from tests.helpers.sharing import made_once

SMALL = ("experiment=digits", "model.hidden=[16]", "optimizer.lr=0.01", "train.epochs=3")
STUDIES = {"ladder": 7, "one_factor": 8}  # and how many variants each has
SETTINGS = (*SMALL, "tracking.figures=false", f"studies=[{','.join(STUDIES)}]")
MAIN_LINE = "evaluate"  # the last stage of it; the studies branch off
OUTPUT = "output.tmp"  # of `dvc repro`, beside the checkout
# The studies with one seed and few epochs, in one process: what their jobs compute is judged elsewhere.
SHRUNKEN = {
    "config": [("hydra/launcher: joblib", "hydra/launcher: basic")],
    "ablation/ladder": [("range(5)", "range(1)"), ("epochs: 10", "epochs: 1")],
    "ablation/one_factor": [("range(5)", "range(1)"), ("epochs: 5", "epochs: 2")],
}


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the pipeline has run with `SETTINGS`; read it, or copy it."""

    def make(folder: Path) -> None:
        checkout = make_checkout(folder / "a check out")
        for name, changes in SHRUNKEN.items():
            edit(checkout / f"conf/{name}.yaml", *changes)
        compose(shell_in(checkout), *SETTINGS)
        (folder / OUTPUT).write_text(repro(shell_in(checkout)))

    return made_once(tmp_path_factory, "pipeline", make) / "a check out"


@pytest.fixture
def reproduced(pipeline: Path, tmp_path: Path) -> Path:
    """A copy of the checkout in which the pipeline has run."""
    return shutil.copytree(pipeline, tmp_path / "a check out", symlinks=True)


@pytest.fixture
def unrecorded(reproduced: Path, empty_store: Path) -> Path:
    """Such a copy, without runs. MLflow keeps artifacts under an absolute path, the original's, so its store is new."""
    shutil.rmtree(reproduced / "runs")
    shutil.copy(empty_store, reproduced / "mlflow.db")
    return reproduced


def compose(shell: Shell, *overrides: str) -> None:
    """Writes params.yaml."""
    composed = shell("python", "-m", "src.compose", *overrides)
    assert composed.returncode == 0, composed.stderr


def repro(shell: Shell, *targets: str) -> str:
    """What `dvc repro` prints."""
    done = shell("dvc", "repro", *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def ran(output: str) -> list[str]:
    """The stages that ran."""
    return re.findall(r"Running stage '(.*)'", output)
