"""IDX files, the format of MNIST: a header, then unsigned bytes; four files are images and labels, train and test.

The format is described at the end of http://yann.lecun.com/exdb/mnist/: two zeros, a type, the number of dimensions,
their sizes in 4 bytes each, the values. Files may be gzipped. Nothing that a header claims is trusted with memory.
"""

import gzip
import io
import math
import re
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from src.data.own import indexed, require_memory
from src.data.raw import Labelled
from src.foundation.errors import UserError
from src.foundation.files import copy_capped

_UNSIGNED_BYTES = 8
_NAME = re.compile(r"(images[.-]idx3|labels[.-]idx1)-ubyte(\.gz)?", re.IGNORECASE)
_KINDS = ("train images", "train labels", "test images", "test labels")
_NEEDED = (
    "needed: four files, plain or .gz: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
    "t10k-labels-idx1-ubyte"
)


def found(folder: Path) -> tuple[Path, ...]:
    """The four files of a folder: images and labels to train on, then to test on.

    Raises:
        UserError: one is missing, or there are two of it.
    """
    files: dict[str, list[Path]] = {kind: [] for kind in _KINDS}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and (match := _NAME.search(path.name)):
            part = "test" if re.search("t10k|test", path.name, re.IGNORECASE) else "train"
            files[f"{part} {match[1][:6].lower()}"].append(path)
    for kind, paths in files.items():
        if len(paths) != 1:
            names = " and ".join(path.name for path in paths)
            there = f"several files of {kind} ({names})" if paths else f"no file of {kind}"
            raise UserError(f"{folder}: {there}; {_NEEDED}")
    return tuple(path for [path] in files.values())


def read(folder: Path, image: tuple[int, int] | None = None) -> Labelled:
    """The examples of a folder's four files, x uint8.

    image: the height and width that they must have; None: any.

    Raises:
        UserError: a file is missing or damaged, or their counts or sizes differ.
    """
    names = found(folder)
    require_memory(folder, sum(math.prod(_header(path)[1]) for path in names))
    images, labels, test_images, test_labels = map(values, names)
    _require_fit(names[0], images, names[1], labels)
    _require_fit(names[2], test_images, names[3], test_labels)
    if images.shape[1:] != test_images.shape[1:]:
        raise UserError(
            f"{names[2]}: its images are {test_images.shape[1:]}, those of {names[0].name} {images.shape[1:]}"
        )
    if image not in (None, images.shape[1:]):
        raise UserError(f"data.image={list(image)}: the images of {names[0]} are {_words(images.shape[1:])}")
    x, (y, known) = np.concatenate([images, test_images]), indexed(np.concatenate([labels, test_labels]))
    return Labelled(x.reshape(len(x), -1), y, known, (x.shape[1], x.shape[2]), len(test_labels))


def values(path: Path) -> NDArray[np.uint8]:
    """The values of a file, in its shape; of a plain file as a read-only memory map.

    Raises:
        UserError: it is not an IDX file of unsigned bytes, or its length differs from what its header says.
    """
    start, shape, zipped = _header(path)
    length = start + math.prod(shape)
    if not zipped:
        if (size := path.stat().st_size) != length:
            raise UserError(f"{path}: damaged: has {size} bytes; its header, {_words(shape)}, makes {length}")
        if not math.prod(shape):
            return np.zeros(shape, np.uint8)
        return np.memmap(path, np.uint8, mode="r", offset=start, shape=shape)
    content = io.BytesIO()
    try:
        with gzip.open(path) as file:
            copied = copy_capped(cast(IO[bytes], file), content, length)
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"{path}: damaged: {error}") from None
    if copied != length:
        raise UserError(f"{path}: damaged: unpacks to {copied} bytes; its header, {_words(shape)}, makes {length}")
    return np.frombuffer(content.getbuffer(), np.uint8, offset=start).reshape(shape)


def _header(path: Path) -> tuple[int, tuple[int, ...], bool]:
    """Where a file's values start, their shape, and whether the file is gzipped, whatever its name."""
    with path.open("rb") as plain:
        zipped = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        try:
            head = (gzip.GzipFile(fileobj=plain) if zipped else plain).read(4 + 4 * 255)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UserError(f"{path}: damaged: {error}") from None
    if len(head) < 4 or head[:2] != b"\0\0" or head[3] == 0 or len(head) < 4 + 4 * head[3]:
        raise UserError(f"{path}: not an IDX file: it starts with {head[:4].hex(' ') or 'nothing'}")
    if head[2] != _UNSIGNED_BYTES:
        raise UserError(f"{path}: its values have type 0x{head[2]:02x}; allowed: 0x08, unsigned bytes")
    return 4 + 4 * head[3], struct.unpack_from(f">{head[3]}I", head, 4), zipped


def _require_fit(name: Path, x: NDArray[np.uint8], other: Path, y: NDArray[np.uint8]) -> None:
    """Raises `UserError` unless x [n, height, width] are images, and y [n] their labels."""
    if (x.ndim, y.ndim) != (3, 1):
        raise UserError(f"{name}: has {x.ndim} dimensions, {other.name} {y.ndim}; allowed: 3 for images, 1 for labels")
    if len(x) != len(y) or not x.size:
        raise UserError(f"{name}: has {len(x)} images, {other.name} {len(y)} labels; allowed: equally many, at least 1")


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
