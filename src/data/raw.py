"""The interface of a source of raw data, and the verification of its files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError
from src.foundation.files import sha256_file

Values = NDArray[np.uint8] | NDArray[np.float64]


class Raw(NamedTuple):
    """All examples of a source, in their published order."""

    x: Values  # [n, features]; of a table [n, columns], NaN: missing, and codes in place of categories
    y: NDArray[np.int64]  # [n], the index of the example's label
    group: NDArray[np.int64] | None = None  # [n], the index of the example's group, if the source has groups
    published_test: int = 0  # this many of the last examples are the published test set
    columns: tuple[str, ...] = ()  # the names of the columns of a table
    categories: Mapping[int, tuple[str, ...]] = {}  # of a table: the texts that the codes of a column stand for


class Labelled(NamedTuple):
    """Examples as a file has them, with the labels that were found."""

    x: Values  # [n, features]
    y: NDArray[np.int64]  # [n], indices of labels
    labels: tuple[str, ...]
    image: tuple[int, int] | None = None  # height and width, if examples are images
    published_test: int = 0  # this many of the last examples are the test set that the file itself has


class Source(NamedTuple):
    """A source of raw data: `fetch` gets its files into a folder, `read` verifies and reads them."""

    fetch: Callable[[Path, Path | None], None]  # fetch(folder, mirror); keeps valid files
    read: Callable[[Path], Raw]
    image: tuple[int, int] | None  # height and width, if examples are images
    largest: int | None  # x is between 0 and this; None: x has no such bounds
    labels: tuple[str, ...]
    features: tuple[str, ...] | None = None  # names of the columns of x, if any; of a table not known before `fit`
    groups: tuple[str, ...] = ()  # names of groups within the classes
    published_test: int = 0  # this many of the last examples are the published test set, unless `Raw` says it
    seed: int | None = None  # `data.seed` of the examples in the files, if other seeds give others
    generate: Callable[[int], Raw] | None = None  # the examples of another seed
    marks: Callable[[Path], Raw] | None = None  # as `read`, but quickly and without x

    def examples(self, folder: Path, seed: int) -> Raw:
        """The examples of a seed: those of the files, verified, or generated ones."""
        return self.read(folder) if self.generate is None or seed == self.seed else self.generate(seed)


def is_whole(path: Path, digest: str) -> bool:
    """Whether the file exists and has this SHA-256."""
    return path.is_file() and sha256_file(path) == digest


def require_whole(path: Path, digest: str) -> None:
    """Raises `UserError` unless the file exists and has this SHA-256."""
    if not is_whole(path, digest):
        state = "is damaged (its SHA-256 differs from the published one)" if path.is_file() else "does not exist"
        raise UserError(f"{path} {state}: run `python -m src.fetch` to get it")
