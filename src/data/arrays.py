"""Own data in an `.npz` file: arrays x and y, and x_test and y_test if a test set came with them; never pickle."""

import math
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.own import indexed, require_memory
from src.data.raw import Labelled, Values
from src.foundation.errors import UserError
from src.foundation.npz import DAMAGE

_ALIASES = {"x_train": "x", "y_train": "y"}  # as in the files of Keras
_NEEDED = "needed: x and y (or x_train and y_train), and for a test set x_test and y_test"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_EXACT = 2**53  # the largest integer below which float64 has every one


class _Member(NamedTuple):
    """An array in the file, as its header describes it."""

    name: str  # in the file
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def read(path: Path, image: tuple[int, int] | None = None) -> Labelled:
    """The examples of a file: x uint8 if its values are, else float64.

    image: the height and width that examples must have; None: any.

    x is [n, features], or images [n, height, width] or [n, height, width, 1]; y is [n] or [n, 1], integers or texts.

    Raises:
        UserError: the file is damaged, an array is missing, or has another shape or type.
    """
    members = _members(path)
    cells = sum(math.prod(members[name].shape) for name in ("x", "x_test") if name in members)
    require_memory(path, 2 * cells * members["x"].dtype.itemsize + 8 * cells)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[member.name] for name, member in members.items()}
    except DAMAGE as error:
        raise UserError(f"{path}: damaged: {error}") from None
    x, y = _x(path, "x", arrays["x"]), _labels(path, "y", arrays["y"])
    tested = 0
    if "x_test" in arrays:
        x_test, y_test = _x(path, "x_test", arrays["x_test"]), _labels(path, "y_test", arrays["y_test"])
        if x.shape[1:] != x_test.shape[1:] or y.dtype.kind != y_test.dtype.kind:
            raise UserError(f"{path}: x_test and y_test must have the shapes of examples and the types of x and y")
        if (x.dtype == np.uint8) != (x_test.dtype == np.uint8):
            raise UserError(
                f"{path}: x_test is {arrays['x_test'].dtype}, x {arrays['x'].dtype}; allowed: the same type"
            )
        _require_equally_many(path, "_test", x_test, y_test)
        _require_equally_many(path, "", x, y)
        tested, x, y = len(y_test), np.concatenate([x, x_test]), np.concatenate([y, y_test])
    _require_equally_many(path, "", x, y)
    indices, labels = indexed(y)
    shape = (x.shape[1], x.shape[2]) if x.ndim == 3 else None
    if image not in (None, shape):
        raise UserError(f"data.image={list(image)}: x of {path} has the shape {list(x.shape)}")
    return Labelled(x.reshape(len(x), -1), indices, labels, shape, tested)


def _members(path: Path) -> dict[str, _Member]:
    """The arrays that are used, x and y first, before their values are read."""
    found: dict[str, _Member] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                key = _ALIASES.get(name.lower(), name.lower())
                if key not in ("x", "y", "x_test", "y_test"):
                    continue
                if key in found:
                    raise UserError(f"{path}: has both {found[key].name} and {name}; {_NEEDED}")
                with archive.open(info) as file:
                    shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
                    length = file.tell() + math.prod(shape) * dtype.itemsize
                if dtype.hasobject:
                    raise UserError(
                        f"{path}: {name} has Python objects, which only pickle reads; save numbers, or "
                        f"{name}.astype(str)"
                    )
                if min(shape, default=0) < 0 or length != info.file_size:
                    raise UserError(
                        f"{path}: damaged: {name} claims to be {dtype} {list(shape)}, but its length differs"
                    )
                found[key] = _Member(name, shape, dtype)
            names = ", ".join(info.filename.removesuffix(".npy") for info in archive.infolist()[:8])
    except DAMAGE as error:
        raise UserError(f"{path}: not an .npz file, or damaged ({error})") from None
    missing = {"x", "y"} - found.keys()
    if missing or ("x_test" in found) != ("y_test" in found):
        raise UserError(f"{path}: has {names or 'no arrays'}; {_NEEDED}")
    return found


def _x(path: Path, name: str, x: NDArray[Any]) -> Values:
    """[n, features] or [n, height, width]: uint8, or finite float64."""
    shape = list(x.shape)
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    if x.ndim not in (2, 3) or not x.size:
        grey = "; make colours grey, as in x.mean(axis=3)" if x.ndim == 4 else ""
        raise UserError(f"{path}: {name} has the shape {shape}; allowed: [n, features] or [n, height, width]{grey}")
    if x.dtype.kind not in "biuf":
        raise UserError(f"{path}: {name} is {x.dtype}; allowed: integers or floats")
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind in "iu" and (x.max() > _EXACT or x.min() < -_EXACT):
        raise UserError(f"{path}: {name} has integers beyond 2^53, which no float64 holds exactly")
    if not (finite := np.isfinite(x)).all():
        place = ", ".join(map(str, np.argwhere(~finite)[0].tolist()))
        raise UserError(f"{path}: {name}[{place}] is {x[tuple(np.argwhere(~finite)[0])]}; allowed: finite numbers")
    wide = x.astype(np.float64)
    if not np.isfinite(wide).all():  # a long double
        raise UserError(f"{path}: {name} has numbers beyond float64")
    return wide


def _labels(path: Path, name: str, y: NDArray[Any]) -> NDArray[Any]:
    """[n]: int64 or texts."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hot = f"; of one-hot rows, save {name}.argmax(axis=1)" if y.ndim == 2 else ""
        raise UserError(f"{path}: {name} has the shape {list(y.shape)}; allowed: [n]{hot}")
    if y.dtype.kind == "U":
        return y
    if y.dtype.kind == "S":
        try:
            return np.char.decode(y, "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: {name} is not UTF-8 text ({error})") from None
    if y.dtype.kind in "biu" and y.max(initial=0) <= np.iinfo(np.int64).max:
        return y.astype(np.int64)
    if y.dtype.kind == "f" and np.isfinite(y).all() and (np.abs(y) < _EXACT).all() and (y == np.rint(y)).all():
        return y.astype(np.int64)
    raise UserError(f"{path}: {name} is {y.dtype}; allowed: integers, or texts, one for each class")


def _require_equally_many(path: Path, suffix: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    if len(x) != len(y):
        raise UserError(f"{path}: x{suffix} has {len(x)} examples, y{suffix} {len(y)}; allowed: equally many")
