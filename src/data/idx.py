"""The IDX format of MNIST's files: two zero bytes, a type code, the number of dimensions, the sizes, the values.

All numbers are big-endian. The format is described at the end of http://yann.lecun.com/exdb/mnist/.
"""

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError

_UNSIGNED_BYTE = 0x08


def header_bytes(dimensions: int) -> int:
    """The length of a header for this number of dimensions."""
    return 4 + 4 * dimensions


def idx_shape(head: bytes, dimensions: int, size: int) -> tuple[int, ...]:
    """The shape of an IDX file of unsigned bytes, read from its first bytes.

    Args:
        head: the first `header_bytes(dimensions)` bytes of the file, or more.
        dimensions: how many dimensions the values have: 3 for images, 1 for labels.
        size: the length of the whole file in bytes.

    Raises:
        ValueError: this is not such a file, or its length differs from its header.
    """
    if len(head) < header_bytes(dimensions):
        raise ValueError(f"{len(head)} bytes are too few for an IDX header of {header_bytes(dimensions)} bytes")
    zeros, code, count = struct.unpack_from(">HBB", head)
    if zeros != 0:
        raise ValueError("it does not start with two zero bytes, as an IDX file does")
    if code != _UNSIGNED_BYTE:
        raise ValueError(f"its values have IDX type 0x{code:02x}, expected 0x08 (unsigned bytes)")
    if count != dimensions:
        raise ValueError(f"it has {count} dimensions, expected {dimensions}")
    shape: tuple[int, ...] = struct.unpack_from(f">{dimensions}I", head, 4)
    if 0 in shape:
        raise ValueError(f"it is empty: its shape is {shape}")
    announced = header_bytes(dimensions) + math.prod(shape)
    if size != announced:
        raise ValueError(f"it has {size} bytes; its header implies {announced}")
    return shape


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The values of an IDX file as a read-only memory map. Raises `UserError` if it is not one."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            shape = idx_shape(file.read(header_bytes(dimensions)), dimensions, size)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except ValueError as error:
        raise UserError(f"{path} is not the expected IDX file: {error}") from None
    return np.memmap(path, np.uint8, mode="r", offset=header_bytes(dimensions), shape=shape)
