"""A run's identity: the same fingerprint means the same bits.

It covers the semantic configuration, the data's digest, the numeric code, and the numeric environment. What only
names, records, draws or fetches is left out, so that changing it trains nothing anew.
"""

import ast
import functools
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.dataset import Dataset
from src.foundation.files import ROOT, canonical_json, sha256, sha256_tree
from src.training.processor import flushes_to_zero, held

# Trackers and figures change no result, and for the making of data its digest stands.
_APART = ("src.runs.tracker", "src.config.tracking", "src.data.recipes")


def fingerprint(config: Config, dataset: Dataset) -> dict[str, str]:
    """The digests that identify a run: its `fingerprint`, and those of `code`, `data` and `env` that went into it."""
    parts = {
        "config": sha256(canonical_json(config.semantic())),
        "data": dataset.sha256,
        "code": code_digest(),
        "env": sha256(canonical_json(environment(config.train.threads))),
    }
    return parts | {"fingerprint": sha256(canonical_json(parts))}


@functools.cache  # as it was when this process started, whatever happens to the files while it runs
def code_digest() -> str:
    """The digest of the numeric code: of every project module that a run imports, however indirectly."""
    return sha256_tree(ROOT, numeric_code())


def numeric_code() -> list[Path]:
    """The files of the numeric code, found by following the imports of `runs/experiment.py`."""
    return reached("src.runs.experiment", _APART)


def reached(module: str, apart: tuple[str, ...] = ()) -> list[Path]:
    """The project's files that importing `module` runs, those of the modules in `apart` left out."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        file = _file_of(name)
        if file is None or name in found or name.startswith(apart):
            continue
        found[name] = file
        waiting.append(name.rpartition(".")[0])  # a package's own __init__.py is run before its modules
        waiting.extend(imports(file))
    return sorted(found.values())


def imports(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it: modules, and whatever is imported from them."""
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def environment(threads: int) -> dict[str, Any]:
    """What in the machine and its libraries decides floating-point results."""
    from threadpoolctl import threadpool_info

    simd: Any = np.show_config(mode="dicts")
    with held(threads):
        libraries = threadpool_info()
    return {
        "machine": platform.machine(),
        "numpy": np.__version__,
        "blas": sorted(
            f"{library['internal_api']} {library['version']} {library.get('architecture')}"
            for library in libraries
            # SciPy may have loaded a BLAS of its own, or not yet: what trains is NumPy's.
            if library["user_api"] == "blas" and not Path(library["filepath"]).parent.name.startswith("scipy")
        ),
        "threads": threads,
        "simd": simd["SIMD Extensions"]["found"],
        "flush_to_zero": flushes_to_zero(),
    }


def _file_of(module: str) -> Path | None:
    if not module.startswith("src"):
        return None
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)
