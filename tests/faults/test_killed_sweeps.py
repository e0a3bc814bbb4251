"""`kill -9` of a sweep's parent, or of one of its workers: the same command continues, and trains nothing twice."""

import contextlib
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import environment
from tests.faults.figures import Injections
from tests.faults.trainings import Site, outcomes
from tests.helpers.stores import assert_mirrored, stored

pytestmark = pytest.mark.slow
JOBS, EPOCHS = 8, 6
SWEEP = (
    *("python", "-m", "src.train", "-m", "experiment=digits", f"seed=range({JOBS})", "hydra.launcher.n_jobs=2"),
    *("model.hidden=[16]", "model.dropout=0.2", f"train.epochs={EPOCHS}", "train.batch_size=4"),
    *("train.checkpoint_seconds=0.1", "tracking.figures=false"),
)
SECONDS_TO_DIE = 30


def inodes(runs: Path) -> dict[str, int]:
    """The file with each finished run's result: another file, if it was trained again."""
    return {name: (runs / name / "result.json").stat().st_ino for name in outcomes(runs)}


def ask(process: psutil.Process, question: Callable[[psutil.Process], list[Any]]) -> list[Any]:
    """The answer, empty if the process has ended."""
    try:
        return question(process)
    except psutil.NoSuchProcess:
        return []


def killed(checkout: Path, whom: str, delay: float) -> int | None:
    """Starts the sweep and kills; the exit code if the sweep was faster, or continued without the worker."""
    process = subprocess.Popen(
        SWEEP, cwd=checkout, env=environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    parent = psutil.Process(process.pid)
    family = [parent]
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(delay)
        family += ask(parent, lambda process: process.children(recursive=True))
        # Not the process that tracks what workers leave.
        workers = [one for one in family if "LokyProcess" in " ".join(ask(one, psutil.Process.cmdline))]
        if whom == "parent":
            process.kill()
        elif workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                random.choice(workers).kill()
        code = process.wait(600)
        return None if whom == "parent" else code
    finally:
        # Workers end with the parent, whatever they were about, so nobody trains what the next start trains.
        _, alive = psutil.wait_procs([one for one in family if one.pid != process.pid], SECONDS_TO_DIE)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        assert not alive


def assert_whole(sweep: Site) -> None:
    """All runs are here and in the store, finished, with each metric once."""
    sweep.assert_whole(recorded=False)
    runs = stored(sweep.checkout)
    assert len(runs) == JOBS + 1
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert_mirrored(sweep.checkout, *(sweep.runs / name for name in sweep.reference))


@pytest.mark.parametrize("whom", ["parent", "worker"])
def test_a_sweep_continues_and_trains_nothing_twice(
    whom: str, site: Callable[..., Site], injections: Injections
) -> None:
    sweep = site(*SWEEP)
    assert len(sweep.reference) == JOBS
    random.seed(4)
    for _ in range(injections.wanted(30)):
        with injections.of(f"kill -9 of a sweep's {whom}"):
            before = inodes(sweep.runs)
            # Anywhere in the sweep: while workers start, while they train, and as the parent records.
            code = killed(sweep.checkout, whom, random.uniform(1, sweep.seconds))
            assert before.items() <= inodes(sweep.runs).items()
            assert all(sweep.reference[name] == outcome for name, outcome in outcomes(sweep.runs).items())
            if code == 0:
                assert_whole(sweep)
                sweep.forget()
    before = inodes(sweep.runs)
    last = sweep.completed()
    assert "MLflow lacks" not in last.stderr, last.stderr
    assert before.items() <= inodes(sweep.runs).items()
    assert_whole(sweep)
    assert not list((sweep.runs / ".records").glob("*.json"))  # everything is recorded
