import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from src.data.dataset import PARTS
from src.data.splits import Split, cut, open_split, save_split
from src.foundation.errors import UserError
from tests.helpers.composing import compose

Y = np.random.default_rng(0).choice(5, 1000, p=[0.4, 0.3, 0.15, 0.1, 0.05])
MADE_BY = {"source": "digits", "seed": 0}


@given(
    sizes=st.tuples(*[st.integers(5, 333)] * 3),
    stratify=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_parts_are_disjoint_and_as_large_as_asked(sizes: tuple[int, int, int], stratify: bool, seed: int) -> None:
    parts = cut(Y, Split(*sizes, stratify=stratify), seed)
    assert tuple(len(parts[part]) for part in PARTS) == sizes
    assert all(parts[part].dtype == np.int64 for part in PARTS)
    together = np.concatenate([parts[part] for part in PARTS])
    assert len(np.unique(together)) == len(together)
    assert 0 <= together.min() <= together.max() < len(Y)


@given(seed=st.integers(0, 2**32 - 1))
def test_stratified_parts_keep_the_proportions(seed: int) -> None:
    for rows in cut(Y, Split(700, 100, 200), seed).values():
        expected = np.bincount(Y) * len(rows) / len(Y)
        assert np.abs(np.bincount(Y[rows]) - expected).max() <= 1.5


def test_a_seed_decides_the_split() -> None:
    first, again, other = (cut(Y, Split(700, 100, 200), seed) for seed in (1, 1, 2))
    for part in PARTS:
        np.testing.assert_array_equal(first[part], again[part])
        assert not np.array_equal(first[part], other[part])


@pytest.mark.parametrize("stratify", [True, False])
def test_the_order_is_that_of_two_calls_of_scikit_learn(stratify: bool) -> None:
    x = np.arange(len(Y)) * 3
    rest, x_test, y_rest, _ = train_test_split(x, Y, test_size=200, random_state=123, stratify=Y if stratify else None)
    x_train, x_valid = train_test_split(rest, test_size=100, random_state=123, stratify=y_rest if stratify else None)
    parts = cut(Y, Split(700, 100, 200, stratify), 123)
    for part, expected in {"train": x_train, "valid": x_valid, "test": x_test}.items():
        np.testing.assert_array_equal(x[parts[part]], expected)


LABELS = np.random.default_rng(1).integers(0, 10, 70_000)  # as many as MNIST has


def drawn_by_two_calls(test: float, valid: float, seed: int, stratify: bool, n: int) -> dict[str, np.ndarray]:
    labels = LABELS[:n]
    rest, of_test = train_test_split(
        np.arange(n), test_size=test, random_state=seed, stratify=labels if stratify else None
    )
    train, of_valid = train_test_split(
        rest, test_size=valid, random_state=seed, stratify=labels[rest] if stratify else None
    )
    return {"train": train, "valid": of_valid, "test": of_test}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist_raschka", drawn_by_two_calls(10_000, 5_000, 123, stratify=True, n=70_000)),
        ("mnist_exercise", drawn_by_two_calls(10_000, 0.2, 42, stratify=False, n=70_000)),
        ("digits_raw", drawn_by_two_calls(540, 179, 0, stratify=False, n=1797)),
        ("digits_raw", drawn_by_two_calls(0.3, 179, 0, stratify=False, n=1797)),
    ],
)
def test_a_recipe_that_follows_a_text_cuts_as_the_text_does(name: str, expected: dict[str, np.ndarray]) -> None:
    recipe = compose([f"data={name}"]).data
    parts = cut(LABELS[: sum(map(len, expected.values()))], recipe.split, recipe.seed)
    for part in PARTS:
        np.testing.assert_array_equal(parts[part], expected[part])


