"""Own data in .npz files: whatever forms people save are read; what can't be is refused by the name of the array."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.data import arrays
from tests.data.conftest import little_memory
from tests.helpers.refusals import refusal

X = np.random.default_rng(0).normal(size=(6, 4))
Y = np.array([2, 0, 1, 2, 10, 1])
SMALL = np.arange(24, dtype=np.uint8).reshape(6, 4)


def saved(folder: Path, **named: Any) -> Path:
    np.savez(folder / "mine.npz", **named)
    return folder / "mine.npz"


@pytest.mark.parametrize(
    ("x", "dtype", "image"),
    [
        (X, np.float64, None),
        (X.astype(np.float32), np.float64, None),
        (X.astype(">f8"), np.float64, None),
        (np.asfortranarray(X), np.float64, None),
        (SMALL.astype(np.int16), np.float64, None),
        (SMALL > 11, np.float64, None),
        (SMALL, np.uint8, None),
        (SMALL.reshape(6, 2, 2), np.uint8, (2, 2)),
        (SMALL.reshape(6, 2, 2, 1), np.uint8, (2, 2)),
        (X.reshape(6, 2, 2), np.float64, (2, 2)),
    ],
)
def test_numbers_and_images_of_any_type_are_read(x: np.ndarray, dtype: type, image: Any, tmp_path: Path) -> None:
    examples = arrays.read(saved(tmp_path, x=x, y=Y))
    np.testing.assert_array_equal(examples.x, x.reshape(6, 4))
    assert (examples.x.dtype, examples.image) == (dtype, image)
    assert arrays.read(tmp_path / "mine.npz", image).image == image


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (Y, ("0", "1", "2", "10")),
        (Y.astype(np.uint8), ("0", "1", "2", "10")),
        (Y[:, None].astype(np.float32), ("0", "1", "2", "10")),
        (Y > 1, ("0", "1")),
        (Y.astype(str), ("0", "1", "10", "2")),
        (np.array(["é", "b", "no", "b", "1", "${x}"]), ("${x}", "1", "b", "no", "é")),
        (np.array([b"a", b"b", b"a", b"b", b"a", b"b"]), ("a", "b")),
    ],
)
def test_labels_are_numbers_in_their_order_or_sorted_texts(y: np.ndarray, labels: Any, tmp_path: Path) -> None:
    examples = arrays.read(saved(tmp_path, x=X, y=y))
    assert examples.labels == labels
    plain = [label.decode() if isinstance(label, bytes) else label for label in y.ravel().tolist()]
    assert [labels[k] for k in examples.y] == [str(label if isinstance(label, str) else int(label)) for label in plain]


def test_a_test_set_comes_last_whatever_the_case_and_the_other_names(tmp_path: Path) -> None:
    for names in (("x", "y", "x_test", "y_test"), ("X_train", "y_train", "X_test", "y_test")):
        given = dict(zip(names, (X[:4], Y[:4], X[4:], Y[4:]), strict=True))
        examples = arrays.read(saved(tmp_path, **given, groups=np.zeros(3)))
        np.testing.assert_array_equal(examples.x, X)
        assert [examples.labels[k] for k in examples.y] == [str(label) for label in Y]
        assert examples.published_test == 2


def at(value: float) -> np.ndarray:
    """X with another value at one place."""
    changed = X.copy()
    changed[1, 2] = value
    return changed


REFUSED = {
    "nothing": ({}, "has no arrays; needed: x and y"),
    "no y": ({"x": X, "target": Y}, "has x, target; needed: x and y"),
    "half a test set": ({"x": X, "y": Y, "x_test": X}, "needed: x and y"),
    "two": ({"x": X, "y": Y, "x_train": X}, "has both x and x_train"),
    "objects": ({"x": X, "y": Y.astype(object)}, "y has Python objects, .*pickle.*astype"),
    "texts": ({"x": X.astype(str), "y": Y}, "x is <U"),
    "complex": ({"x": X + 1j, "y": Y}, "x is complex128"),
    "one dimension": ({"x": X[:, 0], "y": Y}, r"x has the shape \[6\]"),
    "colours": ({"x": X.reshape(6, 1, 1, 4), "y": Y}, r"x has the shape \[6, 1, 1, 4\].*make colours grey"),
    "no features": ({"x": X[:, :0], "y": Y}, r"x has the shape \[6, 0\]"),
    "one-hot": ({"x": X, "y": np.eye(6)}, r"y has the shape \[6, 6\].*y\.argmax\(axis=1\)"),
    "not a number": ({"x": at(np.nan), "y": Y}, r"x\[1, 2\] is nan"),
    "infinite": ({"x": at(np.inf), "y": Y}, r"x\[1, 2\] is inf"),
    "large integers": ({"x": np.full((6, 4), 2**60), "y": Y}, "beyond 2\\^53"),
    "fractions": ({"x": X, "y": Y + 0.5}, "y is float64; allowed: integers, or texts"),
    "a missing label": ({"x": X, "y": np.array([0, 1, np.nan, 1, 0, 1])}, "y is float64"),
    "too few": ({"x": X, "y": Y[:5]}, "x has 6 examples, y 5"),
    "too few to test": ({"x": X, "y": Y, "x_test": X, "y_test": Y[:5]}, "x_test has 6 examples, y_test 5"),
    "other features": ({"x": X, "y": Y, "x_test": X[:, :3], "y_test": Y}, "must have the shapes"),
    "other labels": ({"x": X, "y": Y, "x_test": X, "y_test": Y.astype(str)}, "must have the shapes"),
    "other values": ({"x": SMALL, "y": Y, "x_test": X, "y_test": Y}, "x_test is float64, x uint8"),
}


@pytest.mark.parametrize("given", REFUSED)
def test_what_can_not_be_used_is_refused_by_name(given: str, tmp_path: Path) -> None:
    named, reason = REFUSED[given]
    assert re.search(reason, refusal(arrays.read, saved(tmp_path, **named)))


def test_a_damaged_file_takes_no_memory(tmp_path: Path) -> None:
    whole = saved(tmp_path, x=X, y=Y).read_bytes()
    path = tmp_path / "damaged.npz"
    for damaged in (b"", b"PK", whole[:-30], whole[:40] + b"\xff" * 40 + whole[80:], X.tobytes()):
        path.write_bytes(damaged)
        with little_memory():
            assert "damaged" in refusal(arrays.read, path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2**10)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    with little_memory():
        assert "claims to be float64" in refusal(arrays.read, path)
    claim = header.getvalue() + bytes(30_000_000)  # a bomb unpacks to less than it claims
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", claim)
    with little_memory():
        assert "claims to be float64" in refusal(arrays.read, path)
