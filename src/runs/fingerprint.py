"""A run's identity: the same fingerprint means the same bits.

It covers the semantic configuration, the data's digest, the numeric code, and the numeric environment; of a portable
run, neither the environment nor the number of threads, which change no bit, but legacy start values. What only names,
records, draws or fetches is left out: a change there retrains nothing.

A sweep freezes code and configuration when it starts, and a job that finds other files refuses to run. Otherwise an
edit during a sweep would change the jobs that have not started, and mix two versions in one comparison.
"""

import functools
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.prepared import Prepared
from src.foundation.errors import UserError
from src.foundation.files import ROOT, canonical_json, sha256, sha256_file
from src.foundation.schema import flatten
from src.runs.code import Code, Trees, digest, trees
from src.runs.used_entries import used
from src.training.processor import flushes_to_zero, held

# What computes a run's results. Run folders, journals, recording, figures and commands do not.
NUMERIC = Code(
    modules=("src.training.session", "src.training.processor", "src.runs.model"),
    # These move bytes and report errors; a configuration's values are in the fingerprint themselves.
    apart=("src.foundation.errors", "src.foundation.files", "src.foundation.locks", "src.foundation.schema"),
    # In which order a run takes the steps of a training is in a file that imports much that computes nothing.
    files=("src/runs/training_run.py",),
)

Frozen = Mapping[str, str]  # digests by path in the project: of a file's bytes, or of its code


def fingerprint(config: Config, dataset: Dataset) -> dict[str, str]:
    """The digests that identify a run: its `fingerprint`, and those that went into it.

    These are `config`, `data`, `code` and `env`, what decides native results; and of a portable run with legacy draws,
    which may call the C library, `start`: of the weights that they give.
    """
    semantic = config.semantic()
    if portable := config.portable:
        del semantic["train"]["threads"]
    parts = {
        "config": sha256(canonical_json(semantic)),
        "data": dataset.sha256,
        "code": code_digest(words(config)),
        "env": sha256(canonical_json({} if portable else environment(config.train.threads))),
    }
    if portable and config.rng == "legacy":
        from src.runs.model import weights_digest
        from src.training.session import Session

        parts["start"] = weights_digest(Session(config, dataset).network)
    identity = {"fingerprint": sha256(canonical_json(parts))}
    if isinstance(dataset, Prepared) and dataset.raw_test_sha256:
        identity["raw_test"] = dataset.raw_test_sha256
    return parts | identity


@functools.lru_cache(maxsize=256)
def code_digest(used_by: frozenset[str] | None = None) -> str:
    """The digest of the numeric code: of all of it, or of what a run with these words in its configuration uses."""
    return digest(_trees() if used_by is None else used(_trees(), used_by))


def words(config: Config) -> frozenset[str]:
    """The words in a configuration that can name entries of tables: all texts in its semantic part."""
    leaves = (value for _, value in flatten(config.semantic(complete=True)))
    return frozenset(
        word for leaf in leaves for word in (leaf if isinstance(leaf, list) else [leaf]) if isinstance(word, str)
    )


@functools.cache  # as it was when this process first asked, whatever happens to the files while it runs
def _trees() -> Trees:
    return trees(NUMERIC.covered())


@functools.cache  # nothing of it changes while a process runs, and asking takes 2 ms
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
        "simd": simd["SIMD Extensions"].get("found", []),  # none: the baseline alone
        "flush_to_zero": flushes_to_zero(),
    }


def freeze() -> Frozen:
    """The files that a job needs: all of `conf/` as it is now, and the numeric code as this process imported it."""
    conf = (file for file in (ROOT / "conf").rglob("*.yaml") if file.is_file())  # not an editor's lock, a dangling link
    return {**{file.relative_to(ROOT).as_posix(): sha256_file(file) for file in conf}, **_imported()}


def refuse_changed(frozen: Frozen) -> None:
    """Raises `UserError` that names the files that have changed since the sweep started."""
    if changed := sorted({name for name, _ in frozen.items() ^ freeze().items()}):
        raise UserError(f"changed since the sweep began: {', '.join(changed)}; run the same command again")


@functools.cache
def _imported() -> Frozen:
    return {name: digest({name: tree}) for name, tree in _trees().items()}
