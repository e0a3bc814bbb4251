"""`python -m src.score` as users type it."""

import json
import shutil
from pathlib import Path

from tests.conftest import Shell
from tests.helpers.commands import trained
from tests.helpers.refusals import assert_rejected

SCORE = ("python", "-m", "src.score")


def test_a_model_is_scored_on_its_own_data_and_on_others(checkout: Path, shell: Shell, digits_folder: Path) -> None:
    shutil.copytree(digits_folder / "data", checkout / "data", dirs_exist_ok=True)
    settings = ("tracking.figures=false", "experiment=digits", "model.hidden=[16]", "train.epochs=5", "tracking=off")
    folder = trained(shell, *settings)[0]
    done = shell(*SCORE, str(folder), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["part"] == "test"
    assert not found["rescaled"]
    assert found.items() >= json.loads((folder / "test.json").read_text()).items()
    assert sum(map(sum, found["confusion"])) == found["overall"]["num_samples"]
    assert [str(k) for k in range(10)] == found["labels"]

    raw = shell(*SCORE, folder.name[:12], "data=digits_raw", "part=valid")
    assert raw.returncode == 0, raw.stderr
    assert " on data=digits_raw, validation set: " in raw.stdout
    assert ", scaled as the model expects\naccuracy " in raw.stdout
    assert "\npredicted (columns) for each class (rows):\n" in raw.stdout

    # Without MLflow, or drawing.
    script = (
        "import sys; from src import score; sys.argv = ['score', sys.argv[1]]; score.main(); "
        "print({'mlflow', 'matplotlib', 'hydra', 'plotly'} & sys.modules.keys())"
    )
    assert shell("python", "-c", script, str(folder)).stdout.endswith("set()\n")

    other = shell(*SCORE, str(folder), "data=digits", "data.seed=9")
    assert_rejected(other, "was made by another recipe")
