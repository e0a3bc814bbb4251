"""Surveys own data that are not tables: arrays, IDX files, and folders of pictures."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.adding.found import Found, counted, require_examples
from src.data import arrays, idx, images
from src.data.own import require_classes
from src.data.raw import Labelled
from src.foundation.errors import UserError
from src.foundation.files import sha256_file
from src.foundation.schema import show

_LARGEST_SIDE = 64  # pixels: pictures that all have one size up to this keep it
_SIDE = 32  # pixels: others are reduced to this, the longer side, unless most are smaller
_SHOWN = 3
_OTHER_PICTURES = {".avif", ".dng", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jxl", ".psd", ".svg", ".tif", ".tiff"}


def survey_arrays(path: Path) -> Found:
    """What an `.npz` file has in it."""
    examples = arrays.read(path)
    # With `image`, values are 0 to 255.
    keys = {
        "labels": list(examples.labels),
        "image": list(examples.image) if examples.image and examples.x.dtype == np.uint8 else None,
    }
    return _found("arrays", path, examples, keys)


def survey_idx(folder: Path) -> Found:
    """What a folder with four IDX files has in it."""
    examples = idx.read(folder)
    assert examples.image is not None
    return _found("idx", folder, examples, {"labels": list(examples.labels), "image": list(examples.image)})


def survey_images(folder: Path, size: tuple[int, int] | None = None, test: Path | None = None) -> Found:
    """What a folder of class folders has in it, and a second one with a published test set.

    size: the height and width that pictures get; None: see `_size`.

    Raises:
        UserError: pictures are broken, or there are too few.
    """
    parts = [child.name for child in (folder / name for name in ("train", "test", "valid", "val")) if child.is_dir()]
    if test is None and "train" in parts and "test" in parts:
        raise UserError(
            f"{folder}: has {', '.join(parts)}, not classes; give {folder / 'train'} --test {folder / 'test'}"
        )
    files = images.pictures(folder)
    tested = {} if test is None else images.pictures(test)
    if unknown := [name for name in tested if name not in files]:
        raise UserError(
            f"{test}: the class {show(unknown[0])} is not in {folder}; allowed: {', '.join(map(show, files))}"
        )
    paths = [path for of in (*files.values(), *tested.values()) for path in of]
    sizes, digests = _checked(paths)
    require_classes(folder, files)
    classes = {name: len(of) for name, of in files.items()}
    require_examples(folder, classes)
    chosen = size or _size(sizes)
    smallest, largest = (f"{h} x {w}" for h, w in (pick(sizes, key=lambda s: s[0] * s[1]) for pick in (min, max)))
    several = f"{len(paths):,}, height x width {smallest}" + (f" to {largest}" if len({*sizes}) > 1 else "")
    there = [path for top in (folder, test) if top for path in top.rglob("*") if path.is_file()]
    lines = {"pictures": several, "become": f"grey, {chosen[0]} x {chosen[1]}", "classes": counted(classes)}
    lines["repeated"] = _repeated(len(digests) - len({*digests}))
    if ignored := len(there) - len(paths):
        lines["ignored"] = f"{ignored:,} files that are hidden, or no {', '.join(images.SUFFIXES)}"
    warnings = _in_two_classes(paths, digests, {top for top in (folder, test) if top}) + _of_other_kinds(there)
    keys = {"labels": list(files), "image": list(chosen)}
    return Found("images", keys, classes, chosen[0] * chosen[1], lines, warnings, sum(map(len, tested.values())))


def _found(source: str, where: Path, examples: Labelled, keys: dict[str, Any]) -> Found:
    n = len(examples.y) - examples.published_test
    counts = np.bincount(examples.y[:n], minlength=len(examples.labels)).tolist()
    classes = {label: count for label, count in zip(examples.labels, counts, strict=True) if count}
    require_classes(where, examples.labels)
    require_examples(where, classes)
    of = (
        f"images of {examples.image[0]} x {examples.image[1]}"
        if examples.image
        else f"{examples.x.shape[1]:,} numbers each"
    )
    lines = {
        "examples": f"{n:,}, {of}"
        + (f"; {examples.published_test:,} more to test on" if examples.published_test else "")
    }
    lines |= {"classes": counted(classes), "repeated": _repeated(_equal_rows(examples.x))}
    new = [show(label) for label in examples.labels if label not in classes]
    warnings = [f"{', '.join(new)}: only in the test set; the network will never have seen an example"] if new else []
    return Found(source, keys, classes, examples.x.shape[1], lines, tuple(warnings), examples.published_test)


def _checked(paths: Sequence[Path]) -> tuple[list[tuple[int, int]], list[str]]:
    """Height and width of each picture, upright, and the digest of its file. Raises `UserError` for broken ones."""
    sizes, digests, reasons = [], [], list[str]()
    for path in paths:
        try:
            picture = images.opened(path)
            sizes.append((picture.height, picture.width))
            digests.append(sha256_file(path))
        except UserError as error:
            reasons.append(str(error))
    images.refuse_broken(reasons, len(paths))
    return sizes, digests


def _size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The height and width that pictures get: their own if it is one, and small; else reduced, in usual proportions."""
    height, width = sizes[0]
    if len({*sizes}) == 1 and max(height, width) <= _LARGEST_SIDE:
        return height, width
    ratio = float(np.median([height / width for height, width in sizes]))
    side = min(_SIDE, float(np.median([max(size) for size in sizes])))
    return max(1, round(side * min(1.0, ratio))), max(1, round(side * min(1.0, 1 / ratio)))


def _of_other_kinds(files: Sequence[Path]) -> tuple[str, ...]:
    """A warning about pictures that can't be read, so that nobody misses them later."""
    kinds = Counter(path.suffix.lower() for path in files if path.suffix.lower() in _OTHER_PICTURES)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    what = f"pictures of other kinds are left out ({counts}); convert them to PNG, and type this again with --update"
    return (what,) if kinds else ()


def _in_two_classes(paths: Sequence[Path], digests: Sequence[str], tops: set[Path]) -> tuple[str, ...]:
    """A warning about pictures that are in two classes."""
    where: dict[str, dict[str, Path]] = {}
    for path, digest in zip(paths, digests, strict=True):
        top = next(top for top in tops if path.is_relative_to(top))
        where.setdefault(digest, {})[path.relative_to(top).parts[0]] = path
    twice = [" and ".join(map(str, of.values())) for of in where.values() if len(of) > 1]
    more = f", and {len(twice) - _SHOWN} others" if len(twice) > _SHOWN else ""
    return (f"the same picture in two classes: {'; '.join(twice[:_SHOWN])}{more}",) if twice else ()


def _equal_rows(x: NDArray[Any]) -> int:
    counts = Counter(hash(row.tobytes()) for row in x)
    return len(x) - len(counts)


def _repeated(count: int) -> str:
    return f"{count:,} equal to an earlier one" if count else "none"
