"""Adds data of one's own, or takes changed ones: looks at them, writes recipe and experiment, says what was found."""

import filecmp
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from src.adding.found import Found
from src.adding.others import survey_arrays, survey_idx, survey_images
from src.adding.place import kind
from src.adding.recipe import Files, files_of, recipe_of, training_examples, write
from src.adding.tables import survey
from src.adding.tally import Asked
from src.config.composition import compose
from src.data.originals import files as copied
from src.data.recipe import Recipe
from src.data.recipes import forget
from src.data.table import names
from src.foundation.errors import UserError
from src.foundation.files import ROOT
from src.foundation.locks import locked
from src.foundation.schema import plain, show

_LEARNS_FROM = 2  # examples for each feature, at least, or a warning


@dataclass(frozen=True)
class Request:
    """What the user wants to add."""

    path: Path
    test: Path | None = None  # of a published test set
    table: Asked = field(default=Asked())
    size: tuple[int, int] | None = None  # of pictures: height and width


def add(
    name: str,
    path: Path | None,
    command: str,
    test: Path | None = None,
    size: tuple[int, int] | None = None,
    update: bool = False,
    **options: Any,
) -> list[str]:
    """Writes conf/data/<name>.yaml and conf/experiment/<name>.yaml, and returns what people are shown.

    Args:
        name: of both.
        path: of the data; None: as in the recipe that is updated.
        command: what the user typed, for the recipe's first line.
        test: of a published test set, if it is not in the data.
        size: of pictures, height and width; None: chosen.
        update: take data that have changed; what is not given is as before.
        options: the fields of `Asked`; None: not given.

    Raises:
        UserError: the data can't be used, or the name is taken; then nothing has been written.
    """
    files = files_of(name)
    lock = ROOT / "runs" / ".locks" / "add.lock"
    with locked(lock, lambda: f"another process that adds data ({lock})"):
        former = _former(name, files) if update else None
        if former is None:
            _refuse_taken(files)
        elif path is None:
            path, test = Path(former.path or ""), test or (Path(former.test_path) if former.test_path else None)
        if path is None:
            raise UserError("PATH is missing: the file or the folder with the data")
        path, test = _absolute(path), test and _absolute(test)
        given = {key: value for key, value in options.items() if value}
        request = Request(path, test, Asked(**given), size)
        if former is not None:
            request = _as_before(request, given, former)
        found = look_at(request)
        _require_room(request, found)
        recipe = recipe_of(name, found, path, test, former)
        if former is not None and plain(former) != plain(recipe):
            forget(recipe, ROOT)
        write(files, recipe, found, command)
    return _report(name, found, files, recipe, former)


def look_at(request: Request) -> Found:
    """What the data have in them. Raises `UserError` if they can't be used, or an option is for other data."""
    source = kind(request.path)
    if source != "table" and request.table != Asked():
        [option, *_] = [f.name for f in fields(Asked) if getattr(request.table, f.name) != f.default]
        raise UserError(f"--{option.replace('_', '-')}: only for a table; {request.path} has data of the kind {source}")
    if source != "images" and request.size is not None:
        raise UserError(f"--size: only for a folder of pictures; {request.path} has data of the kind {source}")
    if request.test is not None:
        _refuse_test(request.path, source, request.test)
    if source == "table":
        return survey(request.path, request.table, request.test)
    if source == "images":
        return survey_images(request.path, request.size, request.test)
    return (survey_idx if source == "idx" else survey_arrays)(request.path)


def _refuse_test(path: Path, source: str, test: Path) -> None:
    """Raises `UserError` for a test set of its own that is none: of another kind, in the data, or the data again."""
    if place := {"arrays": "this file, as x_test and y_test", "idx": "this folder, as t10k-*"}.get(source):
        raise UserError(f"--test {test}: data of the kind {source} have their test set in them; put it into {place}")
    if (other := kind(test)) != source:
        raise UserError(f"--test {test}: of the kind {other}; allowed: {source}, as {path}")
    if path.samefile(test) or (path.is_file() and filecmp.cmp(path, test, shallow=False)):
        raise UserError(f"--test {test}: the same examples as {path}; allowed: others, that no network is trained on")


