"""MNIST in miniature: four files of the real names and format, put in the table of published files."""

import contextlib
import hashlib
import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from src.data import mnist

SHAPES = {
    "train-images-idx3-ubyte": (30, 28, 28),
    "train-labels-idx1-ubyte": (30,),
    "t10k-images-idx3-ubyte": (20, 28, 28),
    "t10k-labels-idx1-ubyte": (20,),
}


def idx_bytes(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Fails where the block takes 10 MB or more at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Each file's name and its bytes, verified by `mnist` as it verifies the real ones; no place serves them."""
    random = np.random.default_rng(0)
    contents = {}
    for name, shape in SHAPES.items():
        values = random.integers(0, 256, shape) if "images" in name else np.arange(shape[0]) % 10
        contents[name] = idx_bytes(values)
    files = {name: mnist.Published(SHAPES[name], hashlib.sha256(contents[name]).hexdigest()) for name in SHAPES}
    monkeypatch.setattr(mnist, "FILES", files)
    monkeypatch.setattr(mnist, "PLACES", {})
    return contents


@pytest.fixture
def mirror(published: dict[str, bytes], tmp_path: Path) -> Path:
    """A folder with the four files."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in published.items():
        (folder / name).write_bytes(content)
    return folder
