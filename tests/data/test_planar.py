"""The points lie where their formulas say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from src.data import planar
from src.data.planar import ARMS, BLOBS
from src.data.raw import GRID, Raw, Source

SOURCES = {"spiral": planar.SPIRAL, "xor": planar.XOR, "noise": planar.NOISE}
Read = Callable[[Source], Raw]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def fetched(source: Source) -> Raw:
        source.fetch(tmp_path, None)
        return source.read(tmp_path)

    return fetched


@pytest.mark.parametrize("name", SOURCES)
def test_values_lie_on_the_grid_so_that_their_sums_are_exact(name: str, read: Read) -> None:
    raw = read(SOURCES[name])
    steps = raw.x / GRID
    np.testing.assert_array_equal(steps, np.rint(steps))
    assert not np.signbit(raw.x[raw.x == 0]).any()
    exact = [sum(int(step) ** 2 for step in column) for column in steps.T]
    assert max(exact) < 2**53
    assert np.square(raw.x).sum(axis=0).tolist() == [square * GRID**2 for square in exact]


@pytest.mark.parametrize("made", [planar.make_spiral, planar.make_xor, planar.make_noise])
def test_no_value_is_near_enough_to_a_boundary_of_the_grid_to_be_rounded_otherwise_elsewhere(
    made: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(planar, "_rounded", lambda x: drawn.append(x) or x)
    made()
    [x] = drawn
    assert np.abs(x / GRID - np.floor(x / GRID) - 0.5).min() * GRID > 1000 * np.finfo(float).eps * np.abs(x).max()


def test_a_spiral_has_three_arms_of_500_points(read: Read) -> None:
    raw = read(planar.SPIRAL)
    assert np.bincount(raw.y).tolist() == [500, 500, 500]
    assert planar.SPIRAL.labels == ("c1", "c2", "c3")
    assert planar.SPIRAL.features == ("X1", "X2")


@pytest.mark.parametrize("label", ARMS)
def test_each_arm_turns_by_its_formula(label: str, read: Read) -> None:
    raw = read(planar.SPIRAL)
    x, y = raw.x[raw.y == planar.SPIRAL.labels.index(label)].T
    r = np.hypot(x, y)
    np.testing.assert_allclose(r, np.linspace(0, 1, 500), atol=2 * GRID)
    beginning = {"c1": 0, "c2": 8, "c3": 4}[label]
    turned = np.arctan2(x, y)[1:] - 4 * r[1:] - beginning  # x = r sin t, y = r cos t
    noise = (turned + np.pi) % (2 * np.pi) - np.pi
    assert stats.kstest(noise / 0.2, "norm").pvalue > 0.01
    assert noise.std() == pytest.approx(0.2, rel=0.1)


def test_the_arms_differ_in_their_noise(read: Read) -> None:
    raw = read(planar.SPIRAL)
    angles = [np.arctan2(*raw.x[raw.y == k][1:].T) - beginning for k, beginning in enumerate((0, 8, 4))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(np.sin((angles[one] - angles[other]) / 2)).max() > 0.1


def test_an_xor_has_two_classes_of_50_points_with_a_group_each(read: Read) -> None:
    raw = read(planar.XOR)
    assert np.bincount(raw.y).tolist() == [50, 50]
    assert planar.XOR.labels == ("0", "1")
    assert planar.XOR.features == ("X1", "X2")
    assert planar.XOR.groups == ("upper_left", "lower_right", "lower_left", "upper_right")
    assert raw.group is not None
    assert raw.group.dtype == np.int64
    assert stats.binomtest(int((raw.group == 0).sum()), 50).pvalue > 0.01
    assert stats.binomtest(int((raw.group == 2).sum()), 50).pvalue > 0.01


@pytest.mark.parametrize("group", BLOBS)
def test_each_blob_lies_where_its_name_says(group: str, read: Read) -> None:
    raw = read(planar.XOR)
    here = raw.group == planar.XOR.groups.index(group)
    vertical, horizontal = group.split("_")
    center = np.array([{"left": -1, "right": 1}[horizontal], {"lower": -1, "upper": 1}[vertical]])
    assert set(raw.y[here]) == {int(center.prod() > 0)}  # class 1 where both coordinates have one sign
    np.testing.assert_array_equal(np.sign(raw.x[here]), np.broadcast_to(center, raw.x[here].shape))
    assert stats.kstest(((raw.x[here] - center) / 0.2).ravel(), "norm").pvalue > 0.01


def test_noise_is_uniform_whatever_the_label(read: Read) -> None:
    raw = read(planar.NOISE)
    assert np.bincount(raw.y).tolist() == [50, 50, 50]
    assert planar.NOISE.labels == ("c1", "c2", "c3")
    assert planar.NOISE.features == ("X1", "X2")
    assert raw.x.min() >= 0
    assert raw.x.max() < 1
    for k in range(3):
        for column in raw.x[raw.y == k].T:
            assert stats.kstest(column, "uniform").pvalue > 0.01
