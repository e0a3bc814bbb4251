"""Splits: which of a source's examples are for training, for validation and for testing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import PARTS, describe, open_array
from src.foundation.errors import UserError, machine_error
from src.foundation.files import read_json, replacing_folder, write_json

_MANIFEST = "split.json"
_LARGEST_MANIFEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Split:
    """How many examples each part gets: whole numbers, or fractions of all examples."""

    train: Annotated[int | float, "> 0"]
    valid: Annotated[int | float, "> 0"]
    test: Annotated[int | float, "> 0"]
    stratify: bool = True  # keep the classes' proportions in every part
    published_test: bool = False  # the source's own test examples are for testing, and no others

    def __post_init__(self) -> None:
        sizes = (self.train, self.valid, self.test)
        counts = all(isinstance(size, int) and size > 0 for size in sizes)
        fractions = all(isinstance(size, float) and 0 < size < 1 for size in sizes)
        if not counts and not fractions:
            raise UserError(f"{_told(self)}: give three whole numbers above 0, or three fractions between 0 and 1")
        if fractions and round(sum(sizes), 9) > 1:
            raise UserError(f"{_told(self)}: the fractions add up to {sum(sizes):g}; at most 1 can be given away")

    def counts(self, n: int) -> tuple[int, int, int]:
        """The numbers of examples for training, validation and testing, of n in all; `UserError` if n is too few."""
        if isinstance(self.train, int):
            train, valid, test = int(self.train), int(self.valid), int(self.test)
        else:
            valid, test = round(self.valid * n), round(self.test * n)
            train = round((self.train + self.valid + self.test) * n) - valid - test
        if train + valid + test > n or min(train, valid, test) < 1:
            raise UserError(
                f"{_told(self)}: that is {train} + {valid} + {test} = {train + valid + test} examples, where there are "
                f"{n}; give every part at least 1, and all parts {n} at most"
            )
        return train, valid, test


def cut(y: NDArray[np.int64], split: Split, seed: int, published_test: int = 0) -> dict[str, NDArray[np.int64]]:
    """The indices of each part's examples, in scikit-learn's order.

    First the test examples are cut off, then the validation examples of the rest, each by a call of
    `sklearn.model_selection.train_test_split` with the same seed. Training gets the first that remain, so that asking
    for fewer leaves the other parts as they are. With `split.published_test` the test examples are the source's own,
    in its order, and nothing is drawn for them.

    Args:
        y: [n], every example's class.
        split: the parts' sizes.
        seed: scikit-learn's `random_state`.
        published_test: so many of the last examples are the source's own test set.

    Raises:
        UserError: there are too few examples, or too few to have every class in every part; or the source's own test
            examples are asked for, and are not as many as those of `split`.
    """
    from sklearn.model_selection import train_test_split

    train, valid, test = split.counts(len(y))
    if split.published_test and test != published_test:
        raise UserError(
            f"data.split.test={split.test}: data.split.published_test=true takes all {published_test} test examples of "
            f"the source; give data.split.test={published_test}, and whole numbers for data.split.train and .valid"
        )
    rest, order = np.arange(len(y), dtype=np.int64), {}
    if split.published_test:
        rest, order["test"] = rest[:-test], rest[-test:]
    drawn = {"test": test, "valid": valid} if not split.published_test else {"valid": valid}
    classes, least = len(np.unique(y)), min(train, *drawn.values())
    if split.stratify and least < classes:
        raise UserError(
            f"{_told(split)}: {least} examples cannot be stratified over {classes} classes; give "
            f"every part at least {classes}, or data.split.stratify=false"
        )
    for part, count in drawn.items():
        classes_of_rest = y[rest] if split.stratify else None
        try:
            rest, order[part] = train_test_split(rest, test_size=count, stratify=classes_of_rest, random_state=seed)
        except ValueError as error:
            raise UserError(f"{_told(split)}: {part} cannot be cut off: {error}") from None
    return {"train": rest[:train], "valid": order["valid"], "test": order["test"]}


def save_split(folder: Path, made_by: Mapping[str, Any], parts: Mapping[str, NDArray[np.int64]]) -> None:
    """Writes the parts' indices as `<part>.npy`, and `split.json`, which says what made them; atomically."""
    with replacing_folder(folder) as new:
        for part in PARTS:
            np.save(new / f"{part}.npy", parts[part])
        files = {f"{part}.npy": describe(new / f"{part}.npy") for part in PARTS}
        write_json(new / _MANIFEST, {"made_by": made_by, "files": files})


def open_split(folder: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]]]:
    """What made the split in a folder, and its indices; `UserError` if a file is missing or damaged."""
    path = folder / _MANIFEST
    try:
        match read_json(path, _LARGEST_MANIFEST):
            case {"made_by": dict(made_by), "files": dict(files)}:
                parts = {part: open_array(folder / f"{part}.npy", files.get(f"{part}.npy")) for part in PARTS}
            case _:
                raise ValueError(f"{path} is damaged: it does not describe a split")
        if not all(rows.dtype == np.int64 and rows.shape == (rows.size,) for rows in parts.values()):
            raise ValueError(f"{folder}: its arrays are not indices of examples")
        together = np.concatenate([parts[part] for part in PARTS])
        if together.min(initial=0) < 0 or len(np.unique(together)) < len(together):
            raise ValueError(f"{folder}: its parts are not disjoint")
        return made_by, parts
    except (UserError, OSError, ValueError, RecursionError) as error:
        reason = machine_error(error) if isinstance(error, OSError) else error
        raise UserError(f"{reason}. Run `python -m src.split` to make it anew") from None


def _told(split: Split) -> str:
    return f"data.split.train={split.train} data.split.valid={split.valid} data.split.test={split.test}"
