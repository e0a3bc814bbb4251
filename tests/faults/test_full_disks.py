"""A disk that is full, whatever is being written: told in a line, nothing lost, gone on with when there is space."""

from pathlib import Path

import pytest

from tests.conftest import Shell, environment
from tests.faults.disks import no_file_above, small_disk
from tests.faults.figures import Injections
from tests.faults.trainings import TRAIN, assert_level, came_to, forget, journal, run_folder
from tests.helpers.checkouts import furnish

pytestmark = pytest.mark.slow
TRAINING = (
    "experiment=digits", "model.hidden=[32]", "model.dropout=0.2", "optimizer=adam", "train.epochs=6",
    "train.checkpoint_epochs=1", "train.checkpoint_seconds=null",
)  # fmt: skip
PAGE = 4  # kilobytes: what the smallest file takes


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    return furnish(checkout, digits_folder, empty_store)


def one_line(told: str) -> str:
    """The error at the end of what a command told; before it there may be what it goes on from, and warnings."""
    *before, last = told.splitlines()
    assert last.startswith("error: "), told
    assert all(line.startswith(("resuming ", "warning: ", "MLflow")) for line in before), told
    return last


@pytest.mark.parametrize("tracking", ["off", "mlflow"])
def test_a_disk_that_grows_step_by_step(
    tracking: str, checkout: Path, shell: Shell, empty_store: Path, injections: Injections
) -> None:
    """The disk is full at each kind of write in its turn, from the first file of the run folder to its last."""
    command = [*TRAIN, *TRAINING, f"tracking={tracking}"]
    done = shell(*command)
    assert done.returncode == 0, done.stderr
    whole = came_to(run_folder(checkout))
    files = [file for file in run_folder(checkout).rglob("*") if file.is_file()]
    pages = sum(1 + file.stat().st_size // 1024 // PAGE for file in files)
    needed = 2 * PAGE * pages  # kilobytes, checkpoints and files half written included
    forget(checkout, empty_store)

    steps = injections.wanted(60)
    full = 0
    with small_disk(checkout / "runs", PAGE) as disk:
        for step in range(steps):
            disk.resize(PAGE + needed * step // steps // PAGE * PAGE)
            epochs = {file: len(journal(file.parent)) for file in disk.seen.glob("*/config.yaml")}
            with injections.of(f"disk full, tracking={tracking}"):
                done = disk.run(command, cwd=checkout, env=environment())
                if done.returncode == 0:
                    break
                full += 1
                assert done.returncode == 2, done.stderr
                assert "no space left" in one_line(done.stderr)
                for file, count in epochs.items():
                    assert len(journal(file.parent)) >= count  # the last good state is intact
        disk.resize(4 * needed + (64 << 10))
        done = disk.run(command, cwd=checkout, env=environment())
        assert done.returncode == 0, done.stderr
        [folder] = [file.parent for file in disk.seen.glob("*/config.yaml")]
        assert came_to(folder) == whole
        if tracking == "mlflow":
            assert_level(f"sqlite:///{checkout}/mlflow.db", folder)
        assert full > 0


def test_a_limit_on_the_size_of_files(checkout: Path, shell: Shell, empty_store: Path, injections: Injections) -> None:
    """Each kind of file is the first to pass the limit in its turn; MLflow's database passes all of them."""
    command = [*TRAIN, *TRAINING]
    done = shell(*command)
    assert done.returncode == 0, done.stderr
    whole = came_to(run_folder(checkout))
    sizes = sorted({file.stat().st_size for file in run_folder(checkout).rglob("*") if file.is_file()} - {0})
    forget(checkout, empty_store)
    for limit in [0, *(size - 1 for size in sizes)][:: 10 if injections.share < 1 else 1]:
        for recorded in (True, False):
            tracking = [] if recorded else ["tracking=off"]
            with injections.of("limit on the size of files"):
                done = shell(*command, *tracking, preexec_fn=no_file_above(limit))
                assert "Traceback" not in done.stderr
                if done.returncode != 0:
                    assert done.returncode == 2, done.stderr
                    one_line(done.stderr)
    done = shell(*command)
    assert done.returncode == 0, done.stderr
    assert came_to(run_folder(checkout)) == whole
    assert_level(f"sqlite:///{checkout}/mlflow.db", run_folder(checkout))
