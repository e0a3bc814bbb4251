import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from src.data import mnist, recipes
from src.data.dataset import PARTS, open_dataset
from src.data.recipes import STAGES, Recipe, Split, make, prepare
from src.data.scaling import SCALINGS, fit
from src.data.sources import SOURCES
from src.data.splits import open_split
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT
from tests.helpers.refusals import refusal

DIGITS = Recipe(name="digits", source="digits", split=Split(0.7, 0.1, 0.2))


def stages(recipe: Recipe, root: Path) -> Path:
    make(recipe, *STAGES, root=root)
    return root / "data" / "normalized" / recipe.name


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["mnist", "a", "my-recipe_2.1", "7", "x" * 100])
def test_a_name_of_a_folder_is_accepted(name: str) -> None:
    assert dataclasses.replace(DIGITS, name=name).name == name


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../up", "a b", "a\n", "é", "x" * 101, "a\\b", "~"])
def test_a_name_that_leads_elsewhere_is_rejected(name: str) -> None:
    assert "data.name=" in refusal(dataclasses.replace, DIGITS, name=name)


def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = files(stages(DIGITS, tmp_path / "1")), files(stages(DIGITS, tmp_path / "2"))
    assert first == second
    assert sorted(first) == sorted([f"{axis}_{part}.npy" for axis in "xy" for part in PARTS] + ["dataset.json"])
    assert str(tmp_path).encode() not in first["dataset.json"]


