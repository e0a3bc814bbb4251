"""A portable training that is killed on one machine goes on, on another, to the same bits."""

import os
import signal
from pathlib import Path

import joblib
import pytest

from tests.conftest import Shell
from tests.faults.trainings import TRAIN, journal, run_folder
from tests.helpers.checkouts import environment
from tests.helpers.processes import start, until

COMMAND = (
    *(*TRAIN, "experiment=digits", "model.hidden=[32]", "model.act=tanh", "optimizer=adam", "tracking=off"),
    *("train.arithmetic=portable", "train.batch_size=4", "train.epochs=30", "train.checkpoint_epochs=1"),
)
# Kernel and number of threads: as three machines would have them.
HERE, THERE, ELSEWHERE = ("Prescott", 1), ("Haswell", min(2, joblib.cpu_count())), ("Zen", 1)


@pytest.mark.slow
@pytest.mark.usefixtures("furnished")
def test_killed_here_it_goes_on_there(checkout: Path, shell: Shell) -> None:
    kernel, threads = HERE
    process = start(*COMMAND, f"train.threads={threads}", cwd=checkout, OPENBLAS_CORETYPE=kernel)
    until(lambda: list(checkout.glob("runs/*/journal.jsonl")), process)
    folder = run_folder(checkout)
    until(lambda: len(journal(folder)) > 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    killed_after = len(journal(folder))
    assert killed_after < 30

    results = []
    for (kernel, threads), fresh in ((THERE, "false"), (ELSEWHERE, "true")):
        variables = environment() | {"OPENBLAS_CORETYPE": kernel}
        done = shell(*COMMAND, f"train.threads={threads}", f"train.fresh={fresh}", env=variables)
        assert done.returncode == 0, done.stderr
        assert ("resuming after" in done.stderr) == (fresh == "false")
        assert run_folder(checkout) == folder  # neither kernel nor threads make it another run
        results.append(((folder / "result.json").read_text(), (folder / "model.npz").read_bytes(), journal(folder)))
    assert results[0] == results[1]
