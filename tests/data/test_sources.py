"""Every source gives what it announces; generated ones are what their digests say, and follow their formulas."""

import functools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from sklearn import datasets

from src.data import generated
from src.data.generated import ARMS, BLOBS, DIGESTS, GENERATED
from src.data.raw import Raw
from src.data.recipe import Recipe
from src.data.sources import SOURCES
from src.data.splits import Split
from src.foundation.errors import RunFailed, UserError
from tests.helpers.refusals import refusal

PLANAR = [name for name, source in GENERATED.items() if source.features]


@functools.cache
def raw(name: str, seed: int | None = None) -> Raw:
    arrays = MAKERS[name](GENERATED[name].seed or 0 if seed is None else seed)
    x, *indices = (array.astype(np.int64 if k else np.float64) for k, array in enumerate(arrays))
    return Raw(x, *indices)


MAKERS = {"digits": generated.digits, "spiral": generated.spiral, "xor": generated.xor, "noise": generated.noise}


def fetched(name: str, folder: Path, mirror: Path) -> Path:
    SOURCES[name].fetch(folder, mirror if name == "mnist" else None)
    return folder


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_what_it_announces(name: str, mirror: Path, tmp_path: Path) -> None:
    source = SOURCES[name]
    x, y, group, *_ = source.read(fetched(name, tmp_path / "raw", mirror))
    assert x.dtype in (np.uint8, np.float64)
    assert y.dtype == np.int64
    assert len(x) == len(y)
    assert source.image is None or x.shape[1] == math.prod(source.image)
    assert source.largest is None or (x.min() >= 0 and x.max() == source.largest)
    assert set(y.tolist()) == set(range(len(source.labels)))
    assert source.features is None or x.shape[1] == len(set(source.features))
    assert source.published_test in (0, 10_000)
    assert (group is None) == (source.groups == ())
    if name in MAKERS:
        made = raw(name)
        for read, expected in zip((x, y, group), (made.x, made.y, made.group), strict=True):
            np.testing.assert_array_equal(read, expected)
    if group is not None:
        assert group.dtype == np.int64
        assert set(group.tolist()) == set(range(len(set(source.groups))))
        assert all(len(set(y[group == k])) == 1 for k in range(len(source.groups)))  # a group is inside one class


@pytest.mark.parametrize("name", SOURCES)
def test_damage_is_detected_and_repaired(name: str, mirror: Path, tmp_path: Path) -> None:
    raw = fetched(name, tmp_path / "raw", mirror)
    for path in sorted(raw.iterdir()):
        whole = path.read_bytes()
        for damaged in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-1], b""):
            path.write_bytes(damaged)
            assert re.search(rf"{path.name} is damaged.*src\.fetch", refusal(SOURCES[name].read, raw))
            fetched(name, raw, mirror)
            assert path.read_bytes() == whole
        path.unlink()
        assert re.search(rf"{path.name} does not exist.*src\.fetch", refusal(SOURCES[name].read, raw))
        fetched(name, raw, mirror)


