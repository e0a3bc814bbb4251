"""The IDX format of MNIST's files: two zero bytes, a type code, the number of dimensions, each size, then the values.

All numbers are big-endian; the format is described at the foot of http://yann.lecun.com/exdb/mnist/.
"""

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError

_UNSIGNED_BYTE = 0x08


def header_bytes(dimensions: int) -> int:
    """The length of the header of a file with so many dimensions."""
    return 4 + 4 * dimensions


def idx_shape(head: bytes, dimensions: int, size: int) -> tuple[int, ...]:
    """The shape of an IDX file of unsigned bytes, read from its first bytes.

    Args:
        head: the first `header_bytes(dimensions)` bytes of the file, or more.
        dimensions: how many dimensions the values have: 3 for images, 1 for labels.
        size: the length of the whole file in bytes.

    Raises:
        ValueError: this is no such file, or its length is not what its header announces.
    """
    if len(head) < header_bytes(dimensions):
        raise ValueError(f"its {len(head)} bytes are too few for an IDX header of {header_bytes(dimensions)}")
    zeros, code, count = struct.unpack_from(">HBB", head)
    if zeros != 0:
        raise ValueError("it does not begin with the two zero bytes of an IDX file")
    if code != _UNSIGNED_BYTE:
        raise ValueError(f"its values have the IDX type 0x{code:02x}, where unsigned bytes (0x08) are expected")
    if count != dimensions:
        raise ValueError(f"it has {count} dimensions, where {dimensions} are expected")
    shape: tuple[int, ...] = struct.unpack_from(f">{dimensions}I", head, 4)
    if 0 in shape:
        raise ValueError(f"it is empty: its shape is {shape}")
    announced = header_bytes(dimensions) + math.prod(shape)
    if size != announced:
        raise ValueError(f"it has {size} bytes, where its header announces {announced}")
    return shape


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The values of an IDX file, as a read-only memory map of its shape; `UserError` if it is no such file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            shape = idx_shape(file.read(header_bytes(dimensions)), dimensions, size)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except ValueError as error:
        raise UserError(f"{path} is not the IDX file that is expected: {error}") from None
    return np.memmap(path, np.uint8, mode="r", offset=header_bytes(dimensions), shape=shape)
