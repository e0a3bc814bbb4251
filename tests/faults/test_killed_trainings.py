"""A training that is killed again and again, at any moment, ends with the same bits as an undisturbed one."""

import os
import random
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.figures import Injections
from tests.faults.trainings import TRAIN, Site, journal, run_folders
from tests.helpers.processes import start

pytestmark = pytest.mark.slow
# Seconds of training, with checkpoints at the ends of epochs and in the middle of them.
TRAINING = (
    *(*TRAIN, "experiment=digits", "model.hidden=[32]", "model.dropout=0.2", "optimizer=adam", "schedule=cosine"),
    *("schedule.by=step", "train.batch_size=1", "train.epochs=20", "train.checkpoint_epochs=1"),
    *("train.checkpoint_seconds=0.2", "tracking.figures=false"),
)
ELSEWHERE = Path(__file__).parent / "elsewhere"
A_DAY = 24 * 60 * 60


def kill(process: subprocess.Popen[str]) -> str:
    """Kills a command and everything that it has started; returns its stderr."""
    os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[1]


def resumed_after(output: str) -> int | None:
    """How many epochs a checkpoint spared, if a command resumed from one."""
    match = re.search(r"^resuming after (\d+) epochs?", output, re.MULTILINE)
    return int(match[1]) if match else None


@pytest.mark.parametrize("clock", ["runs on", "is moved by a day"])
def test_killed_at_random_moments_it_gives_the_same_bits_in_the_same_record(
    clock: str, site: Callable[..., Site], injections: Injections
) -> None:
    training = site(*TRAINING)
    rng, epochs, resumed = random.Random(clock), 0, 0
    what, full, variables = "kill -9 at a random moment", 100, {}
    if clock != "runs on":
        what, full, variables = f"{what}, the clock moved by a day", 30, {"PYTHONPATH": str(ELSEWHERE)}
    for number in range(injections.wanted(full)):
        if variables:
            variables["CLOCK_AHEAD"] = str(A_DAY * (-1) ** number)
        with injections.of(what):
            process = start(*training.command, cwd=training.checkout, **variables)
            try:
                _, output = process.communicate(timeout=rng.uniform(0.3, 1.0) * training.seconds)
            except subprocess.TimeoutExpired:
                output = kill(process)
            assert "Traceback" not in output, output
            if (spared := resumed_after(output)) is not None:
                resumed += 1
                assert spared >= epochs - 1  # one interval is an epoch at most
            epochs = max((len(journal(folder)) for folder in run_folders(training.runs)), default=0)
            if process.returncode == 0:
                training.assert_whole()
                training.forget()
                epochs = 0
    training.completed()
    training.assert_whole()
    injections.note(f"{what}: {resumed} times it went on from a checkpoint")


def test_of_two_hosts_with_one_run_folder_one_trains_and_the_other_takes_its_result(
    site: Callable[..., Site], injections: Injections
) -> None:
    """Another host's processes have other numbers, and may have the same; the run folder and its lock are shared."""
    there = ["unshare", "-r", "-u", "-p", "-f", "--mount-proc", "sh", "-c", 'hostname there; exec "$@"', "sh"]
    training = site(*TRAINING, "tracking=off")
    command, cwd = training.command, training.checkout
    with injections.of("two hosts with one run folder"):
        processes = [start(*command, cwd=cwd), start(*there, *command, cwd=cwd)]
        outputs = [process.communicate(timeout=600) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outputs
        assert sum("nothing was trained" in out for out, _ in outputs) == 1
        assert sum(err.count("waiting for process") for _, err in outputs) == 1
        training.assert_whole(recorded=False)
    with injections.of("two hosts with one run folder, the one that trains killed"):
        again = [*command, "train.fresh=true"]
        killed = start(*there, *again, cwd=cwd)
        assert killed.stdout is not None
        killed.stdout.readline()
        waits = start(*again, cwd=cwd)
        assert waits.stderr is not None
        assert re.search(r"waiting for process \d+ on there", waits.stderr.readline())
        kill(killed)
        _, err = waits.communicate(timeout=600)
        assert waits.returncode == 0
        assert resumed_after(err) is not None
        training.assert_whole(recorded=False)
