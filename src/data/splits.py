"""Splits: which examples are used for training, validation and testing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import PARTS, describe, open_array, rejecting
from src.data.grouped import cut_groups
from src.foundation.errors import UserError
from src.foundation.files import read_json, replacing_folder, write_json
from src.foundation.legacy import legacy_stream

_MANIFEST = "split.json"
_LARGEST_MANIFEST = 1 << 20  # bytes

Indices = NDArray[np.int64]


class _Draw(NamedTuple):
    """What a split is drawn from."""

    rest: Indices  # of the examples to divide
    y: Indices  # [n], the class of each example of the source
    stratify: bool
    stream: Callable[[], np.random.RandomState]  # a new one, as it is when the split begins

    def two_of(self, examples: Indices, stream: np.random.RandomState, **size: int) -> list[Indices]:
        """Scikit-learn's division of examples into two sets, of which the first is its training set."""
        from sklearn.model_selection import train_test_split

        strata = self.y[examples] if self.stratify else None
        two: list[Indices] = train_test_split(examples, stratify=strata, random_state=stream, **size)
        return two


def _test_first(draw: _Draw, sizes: Mapping[str, int]) -> dict[str, Indices]:
    """The test set is split off first, then the validation set, each by a new stream of the same seed."""
    rest, parts = draw.rest, dict[str, Indices]()
    for part in reversed([*sizes][1:]):
        rest, parts[part] = draw.two_of(rest, draw.stream(), test_size=sizes[part])
    return parts | {"train": rest[: sizes["train"]]}


def _train_first(draw: _Draw, sizes: Mapping[str, int]) -> dict[str, Indices]:
    """The training set is split off first, then the validation set, both by one stream."""
    rest, parts, stream = draw.rest, dict[str, Indices](), draw.stream()
    for part in [*sizes][:-1]:
        parts[part], rest = draw.two_of(rest, stream, train_size=sizes[part])
    return parts | {part: rest[: sizes[part]] for part in [*sizes][-1:]}


def _choice(draw: _Draw, sizes: Mapping[str, int]) -> dict[str, Indices]:
    """The training set is drawn without replacement; the others are next, in the order of the source."""
    chosen = draw.stream().choice(len(draw.rest), sizes["train"], replace=False)
    rest, parts = np.delete(draw.rest, chosen), {"train": draw.rest[chosen]}
    for part in [*sizes][1:]:
        parts[part], rest = rest[: sizes[part]], rest[sizes[part] :]
    return parts


# How the sets of some sizes, the training set and one or both of the others, are drawn.
DRAWS = {"test_first": _test_first, "train_first": _train_first, "choice": _choice}
# The sets that have examples of their own. The other sets are copies of the last of these.
OVERLAPS = {"none": ("train", "valid", "test"), "valid_is_test": ("train", "test"), "all": ("train",)}


@dataclass(frozen=True)
class Split:
    """The size of each set: numbers of examples, or fractions of all examples; and how the sets are drawn."""

    train: Annotated[int | float, "> 0"]
    valid: Annotated[int | float, "> 0"]
    test: Annotated[int | float, "> 0"]
    stratify: bool = True  # keep the proportions of the classes in every set
    published_test: bool = False  # test on the source's own test set
    draw: Annotated[str, DRAWS] = field(default="test_first", metadata={"before": "test_first"})
    # This many 32-bit numbers of the stream are skipped: the text has drawn them before it splits.
    skip: Annotated[int, ">= 0", "<= 4294967295"] = field(default=0, metadata={"before": 0})
    # valid_is_test: the test set serves as validation set, too; all: each set is all examples. Both as in some texts.
    overlap: Annotated[str, OVERLAPS] = field(default="none", metadata={"before": "none"})

    def __post_init__(self) -> None:
        sizes = {"train": self.train, "valid": self.valid, "test": self.test}
        counts = all(isinstance(size, int) and size > 0 for size in sizes.values())
        fractions = all(isinstance(size, float) and 0 < size <= 1 for size in sizes.values())
        own = OVERLAPS[self.overlap]
        if not counts and not fractions:
            raise UserError(f"{self}: must be three integers > 0, or three fractions between 0 and 1")
        if fractions and round(sum(sizes[part] for part in own), 9) > 1:
            raise UserError(f"{self}: the fractions add up to {sum(sizes[part] for part in own):g}; allowed: at most 1")
        copies = [part for part in PARTS if part not in own]
        if any(sizes[part] != sizes[own[-1]] for part in copies):
            equal = " and ".join(f"data.split.{part}" for part in (*copies, own[-1]))
            raise UserError(f"{self}: with data.split.overlap={self.overlap}, {equal} must be equal")
        if self.draw == "choice" and self.stratify:
            raise UserError("data.split.draw=choice: can't stratify; allowed with data.split.stratify=false")
        if self.overlap == "all" and self.published_test:
            raise UserError("data.split.overlap=all: must be none or valid_is_test with data.split.published_test=true")

    def __str__(self) -> str:
        """The sizes as a user types them."""
        return f"data.split.train={self.train} data.split.valid={self.valid} data.split.test={self.test}"

    def counts(self, n: int) -> dict[str, int]:
        """The sizes of the three sets, for n examples. Raises `UserError` if n is too small."""
        sizes: dict[str, Any] = {"train": self.train, "valid": self.valid, "test": self.test}
        own = OVERLAPS[self.overlap]
        if isinstance(self.train, float):
            together = round(sum(sizes[part] for part in own) * n)
            sizes = {part: round(size * n) for part, size in sizes.items()}
            sizes["train"] = together - sum(sizes[part] for part in own[1:])
        used = [sizes[part] for part in own]
        if sum(used) > n or min(sizes.values()) < 1 or (self.overlap == "all" and sum(used) < n):
            allowed = "at least 1 in each set, at most" if self.overlap != "all" else "with data.split.overlap=all,"
            raise UserError(
                f"{self}: {' + '.join(map(str, used))} = {sum(used)} examples, but there are {n}; allowed: {allowed} "
                f"{n} in all"
            )
        return sizes


