import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as arrays

from src.data.idx import read_idx
from src.foundation.errors import UserError

from .conftest import idx_bytes

VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def patched(offset: int, new: bytes) -> bytes:
    whole = idx_bytes(VALUES)
    return whole[:offset] + new + whole[offset + len(new) :]


@given(arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, max_side=5)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_written_is_read(tmp_path: Path, values: np.ndarray) -> None:
    path = tmp_path / "values"
    path.write_bytes(idx_bytes(values))
    read = read_idx(path, values.ndim)
    assert read.dtype == np.uint8
    assert not read.flags.writeable
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(patched(0, b"\x01"), "two zero bytes", id="first byte"),
        pytest.param(patched(1, b"\x08"), "two zero bytes", id="second byte"),
        pytest.param(b"\x1f\x8b" + bytes(60), "two zero bytes", id="gzip"),
        pytest.param(patched(2, b"\x09"), "0x09", id="signed bytes"),
        pytest.param(patched(2, b"\x0d"), "0x0d", id="floats"),
        pytest.param(patched(3, b"\x01"), "1 dimensions, expected 3", id="labels for images"),
        pytest.param(patched(3, b"\xff"), "255 dimensions, expected 3", id="many dimensions"),
        pytest.param(patched(4, struct.pack(">I", 0)), "empty", id="no examples"),
        pytest.param(patched(4, struct.pack(">I", 3)), "40 bytes; its header implies 52", id="more announced"),
        pytest.param(patched(4, struct.pack("<I", 2)), "implies", id="little-endian"),
        pytest.param(patched(4, b"\xff" * 12), "implies", id="as large as can be"),
        pytest.param(idx_bytes(VALUES) + b"\x00", "41 bytes", id="a byte too many"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "values"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as refused:
        read_idx(path, 3)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("length", range(len(idx_bytes(VALUES))))
def test_a_cut_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "values"
    path.write_bytes(idx_bytes(VALUES)[:length])
    with pytest.raises(UserError, match="bytes"):
        read_idx(path, 3)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such file"):
        read_idx(tmp_path / "nowhere", 1)
