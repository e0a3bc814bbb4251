"""What a source of raw data offers to the stages, and the check that its files are what they should be."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError
from src.foundation.files import sha256_file

GRID = 2.0**-20  # raw values that are no integers are multiples of it, so that their sums are exact on any CPU

Values = NDArray[np.uint8] | NDArray[np.float64]


class Raw(NamedTuple):
    """All examples of a source, in the order in which it publishes them."""

    x: Values  # [n, features]
    y: NDArray[np.int64]  # [n], the index of the example's label
    group: NDArray[np.int64] | None = None  # [n], the index of the example's group, where the source has groups


class Source(NamedTuple):
    """A source of raw data: `fetch` gets its files into a folder, `read` verifies and reads them."""

    fetch: Callable[[Path, Path | None], None]  # fetch(folder, mirror); keeps what is in place already
    read: Callable[[Path], Raw]
    image: tuple[int, int] | None  # height and width of an example, where it is an image
    largest: int | None  # the largest value that x can take, where the smallest is 0; None: x is not bounded so
    labels: tuple[str, ...]
    features: tuple[str, ...] | None = None  # names of the columns of x, where they have any
    groups: tuple[str, ...] = ()  # names of a finer grouping, inside the classes
    published_test: int = 0  # so many of the last examples are the test set that its publisher cut off


def is_whole(path: Path, digest: str) -> bool:
    """Whether the file is there and has this SHA-256."""
    return path.is_file() and sha256_file(path) == digest


def require_whole(path: Path, digest: str) -> None:
    """Raises `UserError` unless the file is there and has this SHA-256."""
    if not is_whole(path, digest):
        state = "is damaged (its SHA-256 is not the published one)" if path.is_file() else "is not there"
        raise UserError(f"{path} {state}: run `python -m src.fetch` to get it")
