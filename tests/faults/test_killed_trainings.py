"""A training that is killed again and again, at any moment, comes to the bits of one that nobody killed."""

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.faults.figures import Injections
from tests.faults.trainings import TRAIN, TRAINING, assert_level, came_to, forget, journal, run_folder
from tests.helpers.checkouts import furnish
from tests.helpers.processes import start

pytestmark = pytest.mark.slow
ELSEWHERE = Path(__file__).parent / "elsewhere"
A_DAY = 24 * 60 * 60


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    return furnish(checkout, digits_folder, empty_store)


def kill(process: subprocess.Popen[str]) -> str:
    """Kills a command and all that it has started; what it told on stderr."""
    os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[1]


def resumed_after(told: str) -> int | None:
    """How many epochs a checkpoint spared, where a command said that it goes on from one."""
    match = re.search(r"^resuming after (\d+) epochs?", told, re.MULTILINE)
    return int(match[1]) if match else None


@pytest.mark.parametrize("clock", ["runs on", "is moved by a day"])
def test_killed_at_random_moments_it_comes_to_the_same_bits_in_the_same_record(
    clock: str, checkout: Path, shell: Shell, empty_store: Path, injections: Injections
) -> None:
    began = time.monotonic()
    done = shell(*TRAIN, *TRAINING)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    whole = came_to(run_folder(checkout))
    forget(checkout, empty_store)

    rng, epochs, goes_on = random.Random(clock), 0, 0
    what = "kill -9 at a random moment" + ("" if clock == "runs on" else ", the clock moved by a day")
    ahead = {"PYTHONPATH": str(ELSEWHERE)}
    for number in range(injections.wanted(100 if clock == "runs on" else 30)):
        if clock != "runs on":
            ahead["CLOCK_AHEAD"] = str(A_DAY * (-1) ** number)
        with injections.of(what):
            process = start(*TRAIN, *TRAINING, cwd=checkout, **(ahead if clock != "runs on" else {}))
            try:
                _, told = process.communicate(timeout=rng.uniform(0.3, 1.0) * seconds)
            except subprocess.TimeoutExpired:
                told = kill(process)
            assert "Traceback" not in told, told
            if (spared := resumed_after(told)) is not None:
                goes_on += 1
                assert spared >= epochs - 1  # one interval is an epoch at most
            folders = list((checkout / "runs").glob("*/config.yaml"))
            epochs = len(journal(folders[0].parent)) if folders else 0
            if process.returncode == 0:
                assert came_to(run_folder(checkout)) == whole
                assert_level(f"sqlite:///{checkout}/mlflow.db", run_folder(checkout))
                forget(checkout, empty_store)
                epochs = 0
    done = shell(*TRAIN, *TRAINING)
    assert done.returncode == 0, done.stderr
    assert came_to(run_folder(checkout)) == whole
    assert_level(f"sqlite:///{checkout}/mlflow.db", run_folder(checkout))
    injections.note(f"{what}: {goes_on} times it went on from a checkpoint")


def test_of_two_hosts_with_one_run_folder_one_trains_and_the_other_takes_what_it_came_to(
    checkout: Path, injections: Injections
) -> None:
    """Another host's processes have other numbers, and may have the same; the run folder and its lock are shared."""
    there = ["unshare", "-r", "-u", "-p", "-f", "--mount-proc", "sh", "-c", 'hostname there; exec "$@"', "sh"]
    command = [*TRAIN, *TRAINING, "tracking=off"]
    with injections.of("two hosts with one run folder"):
        processes = [start(*command, cwd=checkout), start(*there, *command, cwd=checkout)]
        told = [process.communicate(timeout=600) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], told
        assert sum("nothing was trained" in out for out, _ in told) == 1
        assert sum(err.count("waiting for process") for _, err in told) == 1
        came_to(run_folder(checkout))
    with injections.of("two hosts with one run folder, the one that trains killed"):
        again = [*command, "train.fresh=true"]
        killed = start(*there, *again, cwd=checkout)
        assert killed.stdout is not None
        killed.stdout.readline()
        waits = start(*again, cwd=checkout)
        assert waits.stderr is not None
        assert re.search(r"waiting for process \d+ on there", waits.stderr.readline())
        kill(killed)
        _, err = waits.communicate(timeout=600)
        assert waits.returncode == 0
        assert resumed_after(err) is not None
