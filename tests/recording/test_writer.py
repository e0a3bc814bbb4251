"""The process that writes to MLflow: it ends with its command, and if it dies, the command warns and goes on."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from src.recording import writer
from tests.conftest import Shell, environment
from tests.faults.trainings import assert_level, run_folder
from tests.helpers.processes import start, until
from tests.helpers.stores import database, stored

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("furnished")]
TRAIN = ("python", "-m", "src.train")
TRAINING = ("experiment=digits", "train.batch_size=8", "train.epochs=60", "tracking.figures=false")
LONG = ("experiment=digits", "train.batch_size=1", "train.epochs=100000", "tracking.figures=false")


def writers(command: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(command.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # Git's have ended meanwhile
            if writer.__name__ in child.cmdline():
                found.append(child)
    return found


@pytest.mark.parametrize("when", ["while MLflow is imported", "in mid-run"])
def test_it_ends_with_a_command_that_is_killed(checkout: Path, shell: Shell, when: str) -> None:
    assert shell(*TRAIN, *TRAINING, "train.epochs=1").returncode == 0  # from now on no training waits for the store
    process = start(*TRAIN, *LONG, cwd=checkout)
    if when == "in mid-run":
        until(lambda: len([run for run in stored(checkout) if run.data.metrics]) == 2)
    else:
        until(lambda: writers(process) and len(list((checkout / "runs").glob("*/status.json"))) == 2)
    [writing] = writers(process)
    process.kill()
    process.communicate(timeout=60)
    writing.wait(60)
    assert len(stored(checkout)) == 1 + (when == "in mid-run")
    done = shell("python", "-m", "src.sync")
    assert done.stdout.endswith("MLflow is up to date (1 run added)\n")
    assert sorted(run.info.status for run in stored(checkout)) == ["FINISHED", "KILLED"]


@pytest.mark.parametrize("when", ["at its start", "in mid-run"])
def test_if_it_is_killed_there_is_one_warning(checkout: Path, shell: Shell, when: str) -> None:
    assert shell(*TRAIN, *TRAINING, "train.epochs=1").returncode == 0  # from now on no training waits for the store
    process = start(*TRAIN, *TRAINING, "train.epochs=300", cwd=checkout)
    if when == "in mid-run":
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)  # or it might be at its end before there is anything in the store
    until(lambda: writers(process) if when == "at its start" else len(stored(checkout)) == 2)
    writers(process)[0].kill()
    process.send_signal(signal.SIGCONT)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "test accuracy" in told
    assert (errors.count("\n"), errors.count("warning: the process that writes to MLflow died")) == (1, 1)
    done = shell("python", "-m", "src.sync")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("MLflow is up to date (1 run added)\n")
    assert [run.info.status for run in stored(checkout)] == ["FINISHED"] * 2


@pytest.mark.parametrize("how", ["a terminal's Ctrl-C", "a shutdown"])
def test_how_a_command_was_ended_is_recorded(checkout: Path, how: str) -> None:
    process = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: [run for run in stored(checkout) if run.data.metrics])
    [writing] = writers(process)
    if how == "a shutdown":  # which signals everybody
        writing.send_signal(signal.SIGTERM)
    os.killpg(process.pid, signal.SIGINT if how == "a terminal's Ctrl-C" else signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "error: interrupted\n")
    writing.wait(60)
    [run] = stored(checkout)
    assert (run.info.status, run.data.tags["reason"]) == ("KILLED", "interrupted")


@pytest.mark.parametrize("store", ["new", "known"])
def test_a_closed_stdin_does_not_matter(checkout: Path, shell: Shell, store: str) -> None:
    if store == "new":
        (checkout / "mlflow.db").unlink()
    done = shell("sh", "-c", 'exec "$@" <&-', "sh", *TRAIN, *TRAINING)
    assert (done.returncode, done.stderr) == (0, "")
    assert_level(f"sqlite:///{checkout}/mlflow.db", run_folder(checkout))


def test_an_mlflow_that_cannot_be_imported_is_named(checkout: Path, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "broken" / "mlflow").mkdir(parents=True)
    (tmp_path / "broken" / "mlflow" / "__init__.py").write_text("raise ImportError('half of it is missing')")
    broken = {"env": environment() | {"PYTHONPATH": str(tmp_path / "broken")}}
    done = shell(*TRAIN, *TRAINING, **broken)  # with a store that is new
    assert done.returncode == 2
    assert "half of it is missing" in done.stderr
    assert not (checkout / "runs").exists()
    assert shell(*TRAIN, *TRAINING).returncode == 0
    done = shell(*TRAIN, *TRAINING, "seed=1", **broken)
    assert done.returncode == 0
    assert "half of it is missing" in done.stderr
    assert done.stderr.endswith("`python -m src.sync` records the rest\n")


def test_a_store_that_this_mlflow_does_not_understand_is_a_warning(checkout: Path, shell: Shell) -> None:
    """This is known only when it is opened, after the training has begun."""
    assert shell(*TRAIN, *TRAINING).returncode == 0
    database(checkout / "mlflow.db", "UPDATE alembic_version SET version_num = 'of another day'")
    done = shell(*TRAIN, *TRAINING, "seed=1")
    assert done.returncode == 0
    assert "test accuracy" in done.stdout
    warning, last = done.stderr.splitlines()
    assert warning.startswith("warning: the MLflow store sqlite:///")
    assert last == "MLflow lacks some of this; `python -m src.sync` records the rest"
