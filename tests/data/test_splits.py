import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from src.data.dataset import PARTS
from src.data.splits import Split, cut, open_split, save_split
from tests.helpers.composing import compose
from tests.helpers.refusals import refusal

Y = np.random.default_rng(0).choice(5, 1000, p=[0.4, 0.3, 0.15, 0.1, 0.05])
MADE_BY = {"source": "digits", "seed": 0}


LABELS = np.random.default_rng(1).integers(0, 10, 70_000)  # as many as MNIST has


def drawn_by_two_calls(test: float, valid: float, seed: int, stratify: bool, y: np.ndarray) -> dict[str, np.ndarray]:
    def of(rows: np.ndarray) -> np.ndarray | None:
        return y[rows] if stratify else None

    every = np.arange(len(y))
    rest, in_test = train_test_split(every, test_size=test, random_state=seed, stratify=of(every))
    train, in_valid = train_test_split(rest, test_size=valid, random_state=seed, stratify=of(rest))
    return {"train": train, "valid": in_valid, "test": in_test}


@given(sizes=st.tuples(*[st.integers(5, 333)] * 3), stratify=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_parts_are_those_of_two_calls_of_scikit_learn_of_which_train_is_cut(
    sizes: tuple[int, int, int], stratify: bool, seed: int
) -> None:
    train, valid, test = sizes
    parts = cut(Y, Split(*sizes, stratify=stratify), seed)
    expected = drawn_by_two_calls(test, valid, seed, stratify, Y)
    expected["train"] = expected["train"][:train]  # fewer training examples do not change the other parts
    assert tuple(len(parts[part]) for part in PARTS) == sizes
    for part in PARTS:
        assert parts[part].dtype == np.int64
        np.testing.assert_array_equal(parts[part], expected[part])
    assert len(np.unique(np.concatenate(list(parts.values())))) == sum(sizes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist_raschka", drawn_by_two_calls(10_000, 5_000, 123, stratify=True, y=LABELS)),
        ("mnist_exercise", drawn_by_two_calls(10_000, 0.2, 42, stratify=False, y=LABELS)),
        ("digits_raw", drawn_by_two_calls(540, 179, 0, stratify=False, y=LABELS[:1797])),
        ("digits_raw", drawn_by_two_calls(0.3, 179, 0, stratify=False, y=LABELS[:1797])),
    ],
)
def test_a_recipe_that_follows_a_text_splits_as_the_text_does(name: str, expected: dict[str, np.ndarray]) -> None:
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


def test_a_published_test_set_may_lack_classes_while_the_rest_is_stratified() -> None:
    y = np.append(np.arange(100) % 5, [0, 0, 0])
    parts = cut(y, Split(90, 10, 3, published_test=True), 0, published_test=3)
    assert np.bincount(y[parts["valid"]]).tolist() == [2] * 5


def test_a_published_test_set_is_pooled_unless_the_split_asks_for_it() -> None:
    unknown, pooled = (cut(Y, Split(700, 100, 200), 0, published_test) for published_test in (0, 200))
    for part in PARTS:
        np.testing.assert_array_equal(unknown[part], pooled[part])
    parts = cut(Y, Split(0.7, 0.1, 0.2, published_test=True), 0, published_test=200)  # fractions may give its size
    np.testing.assert_array_equal(parts["test"], np.arange(800, 1000))


@given(n=st.integers(20, 10_000), shares=st.tuples(*[st.integers(5, 33)] * 2))
def test_fractions_that_add_up_to_one_use_every_example(n: int, shares: tuple[int, int]) -> None:
    valid, test = (share / 100 for share in shares)
    train = 1 - valid - test
    counts = Split(train, valid, test).counts(n)
    assert sum(counts) == n
    np.testing.assert_allclose(counts, (train * n, valid * n, test * n), atol=1.01)


def test_fractions_of_a_thousand() -> None:
    assert Split(0.7, 0.1, 0.2).counts(1797) == (1258, 180, 359)
    assert Split(0.5, 0.1, 0.2).counts(1000) == (500, 100, 200)


INFINITE = (float("nan"), float("inf"))
MIXED = [(55000, 0.1, 0.2), (0.7, 0.1, 1.0), (0, 1, 1), (-1, 1, 1), (0.5, -0.1, 0.2), (10.0, 10.0, 10.0)]


@pytest.mark.parametrize("sizes", [*MIXED, (0.7, 0.2, 0.2), *((0.5, value, 0.1) for value in INFINITE)])
def test_invalid_sizes_are_rejected(sizes: tuple[float, float, float]) -> None:
    assert f"data.split.train={sizes[0]} data.split.valid={sizes[1]}" in refusal(Split, *sizes)


@pytest.mark.parametrize(
    ("split", "published_test", "reason"),
    [
        (Split(701, 100, 200), False, r"701 \+ 100 \+ 200 = 1001 examples, but there are 1000"),
        (Split(0.5, 0.0001, 0.2), False, "at least 1"),
        (Split(700, 4, 200), False, "4 examples can.t be stratified over 5 classes"),
        (Split(2, 100, 200), False, "2 examples can.t be stratified"),
        (Split(700, 100, 199), True, r"data\.split\.test=199: .*must be 200"),
        (Split(600, 100, 201), True, r"data\.split\.test=201: .*must be 200"),
        (Split(0.7, 0.1, 0.1), True, r"data\.split\.test=0\.1: .*must be 200"),
    ],
    ids=str,
)
def test_a_split_that_does_not_fit_the_data_is_rejected(split: Split, published_test: bool, reason: str) -> None:
    asked = dataclasses.replace(split, published_test=published_test)
    assert re.search(reason, refusal(cut, Y, asked, 0, published_test=200))


def test_a_class_of_one_cannot_be_stratified() -> None:
    y = np.append(Y, 5)
    assert re.search(r"can.t split off test: .*least populated", refusal(cut, y, Split(700, 100, 200), 0))
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


DAMAGES: dict[str, list[bytes]] = {
    "split.json": [b"[]", b'{"made_by": {}, "files": {}}', b"[" * 100_000, b"[" + b"{}," * (1 << 20) + b"{}]"]
}


@pytest.mark.parametrize("name", ["train.npy", "valid.npy", "test.npy", "split.json"])
def test_damage_is_rejected_with_a_remedy(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    for damaged in (b"", whole[:-4], whole[:-9] + b"\xff" + whole[-8:], *DAMAGES.get(name, [])):
        (saved / name).write_bytes(damaged)
        assert "src.split" in refusal(open_split, saved)
    (saved / name).unlink()
    assert "src.split" in refusal(open_split, saved)


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
def test_parts_that_are_not_a_split_are_rejected(tmp_path: Path, parts: dict[str, np.ndarray], reason: str) -> None:
    save_split(tmp_path / "split", MADE_BY, {"train": np.arange(4), "valid": np.array([5, 6])} | parts)
    assert re.search(rf"{reason}.*src\.split", refusal(open_split, tmp_path / "split"))
