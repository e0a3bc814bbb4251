"""Normalized arrays on disk: `.npy` files, and `dataset.json`, which describes them.

There are six, `x_<part>.npy` and `y_<part>.npy`; if the source has groups, also three `group_<part>.npy`. All are
verified before use: a file that is missing, cut, altered or replaced is rejected.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError, machine_error
from src.foundation.files import canonical_json, json_text, read_json, sha256, sha256_file, write_json

PARTS = ("train", "valid", "test")
DTYPES = ("float32", "float64")  # of x
FORMAT = 1
_MANIFEST = "dataset.json"
_LARGEST_MANIFEST = 4 << 20  # bytes


class Examples(NamedTuple):
    """Examples as read-only memory maps, which processes on one machine share."""

    x: NDArray[np.floating[Any]]  # [n, features], float32 or float64
    y: NDArray[np.int64]  # [n], indices of labels
    group: NDArray[np.int64] | None = None  # [n], indices of groups, if the data have groups


@dataclass(frozen=True, eq=False)
class Dataset:
    """Verified examples, and how they were made."""

    recipe: dict[str, Any]
    labels: tuple[str, ...]
    image: tuple[int, int] | None  # height and width, if examples are images
    scaling: dict[str, Any]  # kind, center, scale; see `scaling.py`
    sha256: str  # of all arrays
    train: Examples
    valid: Examples
    test: Examples
    features: tuple[str, ...] | None = None  # names of the columns of x, if any
    groups: tuple[str, ...] = ()  # names of groups within the classes


@contextlib.contextmanager
def rejecting(remedy: str) -> Iterator[None]:
    """Turns what damaged files raise within the block into a `UserError` that ends with a remedy."""
    try:
        yield
    except (UserError, OSError, ValueError, RecursionError) as error:
        reason = machine_error(error) if isinstance(error, OSError) else error
        raise UserError(f"{reason}. {remedy}") from None


def open_dataset(folder: Path) -> Dataset:
    """Verifies every byte of the arrays in a folder and opens them, memory-mapped.

    Raises:
        UserError: a file is missing or damaged.
    """
    with rejecting(f"Delete {folder}; the next command creates it again"):
        path = folder / _MANIFEST
        manifest = read_json(path, _LARGEST_MANIFEST)
        match manifest:
            case {
                "format": int(version),
                "recipe": dict(recipe),
                "labels": [*labels],
                "image": [int(), int()] | None as image,
                "scaling": {"kind": str(), "center": center, "scale": scale} as scaling,
                "files": dict(files),
                "sha256": str(digest),
                "seal": str(seal),
            } if all(isinstance(label, str) for label in labels):
                features, groups = _texts(manifest, "features"), _texts(manifest, "groups")  # empty in older folders
                content = {key: value for key, value in manifest.items() if key != "seal"}
            case _:
                raise ValueError(f"{path} is damaged: it does not describe arrays")
        if version != FORMAT:
            raise ValueError(f"{path} has format {version}; this program reads format {FORMAT}")
        # Statistics and labels are in no array; without the seal, a flipped bit in them would not be noticed.
        if sha256(canonical_json(content)) != seal:
            raise ValueError(f"{path} is damaged: it does not match its seal")
        if path.read_bytes() != json_text(manifest).encode():  # a flipped bit can turn 1e-05 into the equal 1E-05
            raise ValueError(f"{path} is damaged: its text is not as this program writes it")

        arrays = {name: open_array(folder / name, files.get(name)) for name in _names(groups)}
        if _digest(files, groups) != digest:
            raise ValueError(f"{path} is damaged: its sha256 does not match its files")
        parts = {
            part: Examples(arrays[f"x_{part}.npy"], arrays[f"y_{part}.npy"], arrays.get(f"group_{part}.npy"))
            for part in PARTS
        }
        dtype, shape = parts["train"].x.dtype, parts["train"].x.shape[1:]  # of one example: (features,)
        if not all(_are_examples(examples, dtype, shape, len(labels)) for examples in parts.values()):
            raise ValueError(f"{folder}: its arrays are not examples of equal length with {len(labels)} labels")
        if not all(part.group is None or _are_indices(part.group, len(part.y), len(groups)) for part in parts.values()):
            raise ValueError(f"{folder}: its arrays are not examples of equal length in {len(groups)} groups")
        if features and shape != (len(features),):
            raise ValueError(f"{path} is damaged: it names {len(features)} features, x has {shape[0]}")
        if image is not None and shape != (image[0] * image[1],):
            raise ValueError(f"{path} is damaged: images are {image}, but x has {shape[0]} values")
        if not all(_are_numbers(statistic, shape) for statistic in (center, scale)):
            raise ValueError(f"{path} is damaged: its scaling does not fit {shape[0]} features")
        size = image and (image[0], image[1])
        return Dataset(recipe, tuple(labels), size, scaling, digest, **parts, features=features or None, groups=groups)


def write_manifest(
    folder: Path,
    recipe: Mapping[str, Any],
    labels: tuple[str, ...],
    image: tuple[int, int] | None,
    scaling: Mapping[str, Any],
    features: tuple[str, ...] | None = None,
    groups: tuple[str, ...] = (),
) -> None:
    """Writes `dataset.json` for the arrays in `folder`. Equal arrays give equal bytes."""
    files = {name: describe(folder / name) for name in _names(groups)}
    # No keys without names: folders of earlier versions have none.
    names = {key: value for key, value in {"features": features, "groups": groups}.items() if value}
    manifest = {
        "format": FORMAT,
        "recipe": recipe,
        "labels": labels,
        "image": image,
        **names,
        "scaling": scaling,
        "files": files,
        "sha256": _digest(files, groups),
    }
    write_json(folder / _MANIFEST, {**manifest, "seal": sha256(canonical_json(manifest))})


def describe(path: Path) -> dict[str, Any]:
    """The description of a `.npy` file that `open_array` verifies: length, digest, shape and dtype."""
    array = np.lib.format.open_memmap(path, mode="r")
    return {
        "bytes": path.stat().st_size,
        "sha256": sha256_file(path),
        "shape": list(array.shape),
        "dtype": str(array.dtype),
    }


def open_array(path: Path, description: Any) -> NDArray[Any]:
    """A `.npy` file as a read-only memory map. Raises `ValueError` unless it matches its `description`."""
    match description:
        case {"bytes": length, "sha256": digest, "shape": shape, "dtype": dtype}:
            pass
        case _:
            raise ValueError(f"{path} has no valid description")
    if (size := path.stat().st_size) != length:
        raise ValueError(f"{path} is damaged: it has {size} bytes, expected {length}")
    if sha256_file(path) != digest:
        raise ValueError(f"{path} is damaged: its SHA-256 differs from the recorded one")
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # NumPy does not catch what its header parsers raise
        raise ValueError(f"{path} is not a valid .npy file of numbers ({error})") from None
    if list(array.shape) != shape or str(array.dtype) != dtype:
        raise ValueError(f"{path} is {array.dtype} {list(array.shape)}, expected {dtype} {shape}")
    return array


def _names(groups: tuple[str, ...]) -> list[str]:
    """The names of the array files: x before y, then `group_<part>.npy` if there are groups."""
    return [f"{array}_{part}.npy" for part in PARTS for array in (("x", "y", "group") if groups else ("x", "y"))]


def _texts(manifest: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = manifest.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{_MANIFEST} is damaged: its {key} are not strings")
    return tuple(texts)


def _are_examples(examples: Examples, dtype: np.dtype[Any], shape: tuple[int, ...], labels: int) -> bool:
    x, y, _ = examples
    return (
        x.dtype == dtype
        and dtype in DTYPES
        and x.shape == (y.size, *shape)
        and len(shape) == 1
        and y.size > 0
        and _are_indices(y, y.size, labels)
    )


def _are_indices(indices: NDArray[Any], n: int, limit: int) -> bool:
    return indices.dtype == np.int64 and indices.shape == (n,) and bool(indices.min() >= 0 and indices.max() < limit)


def _are_numbers(statistic: Any, shape: tuple[int, ...]) -> bool:
    numbers = np.asarray(statistic)
    return numbers.dtype.kind in "if" and numbers.shape in ((), shape)


def _digest(files: Mapping[str, Any], groups: tuple[str, ...]) -> str:
    """One digest of the digests of all files, formatted as by `sha256sum`."""
    return sha256("".join(f"{files[name]['sha256']}  {name}\n" for name in sorted(_names(groups))).encode())
