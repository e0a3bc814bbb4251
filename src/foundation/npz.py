"""Arrays in a sealed file: an uncompressed `.npz` that ends with the SHA-256 of all bytes before it.

The seal is the archive's comment, so `np.load` can read the file, too. A cut or altered file does not match its seal.
No header is trusted with memory: an array is read only if the file is long enough to contain it.
"""

import hashlib
import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from src.foundation.files import replacing

# What NumPy and zipfile may raise when they read damaged bytes.
DAMAGE = (
    ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, RuntimeError, OverflowError, MemoryError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
_SEAL = b"sha256:"
_SEAL_BYTES = len(_SEAL) + 64
_CHUNK = 1 << 20
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays by name, atomically. Equal arrays give equal bytes. Raises `ValueError` for objects: no pickle."""
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **dict(arrays))
        file.seek(-2, os.SEEK_END)  # the last two bytes of an archive without a comment are the comment's length
        file.write(struct.pack("<H", _SEAL_BYTES))
        file.flush()
        file.write(_SEAL + _digest(file.fileno(), file.tell()).encode())


def read_npz(path: Path, limit: int) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name. Raises `ValueError` if it is damaged or larger than `limit` bytes."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise ValueError(f"{size} bytes; allowed: at most {limit}")
            _check_seal(file, size)
            with zipfile.ZipFile(file) as archive:
                return _read_members(archive, size)
    except FileNotFoundError:
        raise
    except DAMAGE as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _check_seal(file: IO[bytes], size: int) -> None:
    sealed = size - _SEAL_BYTES
    seal = os.pread(file.fileno(), _SEAL_BYTES, max(sealed, 0))
    if sealed < 0 or seal != _SEAL + _digest(file.fileno(), sealed).encode():
        raise ValueError("its bytes do not match the digest at its end")


def _read_members(archive: zipfile.ZipFile, size: int) -> dict[str, NDArray[Any]]:
    members = archive.infolist()
    if len({member.filename for member in members}) < len(members):
        raise ValueError("it contains an array twice")
    if not all(re.fullmatch(r"\w+\.npy", member.filename) for member in members):
        raise ValueError("it contains members that are not arrays")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("it contains compressed arrays, which are not allowed")
    if sum(member.file_size for member in members) > size:
        raise ValueError("it would unpack to more bytes than it has")
    return {member.filename.removesuffix(".npy"): _read_array(archive, member) for member in members}


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        shape, fortran_order, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
        length = math.prod(shape) * dtype.itemsize
        if dtype.hasobject or min(shape, default=0) < 0 or file.tell() + length != member.file_size:
            raise ValueError(f"{member.filename} claims to be {dtype} {shape}, but its length differs")
        data = bytearray(file.read())  # up to the end, where zipfile verifies its checksum
        return np.frombuffer(data, dtype, math.prod(shape)).reshape(shape, order="F" if fortran_order else "C")


def _digest(descriptor: int, length: int) -> str:
    """SHA-256 of the first `length` bytes of an open file."""
    digest = hashlib.sha256()
    for start in range(0, length, _CHUNK):
        digest.update(os.pread(descriptor, min(_CHUNK, length - start), start))
    return digest.hexdigest()
