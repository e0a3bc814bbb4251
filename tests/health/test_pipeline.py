"""The pipeline's files: data that do not verify are made again; a model or params.yaml is reported, not rewritten."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src.check import check
from src.compose import snapshot
from src.config.tree import yaml_text
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.foundation.locks import locked
from src.health.pipeline import damaged_data, damaged_model, other_environment, stale_snapshot
from src.runs.fingerprint import environment
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.health.mending import flip, mend
from tests.helpers.composing import Small, compose


@pytest.fixture
def root(digits_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits_folder, tmp_path / "root"))


@pytest.mark.parametrize(
    "name", ["normalized/digits/x_train.npy", "normalized/digits/dataset.json", "split/digits/valid.npy"]
)
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_damaged_arrays_and_splits_are_removed_and_made_again(
    root: Path, name: str, damage: Callable[[Path], None]
) -> None:
    assert not list(damaged_data(root))
    file, others = root / "data" / name, set((root / "data").glob("*/digits"))
    whole = file.read_bytes()
    damage(file)
    [found_before] = damaged_data(root)
    assert found_before.mend is not None
    file.write_bytes(whole)  # made again in the meantime, and so kept
    found_before.mend()
    assert file.read_bytes() == whole
    damage(file)
    with locked(root / ".dvc/tmp/lock", str):  # DVC may be putting files in place
        assert not list(damaged_data(root))
    finding = mend(damaged_data, root)
    assert "Delete" not in finding.what
    assert set((root / "data").glob("*/digits")) == others - {file.parent}
    assert finding.where == file.parent
    shutil.rmtree(root / "data/normalized/digits", ignore_errors=True)  # without arrays, a split is needed, too
    prepare(compose(["data=digits"]).data, root)
    assert file.read_bytes() == whole
    assert not list(damaged_data(root))


def test_a_recipe_that_cannot_be_read_hides_nothing_else(root: Path) -> None:
    (root / "conf/data").mkdir(parents=True)
    (root / "conf/data/broken.yaml").write_text("source: {\n")
    flip(root / "data/raw/digits/x.npy")
    assert len(list(damaged_data(root))) == 1


def test_damaged_raw_files_are_for_the_stage_that_fetches_them(root: Path) -> None:
    flip(root / "data/raw/digits/x.npy")
    [finding] = damaged_data(root)
    assert finding.mend is None
    assert "src.fetch" in finding.advice
    assert "`" not in finding.what


def test_a_stale_or_damaged_snapshot_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    composed = snapshot([])
    file.write_text(composed)
    assert not list(stale_snapshot(tmp_path))
    digest = next(line for line in composed.splitlines() if line.startswith("conf_digest"))
    for text in (composed.replace(digest, "conf_digest: abc"), composed[: len(composed) // 2], "", "[", "\0"):
        file.write_text(text)
        [finding] = stale_snapshot(tmp_path)
        assert finding.mend is None
        assert "src.compose" in finding.advice
        assert "src.compose" not in finding.what
        assert file.read_text() == text
    file.unlink()
    assert list(stale_snapshot(tmp_path))


def test_a_damaged_model_is_reported(home: Path, small: Small, digits: Dataset) -> None:
    outcome = run(small(), digits, Tracker())
    model = home / "models/model.npz"
    model.parent.mkdir()
    shutil.copy(outcome.folder.path / "model.npz", model)
    assert not list(damaged_model(home))
    model.write_bytes(model.read_bytes()[:-1])
    assert [finding.mend for finding in damaged_model(home)] == [None]
    model.unlink()
    assert not list(damaged_model(home))


@pytest.mark.parametrize("arithmetic", ["native", "portable"])
def test_a_native_model_of_another_environment_is_reported_where_dvc_sees_no_change(
    arithmetic: str,
    home: Path,
    small: Small,
    digits: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = small(f"train.arithmetic={arithmetic}")
    model = home / "models/model.npz"
    model.parent.mkdir()
    shutil.copy(run(config, digits, Tracker()).folder.path / "model.npz", model)
    (home / "params.yaml").write_text(yaml_text(config.plain()))
    assert not list(other_environment(home))
    monkeypatch.setattr("src.health.pipeline.environment", lambda threads: environment(threads) | {"numpy": "1.0.0"})
    found = list(other_environment(home))
    assert [finding.mend for finding in found] == ([None] if arithmetic == "native" else [])
    assert all(f"numpy {np.__version__}, here 1.0.0" in finding.what for finding in found)
    assert all("`dvc repro -f train`" in finding.advice for finding in found)
    monkeypatch.setattr("src.check.ROOT", home)
    monkeypatch.setattr("src.check.CHECKED", home / "params.checked")
    check(config)
    assert capsys.readouterr().err.count("warning: model.npz: trained natively with numpy") == len(found)
    (home / "params.yaml").write_text(yaml_text(small("train.arithmetic=native", "seed=5").plain()))
    assert not list(other_environment(home))  # DVC trains it again