def test_every_semantic_field_changes_the_digest(tmp_path: Path) -> None:
    splits: list[dict[str, Any]] = [{"split": split} for split in (Split(0.6, 0.2, 0.2), Split(0.7, 0.1, 0.2, False))]
    changes = [{}, *splits, {"seed": 1}, {"scaling": "unit"}, {"dtype": "float64"}]
    digests = {open_dataset(stages(dataclasses.replace(DIGITS, **change), tmp_path)).sha256 for change in changes}
    assert len(digests) == len(changes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_part_is_scaled_as_fitted_on_the_training_set(tmp_path: Path, scaling: str, dtype: str) -> None:
    dataset = open_dataset(stages(dataclasses.replace(DIGITS, scaling=scaling, dtype=dtype), tmp_path))
    raw = SOURCES["digits"].read(tmp_path / "data" / "raw" / "digits")
    _, rows = open_split(tmp_path / "data" / "split" / "digits")
    assert dataset.scaling == fit(scaling, raw.x, rows["train"], 16)
    assert dataset.image == (8, 8)
    center, scale = (np.array(dataset.scaling[key]) for key in ("center", "scale"))
    for part in PARTS:
        x, y, _ = getattr(dataset, part)
        assert x.dtype == dtype
        np.testing.assert_array_equal(x, ((raw.x[rows[part]] - center) / scale).astype(dtype))
        np.testing.assert_array_equal(y, raw.y[rows[part]])


def test_mnist_goes_through_all_stages_and_its_mirror_is_not_stored(mirror: Path, tmp_path: Path) -> None:
    recipe = Recipe("mnist", "mnist", Split(30, 10, 10), mirror=str(mirror))
    dataset = open_dataset(stages(recipe, tmp_path))
    assert dataset.image == (28, 28)
    assert [len(getattr(dataset, part).y) for part in PARTS] == [30, 10, 10]
    assert np.bincount(dataset.test.y).tolist() == [1] * 10
    assert abs(dataset.train.x.mean(dtype=np.float64)) < 1e-6
    split = {"train": 30, "valid": 10, "test": 10, "stratify": True}
    stored = {"name": "mnist", "source": "mnist", "split": split, "scaling": "standard", "seed": 0}
    assert json.loads((stages(recipe, tmp_path) / "dataset.json").read_text())["recipe"] == stored
    assert prepare(dataclasses.replace(recipe, mirror=None), tmp_path).recipe == stored
    with pytest.raises(UserError, match="no such folder"):
        prepare(dataclasses.replace(recipe, mirror=str(tmp_path / "nowhere")), tmp_path)


def test_a_later_field_is_stored_unless_it_has_its_default_so_older_arrays_stay_valid(tmp_path: Path) -> None:
    split = {"train": 0.7, "valid": 0.1, "test": 0.2, "stratify": True}
    old = {"name": "digits", "source": "digits", "split": split, "scaling": "standard", "seed": 0}
    assert open_dataset(stages(DIGITS, tmp_path)).recipe == old
    made_by, _ = open_split(tmp_path / "data" / "split" / "digits")
    assert made_by == {"source": "digits", "split": split, "seed": 0}
    wide = dataclasses.replace(DIGITS, dtype="float64")
    assert "(data.dtype=float32 there, float64 here)" in refusal(prepare, wide, tmp_path)
    assert open_dataset(stages(wide, tmp_path)).recipe == old | {"dtype": "float64"}


def test_an_outdated_split_is_not_normalized_and_a_stage_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages(DIGITS, tmp_path)
    before = files(tmp_path)
    for change, difference in (
        ({"seed": 1}, "data.seed=0 there, 1 here"),
        ({"split": Split(0.7, 0.1, 0.2, stratify=False)}, "data.split.stratify=true there, false here"),
    ):
        message = refusal(make, dataclasses.replace(DIGITS, **change), "normalize", root=tmp_path)
        assert re.search(rf"{difference}.*src\.split", message)
    monkeypatch.setattr(recipes, "scaled", Mock(side_effect=OSError(28, "no space left")))
    with pytest.raises(OSError, match="no space left"):
        make(DIGITS, "normalize", root=tmp_path)
    assert files(tmp_path) == before


def test_a_stage_without_its_input_names_the_stage_to_run(tmp_path: Path) -> None:
    assert "src.fetch" in refusal(make, DIGITS, "split", root=tmp_path)
    make(DIGITS, "fetch", root=tmp_path)
    assert "src.split" in refusal(make, DIGITS, "normalize", root=tmp_path)


def test_prepare_makes_missing_arrays_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = prepare(DIGITS, tmp_path)
    assert str(tmp_path / "data" / "normalized" / "digits") in capsys.readouterr().err
    assert (tmp_path / "runs" / ".locks" / "data-digits.lock").exists()
    assert dataset.sha256 == open_dataset(stages(DIGITS, tmp_path / "stages")).sha256
    monkeypatch.setattr(recipes, "STAGES", {"none": None})
    assert len(prepare(DIGITS, tmp_path).train.x) == 1258
    assert capsys.readouterr().err == ""


def test_prepare_rejects_arrays_of_another_recipe_and_damaged_ones(tmp_path: Path) -> None:
    path = stages(DIGITS, tmp_path) / "x_test.npy"
    before = files(tmp_path)
    asked = dataclasses.replace(DIGITS, seed=3, scaling="unit", split=Split(0.6, 0.1, 0.2))
    message = refusal(prepare, asked, tmp_path)
    assert "data.scaling=standard there, unit here; data.seed=0 there, 3 here; data.split.train=0.7 there" in message
    assert "data.split.valid" not in message
    assert "choose another data.name, such as data.name=digits_2, or " in message
    assert files(tmp_path) == before
    path.write_bytes(path.read_bytes()[:-1])
    assert "x_test.npy is damaged" in refusal(prepare, DIGITS, tmp_path)


def test_prepare_that_cannot_fetch_leaves_no_arrays(published: dict[str, bytes], tmp_path: Path) -> None:
    assert mnist.PLACES == {}
    with pytest.raises(RunFailed, match=r"data\.mirror="):
        prepare(Recipe("mnist", "mnist", Split(30, 10, 10)), tmp_path)
    assert not (tmp_path / "data").exists()


def test_processes_that_prepare_at_once_get_one_result(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from src.data.recipes import Recipe, Split, prepare\n"
        "print(*{'sklearn', 'pooch', 'requests', 'filelock'} & set(sys.modules))\n"  # imported when needed
        "recipe = Recipe('digits', 'digits', Split(0.7, 0.1, 0.2))\n"
        "print(prepare(recipe, Path(sys.argv[1])).sha256)"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ended = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ended
    [out] = {out for out, _ in ended}
    assert out.startswith("\n")
    assert sum("preparing data digits" in err for _, err in ended) == 1
    assert [path.name for path in (tmp_path / "data" / "normalized").iterdir()] == ["digits"]