@given(valid=st.integers(5, 200), stratify=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_a_published_test_set_is_the_sources_last_examples_in_their_order(
    valid: int, stratify: bool, seed: int
) -> None:
    split = Split(500, valid, 200, stratify, published_test=True)
    parts = cut(Y, split, seed, published_test=200)
    np.testing.assert_array_equal(parts["test"], np.arange(800, 1000))
    rest, of_valid = train_test_split(
        np.arange(800), test_size=valid, random_state=seed, stratify=Y[:800] if stratify else None
    )
    np.testing.assert_array_equal(parts["valid"], of_valid)
    np.testing.assert_array_equal(parts["train"], rest[:500])


def test_a_published_test_set_may_lack_classes_and_still_leave_the_rest_stratified() -> None:
    y = np.append(np.arange(100) % 5, [0, 0, 0])
    parts = cut(y, Split(90, 10, 3, published_test=True), 0, published_test=3)
    assert np.bincount(y[parts["valid"]]).tolist() == [2] * 5


def test_fractions_may_come_to_the_published_test_set() -> None:
    parts = cut(Y, Split(0.7, 0.1, 0.2, published_test=True), 0, published_test=200)
    np.testing.assert_array_equal(parts["test"], np.arange(800, 1000))


def test_without_being_asked_for_a_published_test_set_is_pooled() -> None:
    asked, pooled = (cut(Y, Split(700, 100, 200), 0, published_test) for published_test in (0, 200))
    for part in PARTS:
        np.testing.assert_array_equal(asked[part], pooled[part])


@pytest.mark.parametrize("split", [Split(700, 100, 199), Split(600, 100, 201), Split(0.7, 0.1, 0.1)])
def test_a_published_test_set_is_taken_whole_or_not_at_all(split: Split) -> None:
    asked = dataclasses.replace(split, published_test=True)
    with pytest.raises(UserError, match=rf"data\.split\.test={split.test}: .*must be 200") as refused:
        cut(Y, asked, 0, published_test=200)
    assert "\n" not in str(refused.value)


def test_fewer_training_examples_leave_the_other_parts_alone() -> None:
    all_of_them, fewer = cut(Y, Split(700, 100, 200), 0), cut(Y, Split(50, 100, 200), 0)
    np.testing.assert_array_equal(fewer["train"], all_of_them["train"][:50])
    np.testing.assert_array_equal(fewer["valid"], all_of_them["valid"])
    np.testing.assert_array_equal(fewer["test"], all_of_them["test"])


@given(n=st.integers(20, 10_000), shares=st.tuples(*[st.integers(5, 33)] * 2))
def test_fractions_that_add_up_to_one_give_every_example_away(n: int, shares: tuple[int, int]) -> None:
    valid, test = (share / 100 for share in shares)
    train = 1 - valid - test
    counts = Split(train, valid, test).counts(n)
    assert sum(counts) == n
    np.testing.assert_allclose(counts, (train * n, valid * n, test * n), atol=1.01)


def test_fractions_of_a_thousand() -> None:
    assert Split(0.7, 0.1, 0.2).counts(1797) == (1258, 180, 359)
    assert Split(0.5, 0.1, 0.2).counts(1000) == (500, 100, 200)


@pytest.mark.parametrize(
    "sizes",
    [
        (55000, 0.1, 0.2),
        (0.7, 0.1, 1.0),
        (0, 1, 1),
        (-1, 1, 1),
        (0.5, -0.1, 0.2),
        (10.0, 10.0, 10.0),
        (0.7, 0.2, 0.2),
        (float("nan"), 0.1, 0.1),
        (0.5, float("inf"), 0.1),
    ],
)
def test_sizes_that_are_no_sizes_are_refused(sizes: tuple[float, float, float]) -> None:
    with pytest.raises(UserError, match=f"data.split.train={sizes[0]} data.split.valid={sizes[1]}"):
        Split(*sizes)


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        pytest.param(Split(701, 100, 200), "701 \\+ 100 \\+ 200 = 1001 examples, but there are 1000", id="too many"),
        pytest.param(Split(0.5, 0.0001, 0.2), "at least 1", id="none left"),
        pytest.param(Split(700, 4, 200), "4 examples can.t be stratified over 5 classes", id="fewer than classes"),
        pytest.param(Split(2, 100, 200), "2 examples can.t be stratified", id="train fewer than classes"),
    ],
)
def test_splits_that_cannot_be_are_refused(split: Split, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        cut(Y, split, 0)


def test_a_class_of_one_cannot_be_stratified() -> None:
    y = np.append(Y, 5)
    with pytest.raises(UserError, match=r"can.t split off test: .*least populated"):
        cut(y, Split(700, 100, 200), 0)
    assert len(cut(y, Split(700, 100, 200, stratify=False), 0)["train"]) == 700


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_split(tmp_path / "split", MADE_BY, cut(Y, Split(700, 100, 200), 0))
    return tmp_path / "split"


def test_what_is_saved_is_opened(saved: Path) -> None:
    made_by, parts = open_split(saved)
    assert made_by == MADE_BY
    for part, rows in cut(Y, Split(700, 100, 200), 0).items():
        np.testing.assert_array_equal(parts[part], rows)
    assert sorted(path.name for path in saved.iterdir()) == ["split.json", "test.npy", "train.npy", "valid.npy"]


@pytest.mark.parametrize("name", ["train.npy", "valid.npy", "test.npy", "split.json"])
def test_damage_is_refused_with_a_remedy(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    for damaged in (b"", whole[:-4], whole[:-9] + b"\xff" + whole[-8:], b"[]", b'{"made_by": {}, "files": {}}'):
        (saved / name).write_bytes(damaged)
        with pytest.raises(UserError, match=r"src\.split"):
            open_split(saved)
    (saved / name).unlink()
    with pytest.raises(UserError, match=r"src\.split"):
        open_split(saved)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param({"test": np.arange(3.0)}, "indices", id="floats"),
        pytest.param({"test": np.zeros((2, 2), np.int64)}, "indices", id="a matrix"),
        pytest.param({"test": np.array([-1])}, "disjoint", id="negative"),
        pytest.param({"test": np.array([0, 1])}, "disjoint", id="training examples"),
        pytest.param({"test": np.array([7, 7])}, "disjoint", id="twice"),
    ],
)
def test_parts_that_are_no_split_are_refused(tmp_path: Path, parts: dict[str, np.ndarray], reason: str) -> None:
    save_split(tmp_path / "split", MADE_BY, {"train": np.arange(4), "valid": np.array([5, 6])} | parts)
    with pytest.raises(UserError, match=f"{reason}.*src.split"):
        open_split(tmp_path / "split")


def test_a_nested_or_endless_manifest_is_refused(saved: Path) -> None:
    for content in ("[" * 100_000, "[" + "{}," * (1 << 20) + "{}]"):
        (saved / "split.json").write_text(content)
        with pytest.raises(UserError, match=r"src\.split"):
            open_split(saved)
