import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.data import mnist, recipes
from src.data.dataset import PARTS, open_dataset
from src.data.recipes import Recipe, Split, fetch, normalize, prepare, split
from src.data.scaling import SCALINGS, fit
from src.data.sources import SOURCES
from src.data.splits import open_split
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import ROOT
from tests.helpers.composing import compose

DIGITS = Recipe(name="digits", source="digits", split=Split(0.7, 0.1, 0.2))


def stages(recipe: Recipe, root: Path) -> Path:
    fetch(recipe, root)
    split(recipe, root)
    normalize(recipe, root)
    return root / "data" / "normalized" / recipe.name


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["mnist", "a", "my-recipe_2.1", "7", "x" * 100])
def test_names_of_folders_are_taken(name: str) -> None:
    assert dataclasses.replace(DIGITS, name=name).name == name


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../up", "a b", "a\n", "é", "x" * 101, "a\\b", "~"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"data\.name="):
        dataclasses.replace(DIGITS, name=name)


def test_the_same_recipe_makes_the_same_bytes_again(tmp_path: Path) -> None:
    first, second = files(stages(DIGITS, tmp_path / "1")), files(stages(DIGITS, tmp_path / "2"))
    assert first == second
    assert sorted(first) == sorted([f"{axis}_{part}.npy" for axis in "xy" for part in PARTS] + ["dataset.json"])
    assert str(tmp_path).encode() not in first["dataset.json"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"split": Split(0.6, 0.2, 0.2)},
        {"split": Split(0.7, 0.1, 0.2, False)},
        {"scaling": "unit"},
        {"dtype": "float64"},
    ],
    ids=str,
)
def test_every_semantic_field_changes_the_digest(tmp_path: Path, change: dict[str, Any]) -> None:
    other = dataclasses.replace(DIGITS, **change)
    digests = {open_dataset(stages(recipe, tmp_path)).sha256 for recipe in (DIGITS, other)}
    assert len(digests) == 2


@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_part_is_scaled_as_fitted_on_train(tmp_path: Path, scaling: str) -> None:
    recipe = dataclasses.replace(DIGITS, scaling=scaling)
    dataset = open_dataset(stages(recipe, tmp_path))
    raw = SOURCES["digits"].read(tmp_path / "data" / "raw" / "digits")
    _, rows = open_split(tmp_path / "data" / "split" / "digits")
    assert dataset.scaling == fit(scaling, raw.x, rows["train"], 16)
    assert dataset.image == (8, 8)
    for part in PARTS:
        x, y, _ = getattr(dataset, part)
        center, scale = (np.array(dataset.scaling[key]) for key in ("center", "scale"))
        np.testing.assert_array_equal(x, ((raw.x[rows[part]] - center) / scale).astype(np.float32))
        np.testing.assert_array_equal(y, raw.y[rows[part]])


def test_mnist_goes_through_all_stages(mirror: Path, tmp_path: Path) -> None:
    recipe = Recipe("mnist", "mnist", Split(30, 10, 10), mirror=str(mirror))
    dataset = open_dataset(stages(recipe, tmp_path))
    assert dataset.image == (28, 28)
    assert [len(getattr(dataset, part).y) for part in PARTS] == [30, 10, 10]
    assert np.bincount(dataset.test.y).tolist() == [1] * 10
    assert abs(dataset.train.x.mean(dtype=np.float64)) < 1e-6


def test_arrays_have_the_dtype_that_is_asked_for(tmp_path: Path) -> None:
    wide = open_dataset(stages(dataclasses.replace(DIGITS, name="wide", dtype="float64"), tmp_path))
    narrow = open_dataset(stages(DIGITS, tmp_path))
    raw = SOURCES["digits"].read(tmp_path / "data" / "raw" / "digits")
    _, rows = open_split(tmp_path / "data" / "split" / "digits")
    center, scale = wide.scaling["center"], wide.scaling["scale"]
    for part in PARTS:
        x, narrowed = getattr(wide, part).x, getattr(narrow, part).x
        assert (x.dtype, narrowed.dtype) == (np.float64, np.float32)
        np.testing.assert_array_equal(x, (raw.x[rows[part]] - center) / scale)
        np.testing.assert_array_equal(x.astype(np.float32), narrowed)


@pytest.mark.parametrize(
    "later", ["data.dtype=float16", "data.dtype=null", "data.dtype=64", "data.split.published_test=1"]
)
def test_values_that_the_later_fields_do_not_have_are_refused_by_their_key(later: str) -> None:
    with pytest.raises(UserError, match=later.partition("=")[0]):
        compose([later])


def test_later_fields_are_stored_where_they_are_not_at_their_defaults_so_that_older_arrays_stay_valid(
    tmp_path: Path,
) -> None:
    split_of_old = {"train": 0.7, "valid": 0.1, "test": 0.2, "stratify": True}
    old = {"name": "digits", "source": "digits", "split": split_of_old, "scaling": "standard", "seed": 0}
    assert open_dataset(stages(DIGITS, tmp_path)).recipe == old
    made_by, _ = open_split(tmp_path / "data" / "split" / "digits")
    assert made_by == {"source": "digits", "split": split_of_old, "seed": 0}
    assert open_dataset(stages(dataclasses.replace(DIGITS, dtype="float64"), tmp_path)).recipe == old | {
        "dtype": "float64"
    }