def cut(
    y: Indices, split: Split, seed: int, published_test: int = 0, group: Indices | None = None
) -> dict[str, Indices]:
    """The indices of each set's examples, in the order in which `split.draw` gives them.

    The set that is drawn last takes the first of the rest; so with `test_first` a smaller training set does not change
    the other sets. With `split.published_test` the test set is the source's own, in its order; nothing is drawn for it.
    A set is in the source's order if nothing is drawn at all.

    Args:
        y: [n], the class of each example.
        split: the sizes of the sets, and how they are drawn.
        seed: of `RandomState`, scikit-learn's `random_state`.
        published_test: the source's own test set is this many of the last examples.
        group: [n], the group of each example, if groups must not be divided; the sizes are then approximate.

    Raises:
        UserError: there are too few examples, or too few for every class in every set; or `split.test` is not the size
            of the requested published test set.
    """
    sizes, own = split.counts(len(y)), OVERLAPS[split.overlap]
    if split.published_test and sizes["test"] != published_test:
        raise UserError(
            f"data.split.test={split.test}: with data.split.published_test=true it must be {published_test}, the "
            "size of the source's test set, and data.split.train and .valid must be integers"
        )
    rest, parts = np.arange(len(y), dtype=np.int64), dict[str, Indices]()
    if split.published_test:
        rest, parts["test"] = rest[:-published_test], rest[-published_test:]
    drawn = {part: sizes[part] for part in own if part not in parts}
    if group is not None and len(own) > 1:
        if shared := np.intersect1d(group[rest], group[parts["test"]]).size if "test" in parts else 0:
            raise UserError(f"data.group: {shared:,} groups of the published test set have other examples, too")
        found = cut_groups(y[rest], group[rest], drawn, split.stratify, legacy_stream(seed, split.skip))
        parts |= {part: rest[rows] for part, rows in found.items()}
        return {part: parts[part if part in own else own[-1]] for part in PARTS}
    if len(drawn) == 1:
        parts["train"] = rest[: sizes["train"]]
    else:
        parts |= _drawn(_Draw(rest, y, split.stratify, lambda: legacy_stream(seed, split.skip)), split, drawn)
    return {part: parts[part if part in own else own[-1]] for part in PARTS}


def _drawn(draw: _Draw, split: Split, sizes: Mapping[str, int]) -> dict[str, Indices]:
    classes, least = len(np.unique(draw.y)), min(sizes.values())
    if split.stratify and least < classes:
        raise UserError(
            f"{split}: {least} examples can't be stratified over {classes} classes; allowed: at "
            f"least {classes} in each set, or data.split.stratify=false"
        )
    try:
        return DRAWS[split.draw](draw, sizes)
    except ValueError as error:
        raise UserError(f"{split}: can't be drawn with data.split.draw={split.draw}: {error}") from None


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
        match made_by:
            case {"split": {"overlap": str(overlap)}}:
                own = OVERLAPS.get(overlap, PARTS)
            case _:
                own = PARTS
        together = np.concatenate([parts[part] for part in own])
        if together.min(initial=0) < 0 or len(np.unique(together)) < len(together):
            raise ValueError(f"{folder}: its sets are not disjoint")
        if not all(np.array_equal(parts[part], parts[own[-1]]) for part in PARTS if part not in own):
            raise ValueError(f"{folder}: its sets do not overlap as {_MANIFEST} says")
        return made_by, parts
