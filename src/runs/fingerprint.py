"""A run's identity: the same fingerprint means the same bits.

It covers the semantic configuration, the data's digest, the numeric code, and the numeric environment. What only
names, records, draws or fetches is left out: a change there retrains nothing.
"""

import ast
import functools
import platform
from pathlib import Path
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.dataset import Dataset
from src.foundation.files import canonical_json, sha256
from src.foundation.schema import flatten
from src.runs.code import digest_of, file_of, reached, trees
from src.runs.used_entries import used
from src.training.processor import flushes_to_zero, held

# What computes is reached from here. Run folders, journals, recording, figures and commands are not.
ROOTS = ("src.training.session", "src.training.processor", "src.runs.model")
# In which order a run takes the steps of a training is in a file that imports much that computes nothing.
ORDER = "src.runs.experiment"
# These move bytes and report errors; a configuration's values are in the fingerprint themselves.
APART = ("src.foundation.errors", "src.foundation.files", "src.foundation.locks", "src.foundation.schema")


def fingerprint(config: Config, dataset: Dataset) -> dict[str, str]:
    """The digests that identify a run: its `fingerprint`, and those of `code`, `data` and `env` that went into it."""
    parts = {
        "config": sha256(canonical_json(config.semantic())),
        "data": dataset.sha256,
        "code": code_digest(words(config)),
        "env": sha256(canonical_json(environment(config.train.threads))),
    }
    return parts | {"fingerprint": sha256(canonical_json(parts))}


@functools.lru_cache(maxsize=256)
def code_digest(used_by: frozenset[str] | None = None) -> str:
    """The digest of the numeric code: of all of it, or of what a run with these words in its configuration uses."""
    return digest_of(_trees() if used_by is None else used(_trees(), used_by))


def words(config: Config) -> frozenset[str]:
    """The words in a configuration that can name entries of tables: all texts in its semantic part."""
    leaves = (value for _, value in flatten(config.semantic(complete=True)))
    return frozenset(
        word for leaf in leaves for word in (leaf if isinstance(leaf, list) else [leaf]) if isinstance(word, str)
    )


@functools.cache  # as it was when this process first asked, whatever happens to the files while it runs
def _trees() -> dict[str, ast.Module]:
    return trees(numeric_code())


def numeric_code() -> list[Path]:
    """The files that compute a run's results: what a training and a model file import, however indirectly."""
    reached_files = {file for root in ROOTS for file in reached(root, APART)}
    return sorted(file for file in {file_of(ORDER), *reached_files} if file)


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
