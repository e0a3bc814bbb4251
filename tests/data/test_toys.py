from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

from src.data.toys import DIGITS_FILES, fetch_digits, read_digits
from src.errors import RunFailed, UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fetch_digits(tmp_path / "digits", None)
    return tmp_path / "digits"


def test_digits_are_those_of_scikit_learn(folder: Path) -> None:
    x, y = datasets.load_digits(return_X_y=True)
    raw = read_digits(folder)
    assert (raw.x.dtype, raw.y.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(raw.x, x)
    np.testing.assert_array_equal(raw.y, y)


def test_what_is_in_place_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(datasets, "load_digits")
    fetch_digits(folder, None)


@pytest.mark.parametrize("name", DIGITS_FILES)
def test_damage_is_seen_and_mended(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-1] + b"\xff")
    with pytest.raises(UserError, match=f"{name} is damaged.*src.fetch"):
        read_digits(folder)
    fetch_digits(folder, None)
    assert (folder / name).read_bytes() == whole


def test_other_digits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load_digits", lambda return_X_y: (np.zeros((1797, 64)), np.zeros(1797)))
    with pytest.raises(RunFailed, match=r"x\.npy"):
        fetch_digits(tmp_path, None)


def test_a_mirror_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.mirror=/some/where"):
        fetch_digits(tmp_path, Path("/some/where"))
