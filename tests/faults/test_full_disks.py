"""A full disk, whatever is being written: one line says so, nothing is lost, and with space the command continues."""

from collections.abc import Callable

import pytest

from tests.conftest import Shell, environment
from tests.faults.disks import no_file_above, small_disk
from tests.faults.figures import Injections
from tests.faults.trainings import TRAIN, Site, journal, run_folders

pytestmark = pytest.mark.slow
TRAINING = (
    *(*TRAIN, "experiment=digits", "model.hidden=[32]", "model.dropout=0.2", "optimizer=adam", "train.epochs=6"),
    *("train.checkpoint_epochs=1", "train.checkpoint_seconds=null"),
)
PAGE = 4  # kilobytes: what the smallest file takes


def one_line(output: str) -> str:
    """The error at the end of a command's output; only where it resumes, and warnings, may precede it."""
    *before, last = output.splitlines()
    assert last.startswith("error: "), output
    assert all(line.startswith(("resuming ", "warning: ", "MLflow")) for line in before), output
    return last


@pytest.mark.parametrize("tracking", ["off", "mlflow"])
def test_a_disk_that_grows_step_by_step(tracking: str, site: Callable[..., Site], injections: Injections) -> None:
    """The disk is full at each kind of write in its turn, from the first file of the run folder to its last."""
    training = site(*TRAINING, f"tracking={tracking}")
    # Kilobytes; twice, as checkpoints and half-written files need space, too.
    needed = 2 * PAGE * sum(1 + size // 1024 // PAGE for size in training.sizes)
    steps, full = injections.wanted(60), 0
    with small_disk(training.runs, PAGE) as disk:
        for step in range(steps):
            disk.resize(PAGE + needed * step // steps // PAGE * PAGE)
            epochs = {folder: len(journal(folder)) for folder in run_folders(disk.seen)}
            with injections.of(f"disk full, tracking={tracking}"):
                done = disk.run(training.command, cwd=training.checkout, env=environment())
                if done.returncode == 0:
                    break
                full += 1
                assert done.returncode == 2, done.stderr
                assert "no space left" in one_line(done.stderr)
                for folder, count in epochs.items():
                    assert len(journal(folder)) >= count  # the last good state is intact
        disk.resize(4 * needed + (64 << 10))
        done = disk.run(training.command, cwd=training.checkout, env=environment())
        assert done.returncode == 0, done.stderr
        training.assert_whole(disk.seen, recorded=tracking == "mlflow")
        assert full > 0


def test_a_limit_on_the_size_of_files(site: Callable[..., Site], shell: Shell, injections: Injections) -> None:
    """Each kind of file is the first to pass the limit in its turn; MLflow's database passes all of them."""
    training = site(*TRAINING)
    limits = [0, *(size - 1 for size in sorted({*training.sizes} - {0}))]
    for limit in limits[:: 10 if injections.share < 1 else 1]:
        for tracking in ("tracking=mlflow", "tracking=off"):
            with injections.of("limit on the size of files"):
                done = shell(*training.command, tracking, preexec_fn=no_file_above(limit))
                assert "Traceback" not in done.stderr
                if done.returncode != 0:
                    assert done.returncode == 2, done.stderr
                    one_line(done.stderr)
    training.completed()
    training.assert_whole()
