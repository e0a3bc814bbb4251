"""Archives of arrays that are well sealed, whatever they hold and claim."""

import io
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

from src.foundation.files import sha256
from src.foundation.npz import _SEAL, _SEAL_BYTES


def claims(shape: str, dtype: str = "<f8", content: bytes = b"") -> bytes:
    """A file of an array whose header says what it likes."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def zipped(members: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An archive of these members, without a seal."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def sealed(path: Path, archive: bytes) -> Path:
    """A file of the archive with the seal that belongs to it."""
    content = archive[:-2] + _SEAL_BYTES.to_bytes(2, "little")
    path.write_bytes(content + _SEAL + sha256(content).encode())
    return path
