from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.training.batches import Batches


def numbered(n: int, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Examples that say which they are, in every feature and in their label."""
    return np.repeat(np.arange(n, dtype=dtype)[:, np.newaxis], 3, axis=1), np.arange(n)


def epoch(batches: Batches, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x.copy(), y.copy()) for x, y in batches.epoch(rng)]


def labels(batches: Batches, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([y for _, y in epoch(batches, rng)] or [np.empty(0, int)])


@settings(deadline=None)
@given(n=st.integers(1, 60), size=st.integers(1, 60), drop_last=st.booleans(), seed=st.integers(0, 5))
def test_an_epoch_has_each_example_once(n: int, size: int, drop_last: bool, seed: int) -> None:
    x, y = numbered(n)
    batches = Batches(x, y, size, np.dtype("float32"), drop_last)
    seen = epoch(batches, np.random.default_rng(seed))
    kept = n // size * size if drop_last else n
    assert len(seen) == len(batches)
    assert batches.examples == kept
    every = np.concatenate([y for _, y in seen] or [np.empty(0, int)])
    assert len(every) == len(set(every.tolist())) == kept
    for batch_x, batch_y in seen:  # features and labels stay together
        np.testing.assert_array_equal(batch_x, np.repeat(batch_y[:, np.newaxis], 3, axis=1))
    sizes = [len(batch_y) for _, batch_y in seen]
    assert all(length == size for length in sizes[:-1])
    if not drop_last:
        assert sizes[-1] == (n % size or size)


def test_drop_last_leaves_out_other_examples_each_epoch() -> None:
    x, y = numbered(25)
    batches, rng = Batches(x, y, 10, np.dtype("float32"), drop_last=True), np.random.default_rng(1)
    left_out = {frozenset(set(range(25)) - set(labels(batches, rng).tolist())) for _ in range(5)}
    assert all(len(missing) == 5 for missing in left_out)
    assert len(left_out) == 5


def test_drop_last_changes_no_full_batch() -> None:
    x, y = numbered(25)
    kept = labels(Batches(x, y, 10, np.dtype("float32")), np.random.default_rng(1))
    dropped = labels(Batches(x, y, 10, np.dtype("float32"), drop_last=True), np.random.default_rng(1))
    np.testing.assert_array_equal(dropped, kept[:20])


def test_the_order_differs_by_epoch_and_is_the_seeds() -> None:
    x, y = numbered(50)
    batches, rng, again = Batches(x, y, 8, np.dtype("float32")), np.random.default_rng(1), np.random.default_rng(1)
    first, second = labels(batches, rng), labels(batches, rng)
    assert (first != second).any()
    assert (first != np.arange(50)).any()
    anew = Batches(x, y, 8, np.dtype("float32"))
    np.testing.assert_array_equal(labels(anew, again), first)
    np.testing.assert_array_equal(labels(anew, again), second)
    assert (labels(anew, np.random.default_rng(2)) != first).any()


def test_the_order_does_not_depend_on_the_size_of_batches() -> None:
    x, y = numbered(50)
    orders = [labels(Batches(x, y, size, np.dtype("float32")), np.random.default_rng(1)) for size in (1, 7, 50)]
    np.testing.assert_array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gathers_in_the_networks_dtype_without_a_change_of_value(dtype: str) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((33, 4)).astype(np.float32), np.arange(33)
    for batch_x, batch_y in Batches(x, y, 10, np.dtype(dtype)).epoch(np.random.default_rng(1)):
        assert batch_x.dtype == dtype
        assert batch_x.flags.c_contiguous
        np.testing.assert_array_equal(batch_x, x[batch_y])


def test_precisions_share_their_order() -> None:
    x, y = numbered(33)
    single = labels(Batches(x, y, 10, np.dtype("float32")), np.random.default_rng(1))
    np.testing.assert_array_equal(labels(Batches(x, y, 10, np.dtype("float64")), np.random.default_rng(1)), single)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_reads_memory_maps_and_leaves_them_alone(tmp_path: Path, dtype: str) -> None:
    x, y = numbered(20)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    mapped = [np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    for batch_x, batch_y in Batches(*mapped, 6, np.dtype(dtype)).epoch(np.random.default_rng(1)):
        batch_x += 1  # its own memory, not the file's
        batch_y += 1
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), y)


def test_an_epoch_left_early_does_not_disturb_the_next() -> None:
    x, y = numbered(30)
    batches, rng = Batches(x, y, 10, np.dtype("float32")), np.random.default_rng(1)
    next(batches.epoch(rng))
    assert sorted(labels(batches, rng).tolist()) == list(range(30))
