"""`python -m src.show` as users type it: a data set, and a model, in words, as JSON and in pictures."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from src.data.sources import SOURCES
from tests.conftest import Shell
from tests.helpers.commands import trained
from tests.helpers.refusals import assert_rejected

pytestmark = pytest.mark.usefixtures("furnished")
HEAVY = "{'mlflow', 'matplotlib', 'sklearn', 'scipy', 'PIL', 'plotly', 'pandas'}"


def shown(shell: Shell, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = shell("python", "-m", "src.show", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_data_are_shown_in_words_as_json_and_in_pictures(checkout: Path, shell: Shell, digits_folder: Path) -> None:
    raw = SOURCES["digits"].read(digits_folder / "data/raw/digits")
    text = shown(shell, "data=digits", "index=4", "part=test").stdout
    assert text.startswith("data=digits: 1,797 examples, images of 8 x 8 pixels, 10 classes; source digits, ")
    assert "test example 4, label " in text
    found = json.loads(shown(shell, "data=digits", "--json").stdout)
    sets = found["sets"]
    assert sum(sum(one["class_counts"].values()) for one in sets.values()) == 1797
    assert [row["values"] for row in found["first_rows"]] == raw.x[:5].tolist()
    assert found["class_weights"]["3"] == 1 / sets["train"]["class_counts"]["3"]

    pictures = checkout / "seen" / "digits"
    assert shown(shell, "data=digits", "label=4", "--pictures", str(pictures)).stdout.endswith(f"{pictures}\n")
    assert names(pictures) == {f"{name}.png" for name in ("classes", "sheet", "samples", "versions", "means")}
    first = {name: (pictures / name).read_bytes() for name in names(pictures)}
    shown(shell, "data=digits", "label=5", "seed=1", "--pictures", str(pictures))
    changed = {name for name, content in first.items() if (pictures / name).read_bytes() != content}
    assert changed == {"sheet.png", "versions.png"}

    script = (
        "import sys; from src import show; sys.argv = ['show', 'data=digits']; show.main(); "
        f"print({HEAVY} & sys.modules.keys())"
    )
    assert shell("python", "-c", script).stdout.endswith("\nset()\n")
    for arguments, message in (
        (("data=digits", "index=99999"), "index=99999: must be >= 0 and <= "),
        (("data=digits", "label=x", "--pictures", "seen"), "label=x: no label of data=digits; allowed: 0, 1"),
        (("data=digits", "label=4"), "label=4: only for pictures of data, with --pictures FOLDER"),
        (("data=digits", "--pictures", "README.md"), "--pictures README.md: not a folder"),
        (("data=digits", "--pictures", "README.md/x"), "--pictures README.md/x: can't be made"),
    ):
        assert_rejected(shell("python", "-m", "src.show", *arguments), message)


def test_a_model_is_shown_with_an_example_upright_and_turned(checkout: Path, shell: Shell) -> None:
    folder = trained(
        shell, "tracking.figures=false", "experiment=digits", "model.hidden=[32]", "train.epochs=20", "tracking=off"
    )[0]
    name = str(folder)
    text = shown(shell, name).stdout
    assert "hidden 1  64 x 32" in text
    assert "2,410" in text  # 64 x 32 + 32 + 32 x 10 + 10
    found = json.loads(shown(shell, name, "index=5", "angle=180", "--json", "--pictures", "seen").stdout)
    assert names(checkout / "seen") == {"example.png"}
    example = found["example"]
    upright, turned = np.array(example["x"]).reshape(2, 8, 8)
    assert np.array_equal(turned, upright[::-1, ::-1])
    assert [one["input"] for one in example["predictions"]] == ["upright", "turned by 180 degrees"]
    np.save(checkout / "both.npy", np.stack([upright, turned]))
    predicted = shell("python", "-m", "src.predict", name, "both.npy", "--json")
    same = [one["probabilities"] for one in json.loads(predicted.stdout)]
    assert [one["probabilities"] for one in example["predictions"]] == same
    again = [json.loads(shown(shell, name, f"seed={seed}", "--json").stdout)["example"]["index"] for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]
    for arguments, message in (
        (("index=359",), "index=359: must be >= 0 and <= 358; the test set has 359 examples"),
        (("angle=upside",), "angle=upside: must be a finite number or null"),
        (("label=4",), "label=4: only for pictures of data"),
        (("data=spiral",), "data=spiral: its examples do not fit the model, which takes pictures of a digit"),
    ):
        assert_rejected(shell("python", "-m", "src.show", name, *arguments), message)


def test_an_example_of_points_has_the_values_of_its_source(shell: Shell) -> None:
    overrides = ("experiment=spiral_adam", "train.epochs=2", "tracking=off", "tracking.figures=false")
    name = str(trained(shell, *overrides)[0])
    assert "0.44688413, -0.07360876" in shown(shell, name, "part=train", "index=0").stdout
    for arguments in (("angle=90",), ("--pictures", "seen")):
        assert_rejected(shell("python", "-m", "src.show", name, *arguments), "examples of spiral are not images")
