"""Sealed arrays: what was written comes back, and nothing else is accepted."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from src.foundation.npz import read_npz, write_npz
from tests.helpers.archives import claims, sealed, zipped

LIMIT = 1 << 20
ARRAYS = {
    "header": np.array(json.dumps({"é": 1})),
    "matrix": np.arange(12, dtype=np.float32).reshape(3, 4),
    "columns": np.asfortranarray(np.eye(3, 2)),
    "scalar": np.array(7, np.int64),
    "nothing": np.zeros((0, 5), np.float64),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_npz(tmp_path / "a.npz", ARRAYS)
    return tmp_path / "a.npz"


def test_arrays_come_back_as_they_were_and_numpy_reads_them_too(file: Path, tmp_path: Path) -> None:
    read = read_npz(file, LIMIT)
    with np.load(file, allow_pickle=False) as archive:
        assert read.keys() == set(archive.files) == ARRAYS.keys()
        for name, array in ARRAYS.items():
            assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
            assert np.array_equal(read[name], array)
            assert np.array_equal(archive[name], array)
    read["matrix"][0, 0] = 5  # it can be written to
    write_npz(tmp_path / "b.npz", ARRAYS)
    assert (tmp_path / "b.npz").read_bytes() == file.read_bytes()


def test_no_bit_can_be_flipped_and_no_end_cut_off(file: Path) -> None:
    whole = file.read_bytes()
    for bit in range(0, 8 * len(whole), 7):  # each kind of byte, and every position within a byte
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="do not match"):
            read_npz(file, LIMIT)
    for length in range(0, len(whole), 3):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="do not match"):
            read_npz(file, LIMIT)


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object"):
        write_npz(tmp_path / "o.npz", {"o": np.array([{}], dtype=object)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.npy": claims("(1000000000000,)")}, "its length differs"),
        ({"a.npy": claims("(-1,)")}, "its length differs"),
        ({"a.npy": claims("(1,)", "|O", b"12345678")}, "its length differs"),
        ({"a.npy": claims("(2,)", content=b"12345678")}, "its length differs"),
        ({"a.npy": b"not an array"}, "magic|array"),
        ({"a.npy": b""}, "."),
        ({"../a.npy": b""}, "not arrays"),
    ],
)
def test_a_false_header_with_a_right_seal_is_rejected(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_npz(sealed(tmp_path / "false.npz", zipped(members.items())), LIMIT)


def test_compressed_arrays_and_files_over_the_limit_are_rejected(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allowed: at most 100"):
        read_npz(file, 100)
    zeros = claims("(8000000,)", "|u1", bytes(8_000_000))
    bomb = sealed(tmp_path / "bomb.npz", zipped([("a.npy", zeros)], zipfile.ZIP_DEFLATED))
    assert bomb.stat().st_size < LIMIT
    with pytest.raises(ValueError, match="compressed"):
        read_npz(bomb, LIMIT)
