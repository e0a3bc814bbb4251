"""Recipes: a source, a split and a scaling under one name, and the three stages that prepare the arrays.

data/raw/<folder>/  --split-->  data/split/<name>/  --normalize-->  data/normalized/<name>/
"""

import contextlib
import glob
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.dataset import open_dataset, write_manifest
from src.data.encoding import Encoding, fit_table, take
from src.data.prepared import Prepared, amend_manifest, of_earlier_data, prepared, raw_test_digest
from src.data.raw import Raw
from src.data.recipe import Recipe
from src.data.scaling import batches, fit, scaled
from src.data.sources import SOURCES, open_source
from src.data.splits import Split, cut, open_split, save_split
from src.foundation.errors import UserError
from src.foundation.files import ROOT, replacing_folder
from src.foundation.locks import locked
from src.foundation.schema import flatten, plain, show

__all__ = ["STAGES", "Recipe", "Split", "forget", "make", "prepare", "split_otherwise", "unscaled"]


def make(recipe: Recipe, *stages: str, root: Path = ROOT) -> None:
    """Runs some of `STAGES`, in this order, while no other process works on the recipe's files.

    fetch: the source's files, in `data/raw/<folder>/`; valid files are kept.
    split: the indices of each set's examples, in `data/split/<name>/`.
    normalize: the arrays, in `data/normalized/<name>/`, scaled as fitted on the training set.

    Raises:
        UserError: what a stage reads is missing or damaged, or the split was made by another recipe.
        RunFailed: the source's files can't be fetched.
    """
    with _alone(recipe, root):
        for stage in stages:
            STAGES[stage](recipe, root)


def prepare(recipe: Recipe, root: Path = ROOT) -> Prepared:
    """Opens the recipe's arrays, after making them if they do not exist, or one's own data have been updated since.

    If several processes need them at once, one makes them and the others wait.

    Raises:
        UserError: the arrays are damaged, or were made by another recipe.
        RunFailed: they do not exist, and the source's files can't be fetched.
    """
    folder = _folder("normalized", recipe, root)
    if not folder.exists() or of_earlier_data(folder, recipe):
        with _alone(recipe, root):
            if not folder.exists() or of_earlier_data(folder, recipe):
                print(f"preparing data {recipe.name} in {folder}", file=sys.stderr)
                for stage in STAGES.values():
                    stage(recipe, root)
    elif recipe.mirror is not None:  # which is verified: it may be meant to be other data
        with _alone(recipe, root):
            _fetch(recipe, root)
    dataset = prepared(folder, open_dataset(folder))
    if differences := _differences(dataset.recipe, _stored(recipe)):
        raise UserError(
            f"{folder} was made by another recipe ({differences}): choose another data.name, such as "
            f"data.name={recipe.name[:98]}_2, or rebuild these arrays by `dvc repro normalize` or by "
            "`python -m src.split` and `python -m src.normalize`"
        )
    return dataset


def forget(recipe: Recipe, root: Path = ROOT) -> None:
    """Removes the split and the arrays of a recipe's name, which an earlier recipe made; `prepare` makes them again."""
    with _alone(recipe, root):
        for folder in filter(Path.exists, (_folder("normalized", recipe, root), _folder("split", recipe, root))):
            gone = folder.rename(folder.with_name(f".{folder.name}.gone.tmp"))  # no reader finds half of it
            shutil.rmtree(gone, ignore_errors=True)


def unscaled(recipe: Recipe, root: Path = ROOT) -> tuple[Raw, dict[str, NDArray[np.int64]]]:
    """The source's examples, in its order and before scaling, and the indices of each set's; a table's are encoded.

    Both are made first if one of them does not exist.

    Raises:
        UserError: they are damaged, or the split was made by another recipe.
        RunFailed: the source's files do not exist, and can't be fetched.
    """
    if not all(_folder(kind, recipe, root).exists() for kind in ("raw", "split")):
        make(recipe, "fetch", "split", root=root)
    raw, parts = _read(recipe, root)
    if raw.columns and (encoding := Encoding.of(fit_table("none", raw, parts["train"], recipe.missing))):
        raw = raw._replace(x=encoding.encoded(raw.x, raw.categories)[0])
    return raw, parts


