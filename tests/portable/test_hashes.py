"""Portable trainings have the committed digests, whatever kernel, threads, SIMD level or C library computes them."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.data.recipes import prepare
from src.nn.activations import ACTIVATIONS
from src.nn.architecture import Architecture
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from tests.experiments.conftest import mirrored
from tests.helpers.checkouts import ROOT
from tests.helpers.composing import compose
from tests.helpers.sharing import made_once
from tests.portable.trainings import TRAININGS

HASHES: dict[str, Any] = json.loads((Path(__file__).parent / "hashes.json").read_text())
NO_FMA = "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable"
FOUND: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[index]
AVX512 = ["SkylakeX"] if any(extension.startswith(("X86_V4", "AVX512")) for extension in FOUND) else []
# What CI runs of the table of docs/portable.md; the first has this machine's own kernel.
SETTINGS: dict[str, dict[str, str]] = {
    "as it comes": {},
    "two threads": {"OPENBLAS_NUM_THREADS": "2"},
    **{kernel: {"OPENBLAS_CORETYPE": kernel} for kernel in ("Prescott", "Nehalem", "Sandybridge", "Zen", *AVX512)},
    "Haswell, without FMA in the C library": {"OPENBLAS_CORETYPE": "Haswell", "GLIBC_TUNABLES": NO_FMA},
    "without SIMD beyond the baseline": {"NPY_DISABLE_CPU_FEATURES": "found"},
}
MNIST = ("data=mnist", "data.name=mnist_small", "data.split.train=2000", "data.split.valid=500", "data.split.test=500")


def make_data(folder: Path) -> None:
    """Prepares the data of all trainings."""
    for overrides in (["data=digits"], ["data=spiral"], ["data=xor_all"], [*MNIST, *mirrored()]):
        prepare(compose(overrides).data, folder)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of all trainings."""
    return made_once(tmp_path_factory, "portable", make_data)


def run(root: Path, settings: dict[str, str], *names: str) -> dict[str, Any]:
    """What a process of its own prints, with settings in its environment."""
    if settings.get("NPY_DISABLE_CPU_FEATURES") == "found":
        settings = settings | {"NPY_DISABLE_CPU_FEATURES": " ".join(FOUND)}
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | settings
    script = ROOT / "tests" / "portable" / "trainings.py"
    command = [sys.executable, str(script), str(root), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


@pytest.mark.slow
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_digests_are_the_committed_ones(prepared: Path, settings: dict[str, str]) -> None:
    assert run(prepared, settings) == HASHES


@pytest.mark.slow
def test_an_emulated_arm64_has_them_too(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("arm64") / "machine"
    command = [ROOT / "tests" / "portable" / "arm64.sh", folder, prepared, "xor", "spiral"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode == 77:
        pytest.skip(f"no emulated ARM64 here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["vectors"] == HASHES["vectors"]
    assert printed["trainings"] == {name: HASHES["trainings"][name] for name in ("xor", "spiral")}


def test_each_optimizer_schedule_activation_and_loss_occurs() -> None:
    models = [Architecture(**model) for _, model, _, _, _ in TRAININGS.values()]
    assert {act for model in models for act in model.acts} == set(ACTIVATIONS)
    assert {(model.output, model.loss) for model in models} == set(HEADS)
    assert {optimizer for _, _, (optimizer, _), _, _ in TRAININGS.values()} == set(OPTIMIZERS)
    assert {schedule for _, _, _, (schedule, _), _ in TRAININGS.values()} == set(SCHEDULES)
    assert set(HASHES["trainings"]) == set(TRAININGS)
    digests = list(itertools.chain(*(each.values() for each in HASHES["trainings"].values())))
    assert len(set(digests)) == len(digests)


if __name__ == "__main__":
    make_data(Path(sys.argv[1]))
