"""Data that do not verify are found; arrays and splits are made again, and are the same."""

import shutil
from pathlib import Path

import pytest

from src.data.recipes import prepare
from src.health.data import damaged_data
from tests.health.processes import holding
from tests.helpers.composing import compose


@pytest.fixture
def root(digits_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(digits_folder, tmp_path / "root"))


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_whole_data_are_in_order(root: Path) -> None:
    assert not list(damaged_data(root))


@pytest.mark.parametrize("name", ["normalized/digits/x_train.npy", "normalized/digits/dataset.json"])
def test_damaged_arrays_are_removed_and_made_again(root: Path, name: str) -> None:
    whole = (root / "data" / name).read_bytes()
    flip(root / "data" / name)
    [finding] = damaged_data(root)
    assert finding.where == (root / "data" / name).parent
    assert "Delete" not in finding.what
    assert finding.mend is not None
    finding.mend()
    assert not finding.where.exists()
    prepare(compose(["data=digits"]).data, root)
    assert (root / "data" / name).read_bytes() == whole
    assert not list(damaged_data(root))


def test_a_damaged_split_is_removed(root: Path) -> None:
    flip(root / "data/split/digits/valid.npy")
    [finding] = damaged_data(root)
    assert finding.mend is not None
    finding.mend()
    assert not (root / "data/split/digits").exists()
    assert (root / "data/normalized/digits").exists()


def test_what_was_made_again_meanwhile_is_not_removed(root: Path) -> None:
    file = root / "data/normalized/digits/y_test.npy"
    flip(file)
    [finding] = damaged_data(root)
    flip(file)
    assert finding.mend is not None
    finding.mend()
    assert file.exists()


def test_damaged_raw_files_are_for_the_stage_that_fetches_them(root: Path) -> None:
    flip(root / "data/raw/digits/x.npy")
    [finding] = damaged_data(root)
    assert finding.mend is None
    assert "src.fetch" in finding.advice
    assert "`" not in finding.what


def test_data_are_left_alone_while_dvc_puts_files_in_place(root: Path) -> None:
    flip(root / "data/normalized/digits/x_train.npy")
    with holding(root / ".dvc/tmp/lock"):
        assert not list(damaged_data(root))
