"""What can't start here is refused before anything runs."""

import os
from pathlib import Path

import numpy as np
import pytest

from src.data.recipes import prepare
from src.runs.finished import FinishedRun
from src.runs.job import Job
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.sweeps.jobs import identified
from src.sweeps.start import start
from tests.helpers.composing import Small
from tests.helpers.refusals import refusal

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize("threads", [CORES + 1, 8 * CORES, 10**6])
def test_more_threads_than_cores_are_refused_alone_and_among_jobs(small: Small, home: Path, threads: int) -> None:
    configs = [small(f"train.threads={number}") for number in (1, threads)]
    jobs = [Job(str(config.train.threads), "", "", config, ()) for config in configs]
    for message in (refusal(start, configs[1]), refusal(identified, jobs)):
        assert message.startswith(f"train.threads={threads}: ")
        assert message.endswith("; allowed: 1" + (f" to {CORES}" if CORES > 1 else ""))
    assert not (home / "runs").exists()


def test_as_many_threads_as_cores_start(small: Small, home: Path) -> None:
    outcome, _ = start(small(f"train.threads={CORES}"))
    assert outcome.folder.run()["environment"]["threads"] == CORES


@pytest.mark.parametrize("name", ["accelerate", "Accelerate"])
def test_where_threads_can_not_be_held_only_portable_trainings_start(
    small: Small, home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    of_a_mac = np.show_config(mode="dicts") | {"Build Dependencies": {"blas": {"name": name}}}
    native = small("train=native", "seed=1")
    there = run(native, prepare(native.data), Tracker()).folder
    monkeypatch.setattr(np, "show_config", lambda mode: of_a_mac)
    assert start(native)[0].folder.path == there.path  # it has finished before
    runs = sorted((home / "runs").iterdir())
    jobs = [Job("", "", "", config, ()) for config in (small(), small("train=native"))]
    for message in (refusal(start, jobs[1].config), refusal(identified, jobs)):
        assert message.startswith(f"train.arithmetic=native: NumPy computes with {name} here, ")
    assert sorted((home / "runs").iterdir()) == runs
    start(jobs[0].config)


def test_a_run_of_a_larger_machine_is_read_and_reused_but_not_trained_again(small: Small, home: Path) -> None:
    config = small(f"train.threads={CORES + 1}")
    there = run(config, prepare(config.data), Tracker()).folder  # as if on that machine
    assert FinishedRun.open(there.path).config.train.threads == CORES + 1
    outcome, _ = start(config)
    assert (outcome.reused, outcome.folder.path) == (True, there.path)
    assert refusal(start, small(f"train.threads={CORES + 1}", "train.fresh=true"))
