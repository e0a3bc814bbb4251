"""Experiments of DVC: composed on the command line, queued, and on data that are no images."""

import json
from pathlib import Path

import pytest
import yaml

from tests.conftest import Shell
from tests.helpers.pipelines import MAIN_LINE, SMALL
from tests.helpers.stores import children

pytestmark = pytest.mark.slow


@pytest.fixture
def checkout(reproduced: Path) -> Path:
    return reproduced


def test_an_experiment_composes_groups_and_values(unrecorded: Path, shell: Shell) -> None:
    overrides = [*SMALL, "tracking.figures=false", "model.hidden=[]", "model.act=tanh", "optimizer=momentum"]
    done = shell("dvc", "exp", "run", *(word for override in overrides for word in ("-S", override)), MAIN_LINE)
    assert done.returncode == 0, done.stdout + done.stderr
    params = yaml.safe_load((unrecorded / "params.yaml").read_text())
    assert params["model"]["act"] == "tanh"
    assert params["optimizer"].items() >= {"name": "momentum", "momentum": 0.9}.items()
    [run] = children(unrecorded)
    assert {"tanh", "linear", "momentum", "s0"} <= {*run.info.run_name.split()}
    assert run.data.tags["command"] == "python -m src.train --stage"
    shown = shell("dvc", "metrics", "show", "--md").stdout
    assert {"valid", "test"} <= {*shown.split()}
    assert max(map(len, shown.splitlines())) <= 120  # it fits a screen
    assert "precision" in shell("dvc", "metrics", "show", "metrics/test.json").stdout
    columns = shell("dvc", "exp", "show", "--only-changed", "--csv").stdout.splitlines()[0].split(",")
    assert {"valid", "test", "model.act"} <= {*columns}
    assert not {"precision", "kept_epoch", "train.loss"} & {*columns}  # or what was changed is beyond 120 characters
    assert shell("dvc", "params", "diff").returncode == 0
    assert shell("dvc", "plots", "show", "-o", "plots-page").returncode == 0
    page = (unrecorded / "plots-page/index.html").read_text()
    confusion = "Confusion matrix of the test set"
    for title in ("Loss", "Accuracy", confusion, f"{confusion}, normalized"):
        assert f'"text": "{title}"' in page
    assert "failures_confident" in page
    assert "<script src" not in page  # it needs no network


def test_data_that_are_no_images_go_all_the_way(checkout: Path, shell: Shell) -> None:
    done = shell("dvc", "exp", "run", "-S", "experiment=perceptrons_xor", "-S", "tracking=off", MAIN_LINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((checkout / "metrics/test.json").read_text())["accuracy"] == 1
    assert json.loads((checkout / "plots/scores.json").read_text())["overall"]["num_samples"] == 100
    assert (checkout / "plots/failures.png").stat().st_size < 20_000  # it says that there is nothing to show


def test_queued_experiments_are_recorded_in_the_repository_itself(unrecorded: Path, shell: Shell) -> None:
    grid = ("experiment=digits", "train.epochs=2", "model.act=relu,tanh", "tracking.figures=false")
    settings = [word for override in grid for word in ("-S", override)]
    queued = shell("dvc", "exp", "run", "--queue", *settings, MAIN_LINE)
    assert queued.returncode == 0, queued.stderr
    done = shell("dvc", "exp", "run", "--run-all")
    assert done.returncode == 0, done.stdout + done.stderr
    runs = children(unrecorded)
    assert {run.data.params["model.act"] for run in runs} == {"relu", "tanh"}
    for run in runs:
        assert run.info.status == "FINISHED"
        assert (unrecorded / "runs" / run.data.tags["fingerprint"] / "model.npz").exists()
    assert not list((unrecorded / ".dvc/tmp/exps").glob("*/mlflow.db"))
