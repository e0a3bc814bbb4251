"""The sources that are made on the spot: each is what its digests say, or is refused."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from src.data import digits, planar
from src.data.generated import toy
from src.data.raw import Source
from src.data.sources import SOURCES
from src.foundation.errors import RunFailed, UserError

TOYS = {name: source for name, source in SOURCES.items() if name != "mnist"}
FILES = [("digits", name) for name in digits.DIGESTS]
FILES += [(source, name) for source, digests in planar.DIGESTS.items() for name in digests]


@pytest.fixture
def fetched(tmp_path: Path) -> Callable[[str], Path]:
    def fetch(name: str) -> Path:
        TOYS[name].fetch(tmp_path / name, None)
        return tmp_path / name

    return fetch


def test_each_toy_is_tried() -> None:
    assert {source for source, _ in FILES} == set(TOYS)


@pytest.mark.parametrize("name", TOYS)
def test_two_machines_make_the_same_files(name: str, fetched: Callable[[str], Path], tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in fetched(name).iterdir()}
    TOYS[name].fetch(tmp_path / "again", None)
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first
    assert set(first) == {file for source, file in FILES if source == name}


@pytest.mark.parametrize("name", TOYS)
def test_what_is_in_place_is_kept(name: str, fetched: Callable[[str], Path]) -> None:
    folder = fetched(name)
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    TOYS[name].fetch(folder, None)
    assert {path: path.stat().st_ino for path in folder.iterdir()} == before


@pytest.mark.parametrize(("name", "file"), FILES)
def test_damage_is_seen_and_mended(name: str, file: str, fetched: Callable[[str], Path]) -> None:
    path = fetched(name) / file
    whole = path.read_bytes()
    for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-1], b""):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=f"{file} is damaged.*src.fetch"):
            TOYS[name].read(path.parent)
        TOYS[name].fetch(path.parent, None)
        assert path.read_bytes() == whole
    path.unlink()
    with pytest.raises(UserError, match=f"{file} does not exist.*src.fetch"):
        TOYS[name].read(path.parent)


@pytest.mark.parametrize(("module", "made"), [(digits, "make"), (planar, "make_spiral")])
def test_other_data_than_the_known_ones_are_refused_and_not_written(
    module: ModuleType, made: str, tmp_path: Path
) -> None:
    def altered() -> tuple[Any, ...]:
        x, *others = getattr(module, made)()
        return (np.roll(x, 1), *others)

    digests = digits.DIGESTS if module is digits else planar.DIGESTS["spiral"]
    source: Source = toy("toy", "NumPy", altered, digests, image=None, largest=None, labels=())
    with pytest.raises(RunFailed, match=r"x\.npy: the installed NumPy generates toy data other"):
        source.fetch(tmp_path / "toy", None)
    assert not (tmp_path / "toy").exists()


@pytest.mark.parametrize("name", TOYS)
def test_a_mirror_is_not_passed_over(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=rf"data\.mirror=/some/where: data\.source={name} .* needs no mirror"
    ) as refused:
        TOYS[name].fetch(tmp_path / "raw", Path("/some/where"))
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "raw").exists()
