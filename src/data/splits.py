"""Splits: which examples are used for training, validation and testing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import PARTS, describe, open_array, rejecting
from src.foundation.errors import UserError
from src.foundation.files import read_json, replacing_folder, write_json

_MANIFEST = "split.json"
_LARGEST_MANIFEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Split:
    """The size of each set: numbers of examples, or fractions of all examples."""

    train: Annotated[int | float, "> 0"]
    valid: Annotated[int | float, "> 0"]
    test: Annotated[int | float, "> 0"]
    stratify: bool = True  # keep the proportions of the classes in every set
    published_test: bool = False  # test on the source's own test set

    def __post_init__(self) -> None:
        sizes = (self.train, self.valid, self.test)
        counts = all(isinstance(size, int) and size > 0 for size in sizes)
        fractions = all(isinstance(size, float) and 0 < size < 1 for size in sizes)
        if not counts and not fractions:
            raise UserError(f"{self}: must be three integers > 0, or three fractions between 0 and 1")
        if fractions and round(sum(sizes), 9) > 1:
            raise UserError(f"{self}: the fractions add up to {sum(sizes):g}; allowed: at most 1")

    def __str__(self) -> str:
        """The sizes as a user types them."""
        return f"data.split.train={self.train} data.split.valid={self.valid} data.split.test={self.test}"

    def counts(self, n: int) -> tuple[int, int, int]:
        """The sizes of the three sets, for n examples. Raises `UserError` if n is too small."""
        if isinstance(self.train, int):
            train, valid, test = int(self.train), int(self.valid), int(self.test)
        else:
            valid, test = round(self.valid * n), round(self.test * n)
            train = round((self.train + self.valid + self.test) * n) - valid - test
        if train + valid + test > n or min(train, valid, test) < 1:
            raise UserError(
                f"{self}: {train} + {valid} + {test} = {train + valid + test} examples, but there are {n}; "
                f"allowed: at least 1 in each set, at most {n} in all"
            )
        return train, valid, test


def cut(y: NDArray[np.int64], split: Split, seed: int, published_test: int = 0) -> dict[str, NDArray[np.int64]]:
    """The indices of each set's examples, in scikit-learn's order.

    `sklearn.model_selection.train_test_split` first splits off the test set, then the validation set, with the same
    seed. Training takes the first of the rest, so a smaller training set does not change the other sets. With
    `split.published_test` the test set is the source's own, in its order; nothing is drawn for it.

    Args:
        y: [n], the class of each example.
        split: the sizes of the sets.
        seed: scikit-learn's `random_state`.
        published_test: the source's own test set is this many of the last examples.

    Raises:
        UserError: there are too few examples, or too few for every class in every set; or `split.test` is not the size
            of the requested published test set.
    """
    from sklearn.model_selection import train_test_split

    train, valid, test = split.counts(len(y))
    if split.published_test and test != published_test:
        raise UserError(
            f"data.split.test={split.test}: with data.split.published_test=true it must be {published_test}, the "
            "size of the source's test set, and data.split.train and .valid must be integers"
        )
    rest, order = np.arange(len(y), dtype=np.int64), {}
    if split.published_test:
        rest, order["test"] = rest[:-test], rest[-test:]
    drawn = {"test": test, "valid": valid} if not split.published_test else {"valid": valid}
    classes, least = len(np.unique(y)), min(train, *drawn.values())
    if split.stratify and least < classes:
        raise UserError(
            f"{split}: {least} examples can't be stratified over {classes} classes; allowed: at "
            f"least {classes} in each set, or data.split.stratify=false"
        )
    for part, count in drawn.items():
        classes_of_rest = y[rest] if split.stratify else None
        try:
            rest, order[part] = train_test_split(rest, test_size=count, stratify=classes_of_rest, random_state=seed)
        except ValueError as error:
            raise UserError(f"{split}: can't split off {part}: {error}") from None
    return {"train": rest[:train], "valid": order["valid"], "test": order["test"]}


def save_split(folder: Path, made_by: Mapping[str, Any], parts: Mapping[str, NDArray[np.int64]]) -> None:
    """Writes the indices as `<part>.npy`, and `split.json` with the settings that made them; atomically."""
    with replacing_folder(folder) as new:
        for part in PARTS:
            np.save(new / f"{part}.npy", parts[part])
        files = {f"{part}.npy": describe(new / f"{part}.npy") for part in PARTS}
        write_json(new / _MANIFEST, {"made_by": made_by, "files": files})


def open_split(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    """The settings and the indices of a split. Raises `UserError` if a file is missing or damaged."""
    path = folder / _MANIFEST
    with rejecting("Run `python -m src.split` to make it again"):
        match read_json(path, _LARGEST_MANIFEST):
            case {"made_by": dict(made_by), "files": dict(files)}:
                parts = {part: open_array(folder / f"{part}.npy", files.get(f"{part}.npy")) for part in PARTS}
            case _:
                raise ValueError(f"{path} is damaged: it does not describe a split")
        if not all(rows.dtype == np.int64 and rows.shape == (rows.size,) for rows in parts.values()):
            raise ValueError(f"{folder}: its arrays are not indices of examples")
        together = np.concatenate([parts[part] for part in PARTS])
        if together.min(initial=0) < 0 or len(np.unique(together)) < len(together):
            raise ValueError(f"{folder}: its sets are not disjoint")
        return made_by, parts