def _require_room(request: Request, found: Found) -> None:
    """Raises `UserError` if the disk lacks the room for a copy of the data, and for their arrays."""
    originals = [path for path in (request.path, request.test) if path is not None]
    copy = sum(file.stat().st_size for path in originals for file in (copied(path) if path.is_dir() else [path]))
    numbers = (found.examples + found.test) * found.features
    needed = copy + numbers * (np.dtype(np.float32).itemsize + np.dtype(np.float64).itemsize)
    if needed > (free := shutil.disk_usage(ROOT).free):
        raise UserError(
            f"{request.path}: needs about {needed / 2**30:,.1f} GiB on the disk of {ROOT}, for a copy of "
            f"{copy / 2**30:,.1f} GiB and arrays of {numbers:,} numbers; {free / 2**30:,.1f} GiB are free"
        )


def _former(name: str, files: Files) -> Recipe:
    """The recipe that is updated."""
    if not files.recipe.is_file():
        raise UserError(f"{name}: there is no {files.recipe.relative_to(ROOT)}; add it without --update")
    recipe = compose([f"data={name}"]).data
    if not recipe.own or recipe.path is None:
        raise UserError(f"{name}: not data of your own, but data.source={recipe.source}; allowed: a recipe by src.add")
    return recipe


def _as_before(request: Request, given: Mapping[str, Any], former: Recipe) -> Request:
    """The request, with what it does not say as in the recipe that is updated.

    Raises:
        UserError: the file no longer has all columns of the recipe.
    """
    if former.source == "images" and former.image is not None:
        return replace(request, size=request.size or (former.image[0], former.image[1]))
    if kind(request.path) != "table" or former.source != "table":
        return request
    header = names(request.path, former.separator)
    wanted = [*former.columns, *(name for name in (former.label, former.group) if name)]
    if missing := [name for name in wanted if name not in header]:
        raise UserError(
            f"{request.path}: no longer has the column {show(missing[0])}, which data={former.name} uses; delete "
            f"conf/data/{former.name}.yaml and add the data again"
        )
    said = {given.get("label"), given.get("group"), *given.get("category", ()), *given.get("leave_out", ())}
    before: dict[str, Any] = {
        "label": former.label,
        "group": former.group,
        "missing": former.missing,
        "decimal": former.decimal,
        "category": [name for name, kind in former.columns.items() if kind == "category" and name not in said],
        "leave_out": [name for name in header if name not in wanted and name not in said],
    }
    more = {key: [*before[key], *value] if isinstance(value, list) else value for key, value in given.items()}
    return replace(request, table=Asked(**{**before, **more}))


def _absolute(path: Path) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"{path}: this locale can't read its name; rename it, or set LC_ALL=C.UTF-8") from None
    return Path(os.path.abspath(path.expanduser()))  # a link stays a link: what it leads to may change


def _refuse_taken(files: Files) -> None:
    for file, group in zip(files, ("recipe", "experiment"), strict=True):
        if file.exists():
            update = f", or --update if the data of {file.stem} have changed" if group == "recipe" else ""
            raise UserError(
                f"{file.stem}: this name is taken by the {group} {file.relative_to(ROOT)}; choose another{update}"
            )


def _report(name: str, found: Found, files: Files, recipe: Recipe, former: Recipe | None) -> list[str]:
    changed = "" if former is None else "; as before" if former.sha256 == recipe.sha256 else "; changed"
    lines = [f"{recipe.path}: {found.source}{changed}"]
    lines += [f"  {word:<9} {text}" for word, text in found.lines.items()]
    train = training_examples(recipe, found)
    warnings = list(found.warnings)
    if found.features * _LEARNS_FROM > train:
        warnings.append(
            f"{found.features:,} features and about {train:,} examples to train on: a network can learn them by heart; "
            "compare the accuracy of train and valid"
        )
    if not recipe.split.stratify:
        warnings.append(
            f"{len(recipe.labels)} classes do not fit into each set; they are split without regard to classes"
        )
    lines += [f"  warning   {warning}" for warning in warnings]
    places = " and ".join(str(file.relative_to(ROOT)) for file in files)
    return [
        *lines,
        "",
        f"wrote {places}",
        "",
        "next:",
        f"  python -m src.train experiment={name}",
        f"  git add -N {' '.join(str(file.relative_to(ROOT)) for file in files)}",
        f"  dvc exp run -S experiment={name}",
        "conf/ has changed, so before a plain `dvc repro` run `python -m src.compose`.",
    ]
