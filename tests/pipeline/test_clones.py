"""Two people with different processors: what one has computed is what the other would compute."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Shell
from tests.helpers.checkouts import edit, environment, make_checkout, shell_in
from tests.helpers.pipelines import SHRUNKEN, SMALL, compose, ran, repro

pytestmark = pytest.mark.slow
STUDY = "one_factor"
PORTABLE = "train.arithmetic=portable"


def machine(checkout: Path, more: Mapping[str, str]) -> Shell:
    """Runs commands in a checkout with more variables, which choose what NumPy and its BLAS compute with."""
    return lambda *command: shell_in(checkout)(*command, env=environment() | dict(more))


def git(folder: Path, *command: str) -> str:
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost")
    return subprocess.run([*git, *command], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_clones_on_two_kernels_share_all_outs_and_come_to_the_same_lock_each_by_itself(tmp_path: Path) -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[call-overload]
    plain = {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": " ".join(found)}

    first = make_checkout(tmp_path / "first")
    for name, changes in SHRUNKEN.items():
        edit(first / f"conf/{name}.yaml", *changes)
    edit(first / f"conf/ablation/{STUDY}.yaml", ("epochs: 2", "epochs: 2\n  arithmetic: portable"))
    here = machine(first, {"OPENBLAS_CORETYPE": "Haswell"})
    compose(here, *SMALL, PORTABLE, "train.threads=1", f"studies=[{STUDY}]", "tracking=off")
    (first / "dvc.lock").unlink()
    shutil.rmtree(first / "metrics")
    repro(here)
    git(first, "add", "-A")
    git(first, "commit", "-qm", "the results")
    assert set(os.listdir(first / "metrics")) == {"accuracy.json", "train.json", "test.json", f"{STUDY}.json"}
    assert (first / f"reports/{STUDY}-times.html").exists()

    def clone(name: str) -> Path:
        git(tmp_path, "clone", "-q", "first", name)
        return tmp_path / name

    # What one pushes, the other pulls, and has nothing to do.
    second = clone("second")
    there = machine(second, plain)
    for shell in (here, there):
        assert shell("dvc", "remote", "add", "--local", "--default", "shared", str(tmp_path / "remote")).returncode == 0
    pushed, pulled = here("dvc", "push"), there("dvc", "pull")
    assert (pushed.returncode, pulled.returncode) == (0, 0), pushed.stderr + pulled.stderr
    assert ran(repro(there)) == []
    assert git(second, "status", "--porcelain") == ""
    assert not (second / "runs").exists()

    # And by itself, from nothing, it comes to the same.
    third = clone("third")
    (third / "dvc.lock").unlink()
    shutil.rmtree(third / "metrics")
    assert f"study@{STUDY}" in ran(repro(machine(third, plain)))
    assert differences(first, third) == []
    assert git(third, "status", "--porcelain") == ""


def differences(first: Path, third: Path) -> list[str]:
    """The tracked outs that differ, by name; in files of JSON, the keys."""
    outs = [file for top in ("models", "plots", "metrics", "reports") for file in (first / top).rglob("*")]
    names = [str(file.relative_to(first)) for file in outs if file.is_file() and not file.match("reports/*.html")]
    return [told(first / name, third / name, name) for name in names if _bytes(first / name) != _bytes(third / name)]


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def told(first: Path, third: Path, name: str) -> str:
    if name.endswith(".json") and third.exists():
        one, other = (json.loads(file.read_text()) for file in (first, third))
        return f"{name}: {[key for key in one if one[key] != other.get(key)]}"
    return name
