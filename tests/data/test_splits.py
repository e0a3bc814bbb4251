import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from src.data.dataset import PARTS
from src.data.splits import DRAWS, OVERLAPS, Split, cut, open_split, save_split
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


@given(stratify=st.booleans(), seed=st.integers(0, 2**32 - 1), skip=st.integers(0, 3000))
def test_train_first_is_two_calls_of_scikit_learn_on_one_stream(stratify: bool, seed: int, skip: int) -> None:
    parts = cut(Y, Split(0.7, 0.15, 0.15, stratify, draw="train_first", skip=skip), seed)
    stream, every = np.random.RandomState(seed), np.arange(1000)
    stream.randint(2**32, size=skip, dtype=np.uint32)
    train, rest = train_test_split(every, train_size=0.7, stratify=Y if stratify else None, random_state=stream)
    valid, test = train_test_split(rest, train_size=0.5, stratify=Y[rest] if stratify else None, random_state=stream)
    for part, expected in zip(PARTS, (train, valid, test), strict=True):
        np.testing.assert_array_equal(parts[part], expected)


@given(sizes=st.tuples(*[st.integers(1, 333)] * 3), seed=st.integers(0, 2**32 - 1), skip=st.integers(0, 3000))
def test_choice_draws_the_training_set_and_leaves_the_rest_in_order(
    sizes: tuple[int, int, int], seed: int, skip: int
) -> None:
    train, valid, test = sizes
    parts = cut(Y, Split(*sizes, stratify=False, draw="choice", skip=skip), seed)
    stream = np.random.RandomState(seed)
    stream.randint(2**32, size=skip, dtype=np.uint32)
    np.testing.assert_array_equal(parts["train"], stream.choice(1000, train, replace=False))
    rest = np.setdiff1d(np.arange(1000), parts["train"])
    np.testing.assert_array_equal(parts["valid"], rest[:valid])
    np.testing.assert_array_equal(parts["test"], rest[valid : valid + test])


@pytest.mark.parametrize("published_test", [False, True])
@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("overlap", OVERLAPS)
def test_sets_are_disjoint_or_copies_whatever_draws_them(
    draw: str, overlap: str, stratify: bool, published_test: bool, tmp_path: Path
) -> None:
    sizes = {"none": (650, 150, 200), "valid_is_test": (700, 200, 200), "all": (1000, 1000, 1000)}[overlap]
    if (draw == "choice" and stratify) or (published_test and overlap == "all"):
        refused = refusal(Split, *sizes, stratify, published_test, draw=draw, overlap=overlap)
        assert re.match(r"data\.split\.(draw=choice|overlap=all): ", refused)
        return
    split = Split(*sizes, stratify, published_test, draw=draw, overlap=overlap)
    parts = cut(Y, split, 0, published_test=200)
    assert tuple(len(parts[part]) for part in PARTS) == sizes
    own = OVERLAPS[overlap]
    assert len(np.unique(np.concatenate([parts[part] for part in own]))) == sum(len(parts[part]) for part in own)
    assert all(np.array_equal(parts[part], parts[own[-1]]) for part in PARTS if part not in own)
    in_order = overlap == "all" or (overlap == "valid_is_test" and published_test)
    assert np.array_equal(parts["train"], np.sort(parts["train"])) == in_order or (published_test and draw == "choice")
    if published_test:
        np.testing.assert_array_equal(parts["test"], np.arange(800, 1000))
    save_split(tmp_path / "split", MADE_BY | {"split": {"overlap": overlap}}, parts)
    _, opened = open_split(tmp_path / "split")
    for part in PARTS:
        np.testing.assert_array_equal(opened[part], parts[part])


@pytest.mark.parametrize(
    ("split", "reason"),
    [
        (
            {"sizes": (700, 100, 200), "overlap": "valid_is_test"},
            r"data\.split\.valid and data\.split\.test must be eq",
        ),
        ({"sizes": (0.7, 0.2, 0.2), "overlap": "all"}, r"data\.split\.test and data\.split\.train must be equal"),
        ({"sizes": (0.8, 0.3, 0.3), "overlap": "valid_is_test"}, "add up to 1.1"),
    ],
)
def test_sizes_that_do_not_fit_the_overlap_are_rejected(split: dict[str, Any], reason: str) -> None:
    assert re.search(reason, refusal(Split, *split["sizes"], overlap=split["overlap"]))


@pytest.mark.parametrize("sizes", [(999, 999, 999), (1001, 1001, 1001), (0.9, 0.9, 0.9)])
def test_all_examples_are_all_examples(sizes: tuple[float, float, float]) -> None:
    assert "data.split.overlap=all, 1000 in all" in refusal(cut, Y, Split(*sizes, overlap="all"), 0)


@given(n=st.integers(20, 10_000), shares=st.tuples(*[st.integers(5, 33)] * 2))
def test_fractions_that_add_up_to_one_use_every_example(n: int, shares: tuple[int, int]) -> None:
    valid, test = (share / 100 for share in shares)
    train = 1 - valid - test
    counts = Split(train, valid, test).counts(n)
    assert sum(counts.values()) == n
    np.testing.assert_allclose([*counts.values()], (train * n, valid * n, test * n), atol=1.01)


def test_fractions_of_a_thousand() -> None:
    assert Split(0.7, 0.1, 0.2).counts(1797) == {"train": 1258, "valid": 180, "test": 359}
    assert Split(0.5, 0.1, 0.2).counts(1000) == {"train": 500, "valid": 100, "test": 200}
    assert Split(0.7, 0.3, 0.3, overlap="valid_is_test").counts(999) == {"train": 699, "valid": 300, "test": 300}
    assert Split(1.0, 1.0, 1.0, overlap="all").counts(7) == {"train": 7, "valid": 7, "test": 7}


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
    refused = refusal(cut, y, Split(700, 100, 200), 0)
    assert re.search(r"can.t be drawn with data\.split\.draw=test_first: .*least populated", refused)
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


SETS = {"train": np.arange(4), "valid": np.array([5, 6]), "test": np.array([7])}


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param({"test": np.arange(3.0)}, "indices", id="floats"),
        pytest.param({"test": np.zeros((2, 2), np.int64)}, "indices", id="a matrix"),
        pytest.param({"test": np.array([-1])}, "disjoint", id="negative"),
        pytest.param({"test": np.array([0, 1])}, "disjoint", id="training examples"),
        pytest.param({"test": np.array([7, 7])}, "disjoint", id="twice"),
        pytest.param({"made_by": {"split": {"overlap": "valid_is_test"}}}, "overlap", id="no copies"),
        pytest.param({"made_by": {"split": {"overlap": "all"}}}, "overlap", id="not all"),
        pytest.param({"made_by": {"split": {"overlap": "?"}}, "test": np.array([5, 6])}, "disjoint", id="unknown"),
    ],
)
def test_parts_that_are_not_a_split_are_rejected(tmp_path: Path, parts: dict[str, Any], reason: str) -> None:
    made_by, arrays = parts.get("made_by", MADE_BY), {part: parts[part] for part in PARTS if part in parts}
    save_split(tmp_path / "split", made_by, SETS | arrays)
    assert re.search(rf"{reason}.*src\.split", refusal(open_split, tmp_path / "split"))