def split_otherwise(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two recipes, as stored with their arrays, split the same examples in two ways.

    Another seed of generated data gives other examples.
    """
    published = SOURCES.get(one["source"])
    fixed = published is None or published.generate is None
    keys = ("source", "sha256", "missing") if fixed else ("source", "seed")
    same = all(one.get(key) == other.get(key) for key in keys)
    return same and any(one.get(key) != other.get(key) for key in ("split", "seed"))


@contextlib.contextmanager
def _alone(recipe: Recipe, root: Path) -> Iterator[None]:
    """Locks the recipe's files for this process, and removes what a killed process left."""
    # The lock is outside data/: DVC clears the folders of its outs.
    lock = root / "runs" / ".locks" / f"data-{recipe.name}.lock"
    with locked(lock, lambda: f"another process that is preparing the data {recipe.name} ({lock})"):
        for folder in (_folder("split", recipe, root), _folder("normalized", recipe, root)):
            for stale in folder.parent.glob(f".{glob.escape(folder.name)}.*.tmp"):
                shutil.rmtree(stale, ignore_errors=True)
        yield


def _fetch(recipe: Recipe, root: Path) -> None:
    mirror = None if recipe.mirror is None else Path(recipe.mirror).expanduser()
    open_source(recipe).fetch(_folder("raw", recipe, root), mirror)


def _split(recipe: Recipe, root: Path) -> None:
    source, folder = open_source(recipe), _folder("raw", recipe, root)
    raw = source.marks(folder) if source.marks else source.examples(folder, recipe.seed)
    if recipe.split.published_test and recipe.own and not raw.published_test:
        raise UserError("data.split.published_test=true: there is no test set of its own; allowed: data.test_path=FILE")
    published, group = raw.published_test or source.published_test, None if source.groups else raw.group
    parts = cut(raw.y, recipe.split, recipe.seed, published, group)
    if group is not None:
        sizes = ", ".join(f"{part} {len(rows):,}" for part, rows in parts.items())
        print(f"data {recipe.name}: {sizes} examples, in whole groups of {show(recipe.group)}", file=sys.stderr)
    save_split(_folder("split", recipe, root), _stored_split(recipe), parts)


def _read(recipe: Recipe, root: Path) -> tuple[Raw, dict[str, NDArray[np.int64]]]:
    folder = _folder("split", recipe, root)
    made_by, parts = open_split(folder)
    if differences := _differences(made_by, _stored_split(recipe)):
        raise UserError(f"{folder} was made with other settings ({differences}): run `python -m src.split` first")
    raw = open_source(recipe).examples(_folder("raw", recipe, root), recipe.seed)
    if max(int(rows.max(initial=0)) for rows in parts.values()) >= len(raw.y):
        raise UserError(f"{folder} has indices beyond the examples of {recipe.raw_folder}: run `python -m src.split`")
    return raw, parts


def _normalize(recipe: Recipe, root: Path) -> None:
    source, (raw, parts) = open_source(recipe), _read(recipe, root)
    group = raw.group if source.groups else None
    if raw.columns:
        scaling = fit_table(recipe.scaling, raw, parts["train"], recipe.missing)
    else:
        scaling = fit(recipe.scaling, raw.x, parts["train"], source.largest)
    encoding = Encoding.of(scaling)
    width = len(encoding.features) if encoding else raw.x.shape[1]
    unknown: Counter[tuple[str, str]] = Counter()
    with replacing_folder(_folder("normalized", recipe, root)) as new:
        for part, rows in parts.items():
            np.save(new / f"y_{part}.npy", raw.y[rows])
            if group is not None:
                np.save(new / f"group_{part}.npy", group[rows])
            # Written as a stream: through a memory map, a full disk would be a bus error instead of an OSError.
            with (new / f"x_{part}.npy").open("wb") as file:
                header = {"descr": np.dtype(recipe.dtype).newbyteorder("<").str, "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, header | {"shape": (len(rows), width)})
                for batch in batches(rows):
                    x = take(raw.x, batch)
                    if encoding:
                        x, new_ones = encoding.encoded(x, raw.categories)
                        unknown.update({(part, name): count for name, count in new_ones.items()})
                    file.write(scaled(x, scaling, recipe.dtype).data)
        features = encoding.features if encoding else source.features
        write_manifest(new, _stored(recipe), source.labels, source.image, scaling, features, source.groups)
        amend_manifest(new, raw_test_digest(raw, parts["test"], source))
    for (part, name), count in unknown.items():
        print(
            f"data {recipe.name}: {count:,} examples of the {part} set have a {name} that the training set lacks; "
            "its features are 0",
            file=sys.stderr,
        )


# What a process does that has locked the recipe's files, by the name of the pipeline's stage.
STAGES: dict[str, Callable[[Recipe, Path], None]] = {"fetch": _fetch, "split": _split, "normalize": _normalize}


def _folder(kind: str, recipe: Recipe, root: Path) -> Path:
    return root / "data" / kind / (recipe.raw_folder if kind == "raw" else recipe.name)


def _stored(recipe: Recipe) -> dict[str, Any]:
    """The recipe as stored with the arrays: the name, and what determines their bytes.

    Fields of later versions are left out at their defaults, so that arrays of earlier versions stay valid.
    """
    stored: dict[str, Any] = plain(recipe, semantic_only=True)
    if recipe.dtype == Recipe.dtype:
        del stored["dtype"]
    if recipe.split.published_test == Split.published_test:
        del stored["split"]["published_test"]
    return stored


def _stored_split(recipe: Recipe) -> dict[str, Any]:
    return {key: value for key, value in _stored(recipe).items() if key not in ("name", "scaling", "dtype")}


def _differences(made: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The fields that differ, except the name, as `data.seed=1 there, 0 here`; empty if all are equal."""
    left_out = {"data.dtype": Recipe.dtype}
    left_out |= {f"data.split.{f.name}": f.default for f in fields(Split) if f.default is not MISSING}
    there, here = left_out | dict(flatten(made, "data.")), left_out | dict(flatten(asked, "data."))
    keys = sorted((there.keys() | here.keys()) - {"data.name"})
    return "; ".join(
        f"{key}={show(there.get(key))} there, {show(here.get(key))} here"
        for key in keys
        if there.get(key) != here.get(key)
    )
