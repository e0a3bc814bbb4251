from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.training.batches import Batches


def numbered(n: int, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Examples that say which they are, in every feature and in their label."""
    return np.repeat(np.arange(n, dtype=dtype)[:, np.newaxis], 3, axis=1), np.arange(n)


def batches_of(n: int, size: int, dtype: str = "float32", **settings: Any) -> Batches:
    return Batches(*numbered(n), size, np.dtype(dtype), **settings)


def epoch(batches: Batches, rng: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(x.copy(), y.copy()) for x, y in batches.epoch(rng)]


def labels(batches: Batches, rng: Any = 1) -> np.ndarray:
    """The labels of an epoch, in their order; `rng`: a stream, or its seed."""
    return np.concatenate([y for _, y in epoch(batches, np.random.default_rng(rng))] or [np.empty(0, int)])


@given(n=st.integers(1, 60), size=st.integers(1, 60), drop_last=st.booleans(), seed=st.integers(0, 5))
def test_an_epoch_has_each_example_once(n: int, size: int, drop_last: bool, seed: int) -> None:
    batches = batches_of(n, size, drop_last=drop_last)
    seen = epoch(batches, np.random.default_rng(seed))
    kept = n // size * size if drop_last else n
    assert len(seen) == len(batches)
    assert batches.examples == kept
    every = labels(batches, seed)
    assert len(every) == len(set(every.tolist())) == kept
    np.testing.assert_array_equal(every, labels(batches_of(n, n), seed)[:kept])  # whatever the size, the same order
    for batch_x, batch_y in seen:  # features and labels stay together
        np.testing.assert_array_equal(batch_x, np.repeat(batch_y[:, np.newaxis], 3, axis=1))
    sizes = [len(batch_y) for _, batch_y in seen]
    assert all(length == size for length in sizes[:-1])
    if not drop_last:
        assert sizes[-1] == (n % size or size)


def test_drop_last_leaves_out_other_examples_each_epoch() -> None:
    batches, rng = batches_of(25, 10, drop_last=True), np.random.default_rng(1)
    left_out = {frozenset(set(range(25)) - set(labels(batches, rng).tolist())) for _ in range(5)}
    assert all(len(missing) == 5 for missing in left_out)
    assert len(left_out) == 5


def test_the_order_differs_by_epoch_and_depends_on_the_stream_alone() -> None:
    batches, rng, again = batches_of(50, 8), np.random.default_rng(1), np.random.default_rng(1)
    first, second = labels(batches, rng), labels(batches, rng)
    assert (first != second).any()
    assert (first != np.arange(50)).any()
    for dtype in ("float32", "float64"):
        np.testing.assert_array_equal(labels(batches_of(50, 8, dtype)), first)
    other = batches_of(50, 8)
    next(other.epoch(again))  # an epoch that is left early
    np.testing.assert_array_equal(labels(other, again), second)
    assert (labels(other, 2) != first).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gathers_from_memory_maps_in_the_networks_dtype_without_changing_values(tmp_path: Path, dtype: str) -> None:
    x, y = np.random.default_rng(2).standard_normal((33, 4)).astype(np.float32), np.arange(33)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    mapped = [np.load(tmp_path / name, mmap_mode="r") for name in ("x.npy", "y.npy")]
    for batch_x, batch_y in Batches(*mapped, 10, np.dtype(dtype)).epoch(np.random.default_rng(1)):
        assert batch_x.dtype == dtype
        assert batch_x.flags.c_contiguous
        np.testing.assert_array_equal(batch_x, x[batch_y])
        batch_x += 1  # its own memory, not the file's
        batch_y += 1
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), x)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), y)
