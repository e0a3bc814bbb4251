"""The data that "Made With ML" prints: points, splits and scaled values, to every digit; and its stream."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from src.data import generated
from src.data.dataset import PARTS, Dataset
from src.data.recipes import prepare
from src.data.sources import SOURCES
from src.data.splits import open_split
from src.foundation.legacy import legacy_stream
from tests.helpers.composing import compose

SEED = 1234
# The head of the text's table, and the first example of its training set.
HEAD = ["-0.000457 0.001951", "0.001194 0.003826", "-0.000231 0.006008", "-0.000896 0.007966"]
FIRST_TRAINED = ["0.44688413", "-0.07360876"]
FIRST_NOISE = ["0.52553355", "0.33956916"]


def prepared(name: str, root: Path) -> tuple[Dataset, np.ndarray, dict[str, np.ndarray]]:
    """The data set, the raw points and the indices of the sets."""
    dataset = prepare(compose([f"data={name}", "data.dtype=float64"]).data, root)
    _, rows = open_split(root / "data" / "split" / name)
    return dataset, SOURCES[name].read(root / "data" / "raw" / name).x, rows


def digits(values: np.ndarray, decimals: int) -> list[str]:
    return [f"{value:.{decimals}f}" for value in values]


def test_the_spiral_is_the_texts(tmp_path: Path) -> None:
    dataset, points, rows = prepared("spiral", tmp_path)
    assert [" ".join(digits(point, 6)) for point in points[1:5]] == HEAD
    assert digits(points[rows["train"][0]], 8) == FIRST_TRAINED
    assert dataset.train.y[0] == dataset.labels.index("c1")
    assert [len(rows[part]) for part in PARTS] == [1050, 225, 225]
    assert np.bincount(dataset.test.y).tolist() == [75, 75, 75]
    assert digits(dataset.test.x.mean(axis=0), 1) == ["-0.2", "-0.2"]
    assert digits(dataset.test.x.std(axis=0), 1) == ["0.8", "0.9"]
    center, scale = (np.array(dataset.scaling[key]) for key in ("center", "scale"))
    assert digits((0.1 - center) / scale, 8) == ["0.22746497", "0.29242354"]


def test_noise_is_the_texts(tmp_path: Path) -> None:
    dataset, points, rows = prepared("noise", tmp_path)
    assert digits(points[rows["train"][0]], 8) == FIRST_NOISE
    assert [np.bincount(getattr(dataset, part).y).tolist() for part in PARTS] == [[35] * 3, [8, 7, 7], [7, 8, 8]]


def test_recipes_skip_what_the_text_has_drawn_before(tmp_path: Path) -> None:
    _, _, rows = prepared("spiral", tmp_path)
    _, points, noise_rows = prepared("noise", tmp_path)
    y = {"spiral": generated.spiral(SEED)[1], "noise": generated.noise(SEED)[1]}
    stream = np.random.RandomState(SEED)

    def reached(skip: int) -> bool:
        ours, theirs = legacy_stream(SEED, skip).get_state(legacy=False), stream.get_state(legacy=False)
        return bytes(ours["state"]["key"]) == bytes(theirs["state"]["key"]) and all(
            ours["state"]["pos"] == theirs["state"]["pos"] and state["has_gauss"] == 0 for state in (ours, theirs)
        )

    def split(y: np.ndarray, train: float) -> list[np.ndarray]:
        first, rest = train_test_split(np.arange(len(y)), train_size=train, stratify=y, random_state=stream)
        return [first, *train_test_split(rest, train_size=0.5, stratify=y[rest], random_state=stream)]

    stream.permutation(1500)
    assert reached(compose(["data=spiral"]).data.split.skip)
    for part, expected in zip(PARTS, split(y["spiral"], 0.7), strict=True):
        np.testing.assert_array_equal(rows[part], expected)
    for _ in range(2):  # a first look at a network's outputs, then the training
        stream.randn(2, 100)
        stream.randn(100, 3)
    assert reached(generated.DRAWN_BEFORE_NOISE)
    np.testing.assert_array_equal(points, stream.rand(150, 2))
    assert reached(compose(["data=noise"]).data.split.skip)
    for part, expected in zip(PARTS, split(y["noise"], 0.7), strict=True):
        np.testing.assert_array_equal(noise_rows[part], expected)


def test_the_first_look_at_an_untrained_network_is_the_texts(tmp_path: Path) -> None:
    dataset, _, _ = prepared("spiral", tmp_path)
    stream = legacy_stream(SEED, 7651)  # after the splits
    W1, W2 = 0.01 * stream.randn(2, 100), 0.01 * stream.randn(100, 3)
    logits = np.maximum(dataset.train.x[:1].astype(np.float32) @ W1, 0) @ W2
    expected = [-9.85444376e-05, 1.67334360e-03, -6.31717987e-04]
    assert logits[0].tolist() == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("name", "seed", "expected"), [("digits_tutorial", 1827, 1257), ("xor_all", None, 100)])
def test_the_tutorials_sets_are_its_own(name: str, seed: int | None, expected: int, tmp_path: Path) -> None:
    prepare(compose([f"data={name}"]).data, tmp_path)
    _, rows = open_split(tmp_path / "data" / "split" / name)
    if seed is None:
        drawn = rest = np.arange(expected)
    else:
        drawn = np.random.RandomState(seed).choice(1797, expected, replace=False)
        rest = np.setdiff1d(np.arange(1797), drawn)
    np.testing.assert_array_equal(rows["train"], drawn)
    np.testing.assert_array_equal(rows["test"], rest)
    np.testing.assert_array_equal(rows["valid"], rest)