@pytest.mark.parametrize("name", GENERATED)
class TestEveryGeneratedSource:
    def test_repeats_itself_and_keeps_valid_files(self, name: str, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            GENERATED[name].fetch(tmp_path / folder, None)
        one, two = ({path.name: path.read_bytes() for path in (tmp_path / f).iterdir()} for f in ("one", "two"))
        assert one == two
        assert one.keys() == DIGESTS[name].keys()
        before = {path: path.stat().st_ino for path in (tmp_path / "one").iterdir()}
        GENERATED[name].fetch(tmp_path / "one", None)
        assert {path: path.stat().st_ino for path in (tmp_path / "one").iterdir()} == before

    def test_has_no_mirror(self, name: str) -> None:
        with pytest.raises(UserError, match=rf"data\.mirror=/some/where: data\.source={name} has no mirrors"):
            Recipe(name, name, Split(0.6, 0.2, 0.2), mirror="/some/where")

    def test_rejects_data_of_another_library_version(self, name: str, tmp_path: Path) -> None:
        x, *indices = MAKERS[name](GENERATED[name].seed or 0)
        source = generated.generated(
            name, "NumPy", lambda seed: (np.roll(x, 1), *indices), DIGESTS[name], image=None, largest=None, labels=()
        )
        with pytest.raises(RunFailed, match=rf"x\.npy: the installed NumPy generates {name} data that differ"):
            source.fetch(tmp_path / "raw", None)
        assert not (tmp_path / "raw").exists()


def test_digits_are_those_of_scikit_learn() -> None:
    x, y = datasets.load_digits(return_X_y=True)
    np.testing.assert_array_equal(raw("digits").x, x)
    np.testing.assert_array_equal(raw("digits").y, y)


@pytest.mark.parametrize("name", PLANAR)
def test_features_in_the_plane_have_the_names_of_their_axes(name: str) -> None:
    assert GENERATED[name].features == ("X1", "X2")
    assert GENERATED[name].labels == (("0", "1") if name == "xor" else ("c1", "c2", "c3"))


@pytest.mark.parametrize("name", PLANAR)
def test_another_seed_gives_other_points_and_needs_no_file(name: str, tmp_path: Path) -> None:
    source = GENERATED[name]
    one, same, other = (source.examples(tmp_path, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.x, same.x)
    assert (one.x == other.x).all(axis=1).mean() < 0.01  # the arms of a spiral start at one point
    np.testing.assert_array_equal(one.y, other.y)
    assert "src.fetch" in refusal(source.examples, tmp_path, source.seed or 0)
    source.fetch(tmp_path, None)
    np.testing.assert_array_equal(source.examples(tmp_path, source.seed or 0).x, raw(name).x)


SEEDS = [None, 0, 1, 2**32 - 1]  # None: that of the source's files


@pytest.mark.parametrize("seed", SEEDS)
def test_the_spiral_is_what_a_program_in_numpy_draws(seed: int | None) -> None:
    random, r, arms = np.random.RandomState(1234 if seed is None else seed), np.linspace(0, 1, 500), []
    for arm in range(3):
        t = np.linspace(4 * arm, 4 * arm + 4, 500) + random.randn(500) * 0.2
        arms.append(np.stack([r * np.sin(t), r * np.cos(t)], axis=1))
    np.testing.assert_allclose(raw("spiral", seed).x, np.concatenate(arms), rtol=0, atol=2.0**-40)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_points_of_xor_are_what_a_program_in_numpy_draws(seed: int | None) -> None:
    random, points, names = np.random.RandomState(4128 if seed is None else seed), ([], []), ([], [])
    for _ in range(50):
        for label in (0, 1):
            first, second = (name for name, (of, _) in BLOBS.items() if of == str(label))
            blob = first if random.uniform(0, 1, 1) > 0.5 else second
            points[label].append([random.normal(coordinate, 0.2, 1)[0] for coordinate in BLOBS[blob][1]])
            names[label].append([*BLOBS].index(blob))
    x, _, group, *_ = raw("xor", seed)
    np.testing.assert_allclose(x, np.concatenate(points), rtol=0, atol=2.0**-40)
    np.testing.assert_array_equal(group, np.concatenate(names))


@given(t=arrays.arrays(np.float64, 20, elements=st.floats(-30, 30)))
def test_sines_and_cosines_are_accurate(t: np.ndarray) -> None:
    for own, library in zip(generated._sine_and_cosine(t), (np.sin(t), np.cos(t)), strict=True):
        np.testing.assert_allclose(own, library, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("label", "start"), [("c1", 0), ("c2", 8), ("c3", 4)])
def test_each_arm_of_the_spiral_follows_its_formula(label: str, start: float) -> None:
    assert GENERATED["spiral"].labels == ("c1", "c2", "c3")
    assert ARMS == ("c1", "c3", "c2")
    x, y = raw("spiral").x[raw("spiral").y == GENERATED["spiral"].labels.index(label)].T
    r = np.hypot(x, y)
    np.testing.assert_allclose(r, np.linspace(0, 1, 500), atol=1e-14)
    turned = np.arctan2(x, y)[1:] - 4 * r[1:] - start  # x = r sin t, y = r cos t
    noise = (turned + np.pi) % (2 * np.pi) - np.pi
    assert stats.kstest(noise / 0.2, "norm").pvalue > 0.01
    assert noise.std() == pytest.approx(0.2, rel=0.1)


def test_the_arms_differ_in_their_noise() -> None:
    x, y, *_ = raw("spiral")
    angles = [np.arctan2(*x[y == k][1:].T) - start for k, start in enumerate((0, 8, 4))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(np.sin((angles[one] - angles[other]) / 2)).max() > 0.1


@pytest.mark.parametrize("group", BLOBS)
def test_each_blob_of_the_xor_is_where_its_name_says(group: str) -> None:
    x, y, groups, *_ = raw("xor")
    assert np.bincount(y).tolist() == [50, 50]
    assert GENERATED["xor"].groups == ("upper_left", "lower_right", "lower_left", "upper_right")
    here = groups == GENERATED["xor"].groups.index(group)
    assert stats.binomtest(int(here.sum()), 50).pvalue > 0.01
    vertical, horizontal = group.split("_")
    center = np.array([{"left": -1, "right": 1}[horizontal], {"lower": -1, "upper": 1}[vertical]])
    assert set(y[here]) == {int(center.prod() > 0)}  # class 1 where both coordinates have one sign
    np.testing.assert_array_equal(np.sign(x[here]), np.broadcast_to(center, x[here].shape))
    assert stats.kstest(((x[here] - center) / 0.2).ravel(), "norm").pvalue > 0.01


def test_noise_is_uniform_whatever_the_label() -> None:
    x, y, *_ = raw("noise")
    assert np.bincount(y).tolist() == [50, 50, 50]
    assert x.min() >= 0
    assert x.max() < 1
    assert all(stats.kstest(column, "uniform").pvalue > 0.01 for k in range(3) for column in x[y == k].T)
