"""`python -m src.predict` as users type it: models by file, folder and id; points, tables, arrays and pictures."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from src.data.sources import SOURCES
from tests.conftest import Shell
from tests.helpers.commands import trained
from tests.helpers.refusals import assert_rejected
from tests.prediction.drawing import drawn, printed

pytestmark = pytest.mark.usefixtures("furnished")
PREDICT = ("python", "-m", "src.predict")


def predicted(shell: Shell, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = shell(*PREDICT, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done


@pytest.mark.slow
def test_a_new_point_is_predicted_by_whatever_names_the_run(checkout: Path, shell: Shell) -> None:
    folder, run_id = trained(shell, "tracking.figures=false", "experiment=spiral_adam")
    point = ("X2=0.1", "X1=0.1")
    outputs = {
        predicted(shell, name, *point).stdout
        for name in (str(folder), str(folder / "model.npz"), folder.name, folder.name[:10], run_id)
    }
    [output] = outputs
    assert re.search(r"^X2=0.1 X1=0.1 +c1 +\d\d\.\d\d% +c[23] +\d\.\d\d%$", output, re.M), output

    (checkout / "points.csv").write_text("X1,X2,color\n0.1,0.1,c1\n-0.5,0.2,c2\n")
    np.save(checkout / "points.npy", [[0.1, 0.1], [-0.5, 0.2]])
    found = json.loads(predicted(shell, str(folder), *point, "points.csv", "--json", "points.npy").stdout)
    assert [one["input"] for one in found[:3]] == ["X2=0.1 X1=0.1", "points.csv:2", "points.csv:3"]
    assert [one["input"] for one in found[3:]] == ["points.npy[0]", "points.npy[1]"]
    keys = ["input", "label", "probability", "runner_up", "runner_up_probability", "probabilities"]
    assert all(list(one) == keys for one in found)
    for one, other in ((0, 1), (1, 3), (2, 4)):
        assert found[one]["probabilities"] == pytest.approx(found[other]["probabilities"], rel=1e-5)

    shutil.rmtree(checkout / "runs")  # MLflow alone is enough
    assert predicted(shell, run_id[:8], *point).stdout == output
    assert not folder.exists()


def test_pictures_and_arrays_of_digits(checkout: Path, shell: Shell, digits_folder: Path) -> None:
    folder = trained(
        shell, "tracking.figures=false", "experiment=digits", "model.hidden=[32]", "train.epochs=20", "tracking=off"
    )[0]
    raw = SOURCES["digits"].read(digits_folder / "data/raw/digits")
    np.save(checkout / "digits.npy", raw.x[:50].reshape(-1, 8, 8))
    np.save(checkout / "inverted.npy", 16 - raw.x[:50])
    drawn(printed("0")).save(checkout / "zero.jpg")
    drawn(printed("1"), light_on_dark=True).save(checkout / "a one.png")
    found = json.loads(predicted(shell, str(folder), "digits.npy", "zero.jpg", "a one.png", "--json").stdout)
    right = np.mean([one["label"] == str(label) for one, label in zip(found[:50], raw.y[:50], strict=True)])
    assert right > 0.8
    assert [one["input"] for one in found[50:]] == ["zero.jpg", "a one.png"]
    assert found[50]["label"] == "0"

    # Without pictures, nothing heavy is imported.
    script = (
        "import sys; from src import predict; sys.argv = ['predict', sys.argv[1], 'digits.npy']; predict.main(); "
        "print({'mlflow', 'matplotlib', 'hydra', 'sklearn', 'scipy', 'PIL', 'plotly'} & sys.modules.keys())"
    )
    assert shell("python", "-c", script, str(folder)).stdout.endswith("set()\n")

    (checkout / "broken.png").write_bytes((checkout / "a one.png").read_bytes()[:-200])
    for arguments, message in (
        (("zero.jpg", "broken.png"), "broken.png: can't be read"),
        (("zero.jpg", "none.png"), "none.png: no such file"),
        (("zero.jpg", "X1=1"), "X1=1: the values of this model have no names"),
        (("inverted.npy",), "inverted.npy: it looks inverted"),
        ((), "takes pictures of a digit"),
    ):
        assert_rejected(shell(*PREDICT, str(folder), *arguments), message)
    assert len(json.loads(predicted(shell, str(folder), "inverted.npy", "--as-is", "--json").stdout)) == 50
