"""Raw examples, before scaling, and the files that users give."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError
from src.foundation.files import read_capped


class RawExamples(NamedTuple):
    """Values as the source of the model's data has them, before scaling."""

    names: list[str]  # of the examples: "points.csv:2" for a line, "x.npy[0]" for a row, or the file's name
    x: NDArray[np.float64]  # [n, features]


def require_file(path: Path) -> None:
    """Raises `UserError` unless this is a regular file."""
    if path.is_dir():
        raise UserError(f"{path}: a folder; give the files in it, as in {path / '*'}")
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if not path.is_file():
        raise UserError(f"{path}: not a regular file")


def content(path: Path, limit: int) -> bytes:
    """The bytes of a file; `UserError` if it is not a regular file, empty, or too large."""
    require_file(path)
    if not (data := read_capped(path, limit)):
        raise UserError(f"{path}: an empty file")
    return data


def number(text: str) -> float | None:
    """A number as people write it, or None. `nan` and `inf` are numbers here; they are rejected later, by name."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