def test_a_later_field_that_differs_is_told_by_its_default(tmp_path: Path) -> None:
    stages(DIGITS, tmp_path)
    with pytest.raises(UserError, match=r"\(data\.dtype=float32 there, float64 here\)"):
        prepare(dataclasses.replace(DIGITS, dtype="float64"), tmp_path)


def test_the_mirror_is_no_part_of_what_is_stored(mirror: Path, tmp_path: Path) -> None:
    recipe = Recipe("mnist", "mnist", Split(30, 10, 10), mirror=str(mirror))
    stored = json.loads((stages(recipe, tmp_path) / "dataset.json").read_text())["recipe"]
    assert stored == {
        "name": "mnist",
        "source": "mnist",
        "split": {"train": 30, "valid": 10, "test": 10, "stratify": True},
        "scaling": "standard",
        "seed": 0,
    }
    assert prepare(dataclasses.replace(recipe, mirror=None), tmp_path).recipe == stored


def test_a_stale_split_is_not_normalized(tmp_path: Path) -> None:
    stages(DIGITS, tmp_path)
    before = files(tmp_path)
    with pytest.raises(UserError, match=r"data\.seed=0 there, 1 here.*src\.split"):
        normalize(dataclasses.replace(DIGITS, seed=1), tmp_path)
    with pytest.raises(UserError, match=r"data\.split\.stratify=true there, false here"):
        normalize(dataclasses.replace(DIGITS, split=Split(0.7, 0.1, 0.2, stratify=False)), tmp_path)
    assert files(tmp_path) == before


def test_a_stage_without_its_input_names_the_stage_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"src\.fetch"):
        split(DIGITS, tmp_path)
    fetch(DIGITS, tmp_path)
    with pytest.raises(UserError, match=r"src\.split"):
        normalize(DIGITS, tmp_path)


def test_a_stage_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages(DIGITS, tmp_path)
    before = files(tmp_path)

    def full(*given: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(recipes, "scaled", full)
    with pytest.raises(OSError, match="no space left"):
        normalize(DIGITS, tmp_path)
    assert files(tmp_path) == before


def test_prepare_makes_what_is_not_there_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = prepare(DIGITS, tmp_path)
    told = capsys.readouterr().err
    assert str(tmp_path / "data" / "normalized" / "digits") in told
    assert (tmp_path / "runs" / ".locks" / "data-digits.lock").exists()
    assert dataset.sha256 == open_dataset(stages(DIGITS, tmp_path / "stages")).sha256


def test_prepare_opens_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stages(DIGITS, tmp_path)
    for stage in ("fetch", "split", "normalize"):
        monkeypatch.delattr(recipes, stage)
    assert len(prepare(DIGITS, tmp_path).train.x) == 1258
    assert capsys.readouterr().err == ""


def test_prepare_refuses_arrays_of_another_recipe(tmp_path: Path) -> None:
    stages(DIGITS, tmp_path)
    before = files(tmp_path)
    asked = dataclasses.replace(DIGITS, seed=3, scaling="unit", split=Split(0.6, 0.1, 0.2))
    with pytest.raises(UserError) as refused:
        prepare(asked, tmp_path)
    message = str(refused.value)
    assert "data.scaling=standard there, unit here; data.seed=0 there, 3 here; data.split.train=0.7 there" in message
    assert "data.split.valid" not in message
    assert "choose another data.name" in message
    assert "\n" not in message
    assert files(tmp_path) == before


def test_prepare_refuses_damaged_arrays(tmp_path: Path) -> None:
    path = stages(DIGITS, tmp_path) / "x_test.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"x_test\.npy is damaged"):
        prepare(DIGITS, tmp_path)


def test_prepare_that_cannot_fetch_leaves_no_arrays(published: dict[str, bytes], tmp_path: Path) -> None:
    assert mnist.PLACES == {}
    with pytest.raises(RunFailed, match=r"data\.mirror="):
        prepare(Recipe("mnist", "mnist", Split(30, 10, 10)), tmp_path)
    assert not (tmp_path / "data").exists()


def test_processes_that_prepare_at_once_get_one_result(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from src.data.recipes import Recipe, Split, prepare\n"
        "recipe = Recipe('digits', 'digits', Split(0.7, 0.1, 0.2))\n"
        "print(prepare(recipe, Path(sys.argv[1])).sha256)"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(tmp_path)]
    started = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ended = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ended
    assert len({out for out, _ in ended}) == 1
    assert sum("preparing data digits" in err for _, err in ended) == 1
    assert [path.name for path in (tmp_path / "data" / "normalized").iterdir()] == ["digits"]


def test_the_import_is_light() -> None:
    program = "import sys, src.data.recipes; print(*{'sklearn', 'pooch', 'requests', 'filelock'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
