"""Writes what was found as a recipe in conf/data/ and an experiment in conf/experiment/."""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from src.adding.found import Found
from src.config.interpolations import escaped
from src.data.originals import digest_of
from src.data.recipe import Recipe
from src.data.splits import Split
from src.foundation.errors import UserError
from src.foundation.files import ROOT, write_text
from src.foundation.schema import build, plain

_RESERVED = ("null", "true", "false", "yes", "no", "on", "off", "nan", "inf", "y", "n")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")
_ALWAYS = ("name", "source", "folder", "path", "sha256")
_LAST = ("split", "scaling", "seed", "dtype")
_WORDS = (
    "name",
    "folder",
    "source",
    "missing",
    "scaling",
    "dtype",
    "draw",
    "overlap",
)  # keys whose values are names of ours
_WIDTH = 120
_LARGEST = 400_000  # characters of a recipe; params.yaml, which holds it, may have twice as many
_BATCHES = (8, 128)  # the smallest and the largest size
_UPDATES = 2000  # of a training, about
_EPOCHS = (20, 100)


class Files(NamedTuple):
    """Where the recipe and the experiment of a name are."""

    recipe: Path
    experiment: Path


def files_of(name: str) -> Files:
    """The files of a name. Raises `UserError` for a name that Hydra, or a folder, can't have."""
    if name.lower() in _RESERVED:
        raise UserError(f"{name}: YAML reads this word as a value, not as a name; choose another name for the recipe")
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r}: not a name for a recipe; allowed: a letter, then up to 49 letters, digits, '_' and '-'; "
            "NAME comes before PATH"
        )
    return Files(ROOT / "conf" / "data" / f"{name}.yaml", ROOT / "conf" / "experiment" / f"{name}.yaml")


def recipe_of(name: str, found: Found, path: Path, test: Path | None, former: Recipe | None = None) -> Recipe:
    """The recipe of what was found. former: the one that it updates, whose choices it keeps."""
    scaling = "per_feature" if found.source == "table" or not found.keys.get("image") else "standard"
    settings = {
        "name": name,
        "source": found.source,
        "folder": name if former is None else former.raw_folder,
        "path": str(path),
        "test_path": None if test is None else str(test),
        "sha256": digest_of(path, test),
        **{key: value for key, value in found.keys.items() if value is not None},
        "split": _split(found),
        "scaling": scaling,
    }
    if former is not None:
        settings |= {"scaling": former.scaling, "seed": former.seed, "dtype": former.dtype}
        if not former.split.published_test and not found.test:
            settings["split"] = plain(former.split)
    recipe: Recipe = build(Recipe, settings, "data")
    return recipe


def write(files: Files, recipe: Recipe, found: Found, command: str) -> None:
    """Writes the recipe; and the experiment, unless there is one."""
    text = recipe_text(recipe, found, command)
    if len(text) > _LARGEST:
        raise UserError(
            f"{recipe.path}: {len(recipe.columns):,} columns and {len(recipe.labels):,} classes are more than a recipe "
            "can list; save the numbers as an array, x and y in an .npz file"
        )
    write_text(files.recipe, text)
    if not files.experiment.exists():
        write_text(files.experiment, experiment_text(recipe, found))


def recipe_text(recipe: Recipe, found: Found, command: str) -> str:
    """The YAML text of a recipe, whose names are quoted: none of them is a value, a number or an interpolation."""
    default = plain(build(Recipe, {"name": "x", "source": "mnist", "split": plain(recipe.split)}, "data"))
    tree, lines = plain(recipe), []
    for key in sorted(tree, key=lambda key: key in _LAST):
        if key in _ALWAYS or key in ("split", "scaling") or tree[key] != default[key]:
            lines += _entry(key, tree[key])
    words = "".join(character if character.isprintable() else "?" for character in command)
    test = f", {found.test:,} more to test on" if found.test else ""
    return "\n".join([
        f"# Written by `{words}`. {found.examples:,} examples, {len(found.classes)} classes{test}.",
        f"# If they change, `python -m src.add data {recipe.name} --update` writes it again; it keeps split, scaling,",
        "# seed and dtype. conf/data/mnist.yaml explains the keys.",
        "defaults:",
        "  - mnist",
        "",
        *lines,
        "",
    ])  # fmt: skip


def training_examples(recipe: Recipe, found: Found) -> int:
    """How many examples there are to train on, about."""
    size = recipe.split.train
    return max(1, size if isinstance(size, int) else round(size * found.examples))


def experiment_text(recipe: Recipe, found: Found) -> str:
    """The YAML text of an experiment with a small network, batches that fit, and about as many updates as it needs."""
    name, train = recipe.name, training_examples(recipe, found)
    batch = min(max(_BATCHES[0], 1 << max(0, (train // 12).bit_length() - 1)), _BATCHES[1], train)
    epochs = min(max(_EPOCHS[0], round(_UPDATES * batch / train)), _EPOCHS[1])
    figures = "samples" if found.keys.get("image") else "scatter, boundaries" if found.features == 2 else ""
    gallery = ["tracking:", f"  gallery: [{figures}]  # figures besides those of every run"] if figures else []
    return "\n".join([
        "# @package _global_",
        f"# A small network for data={name}, to begin with; change what you like.",
        "defaults:",
        f"  - override /data: {name}",
        "",
        f"name: {name}",
        "",
        "model:",
        "  hidden: [64]",
        "  dropout: 0.0",
        "train:",
        f"  epochs: {epochs}",
        f"  batch_size: {batch}",
        *gallery,
        "",
    ])  # fmt: skip


def _split(found: Found) -> dict[str, Any]:
    """70, 15 and 15 % of the examples; with a published test set, 15 % of the others for validation."""
    n, share = found.examples, 0.15
    least = max(1, round(share * n))
    stratify = least >= len(found.classes)
    if not found.test:
        return {"train": 0.7, "valid": share, "test": share, "stratify": stratify}
    return {"train": n - least, "valid": least, "test": found.test, "stratify": stratify, "published_test": True}


def _entry(key: str, value: Any) -> list[str]:
    """The lines of a key."""
    if isinstance(value, Mapping) and key == "columns":
        return [f"{key}:", *(f"  {quoted(name)}: {kind}" for name, kind in value.items())]
    if isinstance(value, Mapping):
        defaults = plain(Split(0.7, 0.15, 0.15))
        shown = {
            name: entry
            for name, entry in value.items()
            if name in ("train", "valid", "test", "stratify") or entry != defaults[name]
        }
        return [f"{key}:", *(f"  {name}: {_value(name, entry)}" for name, entry in shown.items())]
    if isinstance(value, list) and len(f"{key}: {_value(key, value)}") > _WIDTH:
        return [f"{key}:", *(f"  - {_value(key, entry)}" for entry in value)]
    return [f"{key}: {_value(key, value)}"]


def _value(key: str, value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(key, entry) for entry in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return (
            value
            if key in _WORDS and _NAME.fullmatch(value) and value.lower() not in _RESERVED
            else quoted(escaped(value))
        )
    return "null" if value is None else str(value)


def quoted(text: str) -> str:
    """A text as YAML in double quotes, on one line."""
    import yaml

    written: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf)
    return written.rstrip("\n")
