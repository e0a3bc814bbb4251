"""Opens the source of a recipe: a published one, or one's own data, as the recipe describes them."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.data import arrays, idx, images, originals
from src.data.columns import Codes, Layout, rows, used
from src.data.published import SOURCES
from src.data.raw import Labelled, Raw, Source
from src.data.recipe import Recipe
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import show

__all__ = ["BYTE", "READERS", "SOURCES", "open_source"]

BYTE = 255  # the largest value of a pixel

# How kinds of data other than tables are read: from a file or folder, and the height and width of images if the recipe
# gives them. A reader raises `UserError` for what it can't read.
READERS: dict[str, Callable[[Path, tuple[int, int] | None], Labelled]] = {
    "arrays": arrays.read,
    "idx": idx.read,
    "images": images.read,
}


def open_source(recipe: Recipe) -> Source:
    """The source of a recipe. Nothing is read yet."""
    if not recipe.own:
        return SOURCES[recipe.source]
    read = partial(_read_table if recipe.source == "table" else _read_examples, recipe)
    marks = partial(_read_table, recipe, without_x=True) if recipe.source == "table" else None
    image = None if recipe.image is None else (recipe.image[0], recipe.image[1])
    fetch = partial(_fetch, recipe)
    return Source(fetch, read, image, None if image is None else BYTE, recipe.labels, marks=marks)


def _fetch(recipe: Recipe, folder: Path, mirror: Path | None) -> None:
    originals.fetch(recipe, folder)


def _files(recipe: Recipe, folder: Path) -> list[Path]:
    """The verified copies: of the original, and of the published test set if there is one."""
    originals.require_whole(recipe.sha256, folder)
    return [path for name in (originals.ORIGINAL, originals.TEST) if (path := folder / name).exists()]


def _read_table(recipe: Recipe, folder: Path, without_x: bool = False) -> Raw:
    """A table's examples, x as a memory map of a temporary file: only what is used of it takes memory.

    without_x: x has no columns; rows with missing values are left out all the same.
    """
    files = _files(recipe, folder)
    kinds = {} if without_x and recipe.missing != "drop" else recipe.columns
    layout = Layout(kinds, recipe.label, recipe.labels, recipe.group, recipe.missing, recipe.separator, recipe.decimal)
    order = used(files[0], layout)
    codes = {name: Codes() for name in (*(name for name in order if kinds[name] == "category"), recipe.group) if name}
    y: list[NDArray[np.int64]] = []
    groups: list[NDArray[np.int64]] = []
    counts = []
    with tempfile.TemporaryFile(dir=folder.parent) as spill:
        for file in files:
            counts.append(0)
            for batch in rows(file, layout, order, codes):
                counts[-1] += len(batch.x)
                if not without_x:
                    spill.write(np.ascontiguousarray(batch.x, "<f8").data)
                for parts, part in ((y, batch.y), (groups, batch.group)):
                    if part is not None:
                        parts.append(part)
            if not counts[-1]:
                raise UserError(f"{file}: no examples{_without_missing(recipe)}; allowed: at least one for each set")
        spill.flush()
        n = sum(counts)
        shape = (n, 0 if without_x else len(order))
        x = np.zeros(shape) if without_x else np.memmap(spill, "<f8", mode="r", shape=shape)
    categories = {k: tuple(codes[name]) for k, name in enumerate(order) if name in codes}
    group = np.concatenate(groups) if groups else None
    return Raw(x, np.concatenate(y), group, counts[1] if len(counts) > 1 else 0, tuple(order), categories)


def _without_missing(recipe: Recipe) -> str:
    return " without missing values, and data.missing=drop" if recipe.missing == "drop" else ""


def _read_examples(recipe: Recipe, folder: Path) -> Raw:
    """Arrays or images, in memory."""
    image = None if recipe.image is None else (recipe.image[0], recipe.image[1])
    files = _files(recipe, folder)
    read = [READERS[recipe.source](file, image) for file in files]
    known = {label: index for index, label in enumerate(recipe.labels)}
    y = []
    for file, part in zip(files, read, strict=True):
        if part.x.shape[1:] != read[0].x.shape[1:] or part.x.dtype != read[0].x.dtype:
            raise UserError(
                f"{file}: its examples are {part.x.dtype} of {part.x.shape[1:]} values, those of {files[0].name} "
                f"{read[0].x.dtype} of {read[0].x.shape[1:]}; allowed: the same"
            )
        if unknown := [label for label in part.labels if label not in known]:
            raise UserError(
                f"{file}: {show(unknown[0])} is not in data.labels; {suggestion(unknown[0], recipe.labels)}"
            )
        y.append(np.array([known[label] for label in part.labels], np.int64)[part.y])
    test = len(y[1]) if len(y) > 1 else read[0].published_test
    return Raw(np.concatenate([part.x for part in read]), np.concatenate(y), None, test)
