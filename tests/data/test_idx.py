"""IDX files of one's own: what they hold is read, plain or gzipped; what is damaged or does not fit is named."""

import gzip
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from src.data import idx
from tests.data.conftest import idx_bytes, little_memory
from tests.helpers.refusals import refusal

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
RANDOM = np.random.default_rng(0)
ARRAYS = [
    RANDOM.integers(0, 256, (9, 4, 3)),
    np.arange(9) % 3 + 1,
    RANDOM.integers(0, 256, (4, 4, 3)),
    np.arange(4) % 3,
]


def written(folder: Path, names: tuple[str, ...] = NAMES, zipped: Callable[[bytes], bytes] = bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, values in zip(names, ARRAYS, strict=True):
        (folder / name).write_bytes(zipped(idx_bytes(values)))
    return folder


@pytest.mark.parametrize(
    ("naming", "zipped"),
    [
        (str, bytes),
        (lambda name: f"{name}.gz", gzip.compress),
        (lambda name: f"{name}.gz", bytes),  # unzipped by a browser
        (lambda name: name.replace("-idx", ".idx"), bytes),
        (lambda name: f"emnist-{name.replace('t10k', 'test')}.gz", gzip.compress),
    ],
)
def test_four_files_are_the_examples_to_train_and_to_test_on(
    naming: Callable[[str], str], zipped: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    (tmp_path / ".DS_Store").write_bytes(b"")
    (tmp_path / "readme.txt").write_bytes(b"")
    examples = idx.read(written(tmp_path, tuple(map(naming, NAMES)), zipped))
    np.testing.assert_array_equal(examples.x, np.concatenate([ARRAYS[0], ARRAYS[2]]).reshape(13, 12))
    assert examples.labels == ("0", "1", "2", "3")
    assert [int(examples.labels[k]) for k in examples.y] == [*ARRAYS[1], *ARRAYS[3]]
    assert (examples.image, examples.published_test) == ((4, 3), 4)
    assert idx.read(tmp_path, (4, 3)).image == (4, 3)
    assert "data.image=[3, 4]: the images of" in refusal(idx.read, tmp_path, (3, 4))
    assert examples.x.dtype == np.uint8
    assert examples.y.dtype == np.int64


def test_a_missing_file_and_two_of_one_are_named(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / f"{NAMES[2]}.gz").write_bytes(b"")
    message = refusal(idx.read, tmp_path)
    assert f"several files of test images ({NAMES[2]} and {NAMES[2]}.gz)" in message
    for name in (f"{NAMES[2]}.gz", NAMES[2]):
        (tmp_path / name).unlink()
    assert "no file of test images; needed: four files" in refusal(idx.read, tmp_path)


HEAD = struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31)
DAMAGED = {
    "empty": (b"", "not an IDX file: it starts with nothing"),
    "text": (b"hello, world, how are you", "not an IDX file: it starts with 68 65 6c 6c"),
    "a header that is cut": (idx_bytes(ARRAYS[0])[:9], "not an IDX file"),
    "no dimensions": (b"\0\0\x08\0", "not an IDX file"),
    "floats": (b"\0\0\x0d\x03" + idx_bytes(ARRAYS[0])[4:], "type 0x0d; allowed: 0x08"),
    "cut": (idx_bytes(ARRAYS[0])[:-1], r"damaged: has 123 bytes; its header, 9 x 4 x 3, makes 124"),
    "longer": (idx_bytes(ARRAYS[0]) + b"\0", "damaged: has 125 bytes"),
    "a huge claim": (HEAD, r"takes [\d,.]+ GiB of memory; this machine has"),
    "a huge claim, zipped": (gzip.compress(HEAD), r"takes [\d,.]+ GiB of memory; this machine has"),
    "zipped and cut": (gzip.compress(idx_bytes(ARRAYS[0]))[:-9], "damaged"),
    "zipped and longer": (gzip.compress(idx_bytes(ARRAYS[0]) + bytes(50_000_000)), "more than the expected 124 bytes"),
    "zipped and shorter": (gzip.compress(idx_bytes(ARRAYS[0])[:-5]), "unpacks to 119 bytes"),
    "labels": (idx_bytes(ARRAYS[1]), "has 1 dimensions"),
    "too few": (idx_bytes(ARRAYS[0][:8]), "has 8 images, train-labels-idx1-ubyte 9 labels"),
    "none": (idx_bytes(ARRAYS[0][:0]), "has 0 images"),
    "of another size": (idx_bytes(ARRAYS[0].reshape(9, 3, 4)), r"its images are \(4, 3\), those of .* \(3, 4\)"),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_takes_no_memory_and_is_named(damage: str, tmp_path: Path) -> None:
    content, reason = DAMAGED[damage]
    (written(tmp_path) / NAMES[0]).write_bytes(content)
    with little_memory():
        assert re.search(reason, refusal(idx.read, tmp_path))
