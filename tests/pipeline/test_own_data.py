"""Data of one's own, from the file to a model that is studied, replayed and asked, with real commands."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs.make_tables import write
from tests.conftest import Shell
from tests.helpers.checkouts import edit
from tests.helpers.commands import trained
from tests.helpers.refusals import assert_rejected

pytestmark = pytest.mark.slow


def done(shell: Shell, *command: str) -> str:
    ran = shell(*command)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_table_gets_what_mnist_gets(checkout: Path, shell: Shell, empty_store: Path, tmp_path: Path) -> None:
    shutil.copy(empty_store, checkout / "mlflow.db")
    write(tmp_path)
    table = tmp_path / "iris.csv"
    told = done(shell, "python", "-m", "src.add", "data", "iris", str(table), "--label", "class")
    assert "classes   setosa 50, versicolor 50, virginica 50" in told
    folder, _ = trained(shell, "experiment=iris", "tracking=off")
    assert json.loads((folder / "result.json").read_text())["test"]["accuracy"] > 0.9

    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "new.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*reversed(rows[0])], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    new = str(tmp_path / "new.csv")
    predicted = json.loads(done(shell, "python", "-m", "src.predict", folder.name, new, "--json"))
    right = [one["label"] == row["class"] for one, row in zip(predicted, rows, strict=True)]
    assert np.mean(right) > 0.9
    assert f"accuracy {np.mean(right):.2%}" in done(shell, "python", "-m", "src.score", folder.name, new)
    small = ("experiment=iris", "train.epochs=1", "tracking=off")
    assert "index.html" in done(shell, "python", "-m", "src.ablation", "ablation=one_factor", *small, "seed=0")
    assert "bit-identical" in done(shell, "python", "-m", "src.replay", folder.name)

    edit(table, ("5.1,", "5.2,"))
    assert_rejected(shell("python", "-m", "src.fetch", "data=iris"), "python -m src.add data iris --update")
    assert "; changed" in done(shell, "python", "-m", "src.add", "data", "iris", "--update")


def test_the_pipeline_runs_on_pictures(checkout: Path, shell: Shell, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for k in range(80):
        path = tmp_path / "pets" / ("dark", "light")[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(128 * (k % 2), 128 * (k % 2) + 100, (6, 5)).astype(np.uint8)).save(path)
    done(shell, "python", "-m", "src.add", "data", "pets", str(tmp_path / "pets"))
    done(shell, "git", "add", "-N", "conf")
    done(shell, "dvc", "exp", "run", "-S", "experiment=pets", "-S", "tracking=off")
    assert json.loads((checkout / "metrics/test.json").read_text())["accuracy"] == 1
    predicted = done(shell, "python", "-m", "src.predict", "models/model.npz", str(tmp_path / "pets/dark/0.png"))
    assert predicted.split("\n")[2].split()[1] == "dark"
