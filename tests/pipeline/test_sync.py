"""What MLflow lacks after a command was killed, or while a server was away, it gets later: each metric once."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Shell, environment
from tests.helpers.checkouts import running, statuses
from tests.helpers.processes import start, until
from tests.helpers.servers import Server
from tests.helpers.stores import assert_mirrored, stored

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("furnished")]
TRAIN = ("python", "-m", "src.train")
SYNC = ("python", "-m", "src.sync")
LONG = ("experiment=digits", "train.batch_size=1", "train.epochs=100000", "tracking.figures=false")
SHORT = ("experiment=digits", "model.hidden=[16]", "train.epochs=3", "tracking.figures=false")


def folders(checkout: Path) -> list[Path]:
    return [file.parent for file in (checkout / "runs").glob("*/status.json")]


def pending(checkout: Path) -> list[Path]:
    return list((checkout / "runs/.records").glob("*.json"))


def train_and_kill(checkout: Path) -> None:
    """Kills a long training when MLflow has some of it."""
    process = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: [run for run in stored(checkout) if run.data.metrics and run.info.status == "RUNNING"], process)
    process.kill()
    process.communicate(timeout=60)


# --- Killed


def test_a_killed_run_is_closed_and_continues_in_the_same_mlflow_run(checkout: Path, shell: Shell) -> None:
    train_and_kill(checkout)
    assert statuses(checkout) == ["running"]
    done = shell(*SYNC)
    [run] = stored(checkout)
    recorded = f"recorded: {run.info.run_name}, MLflow run {run.info.run_id}\nMLflow is up to date (1 run added)\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, recorded, "")
    assert (run.info.status, run.data.tags["reason"]) == ("KILLED", "its process died")
    assert statuses(checkout) == ["killed"]
    assert_mirrored(checkout, *folders(checkout))
    assert shell(*SYNC).stdout == "MLflow is up to date\n"

    again = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: stored(checkout)[0].info.status == "RUNNING", again)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    [same] = stored(checkout)
    assert same.info.run_id == run.info.run_id
    assert (same.info.status, same.data.tags["reason"]) == ("KILLED", "interrupted")
    assert_mirrored(checkout, *folders(checkout))
    assert pending(checkout) == []


def test_the_next_command_that_records_closes_a_killed_run_and_sync_one_whose_folder_is_gone(
    checkout: Path, shell: Shell
) -> None:
    train_and_kill(checkout)
    assert shell(*TRAIN, *SHORT, "seed=1", "tracking=off").stderr == ""
    assert [run.info.status for run in stored(checkout)] == ["RUNNING"]
    done = shell(*TRAIN, *SHORT)
    assert (done.returncode, done.stderr) == (0, "MLflow: 1 run of earlier commands recorded\n")
    assert sorted(run.info.status for run in stored(checkout)) == ["FINISHED", "KILLED"]
    assert pending(checkout) == []

    train_and_kill(checkout)
    for folder in folders(checkout):
        shutil.rmtree(folder)
    assert shell(*SYNC).returncode == 0
    assert sorted(run.info.status for run in stored(checkout)) == ["FINISHED", "KILLED"]
    assert pending(checkout) == []


@pytest.mark.parametrize("how", ["kill the parent", "kill a worker", "interrupt"])
def test_a_sweep_that_is_cut_short_continues_under_the_same_parent_and_fills_a_store_that_was_deleted(
    checkout: Path, shell: Shell, empty_store: Path, how: str
) -> None:
    jobs = ("-m", "experiment=digits", "train.batch_size=4", "train.epochs=60", "seed=range(4)")
    command = [*TRAIN, *jobs, "tracking.figures=false", "hydra.launcher.n_jobs=2"]
    process = start(*command, cwd=checkout)
    until(lambda: len([run for run in stored(checkout) if run.data.metrics]) >= 2, process)
    if how == "kill the parent":
        process.kill()
    elif how == "interrupt":
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    else:
        workers = until(lambda: running(checkout), process)
        os.kill(workers[0], signal.SIGKILL)
    told, errors = process.communicate(timeout=120)
    if how == "kill the parent":
        until(lambda: shell(*SYNC) and not pending(checkout))  # when the workers are gone, too
    else:  # the parent reports the status of each job
        assert process.returncode == (130 if how == "interrupt" else 1), errors
        assert re.search(r"seed=\d +killed ", told)
    assert {"killed"} <= set(statuses(checkout)) <= {"finished", "killed"}
    [parent] = [run for run in stored(checkout) if "mlflow.parentRunId" not in run.data.tags]
    assert parent.info.status == ("FAILED" if how == "kill a worker" else "KILLED")
    assert_mirrored(checkout, *folders(checkout))
    finished = statuses(checkout).count("finished")
    before = {run.info.run_id for run in stored(checkout)}

    again = shell(*command)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("  reused  ") == finished
    assert before <= {run.info.run_id for run in stored(checkout)}
    for deleted in (False, True):
        if deleted:
            (checkout / "mlflow.db").unlink()
            shutil.copy(empty_store, checkout / "mlflow.db")
            assert shell(*SYNC).stdout == "MLflow is up to date\n"  # as far as is known here
            done = shell(*SYNC, "--all")
            assert (done.returncode, done.stderr) == (0, "")
        runs = stored(checkout)
        assert {run.info.status for run in runs} == {"FINISHED"}
        [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        children = {run.data.tags["variant"]: run for run in runs if run is not parent}
        assert (len(runs), children.keys()) == (5, {f"seed={seed}" for seed in range(4)})
        assert {run.info.run_name.split()[-1] for run in children.values()} == {f"s{seed}" for seed in range(4)}
        assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent.info.run_id}
        assert_mirrored(checkout, *folders(checkout))
        assert pending(checkout) == []
    assert list((checkout / "runs/.records").glob("*.owner")) == []


# --- A server that is away


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "server").mkdir()
    with Server(tmp_path / "server") as server:
        yield server


def test_while_a_server_is_away_there_is_one_warning_and_later_it_gets_everything(
    checkout: Path, shell: Shell, server: Server
) -> None:
    away = {"env": environment() | {"MLFLOW_TRACKING_URI": server.uri.replace("://", "://me:secret@")}}
    done = shell(*TRAIN, *SHORT, **away)
    assert done.returncode == 0
    assert "test accuracy" in done.stdout
    assert done.stderr.count("warning") == 1
    assert done.stderr.endswith("`python -m src.sync` records the rest\n")
    swept = shell(*TRAIN, "-m", *SHORT, "seed=0,1", **away)
    assert swept.returncode == 0
    assert swept.stderr.count("warning") == 1
    assert re.search(r"seed=1 +finished .* -$", swept.stdout, re.M)
    synced = shell(*SYNC, **away)
    assert (synced.returncode, synced.stderr.count("\n")) == (1, 1)
    noted = "".join(file.read_text() for file in (checkout / "runs/.records").glob("*.json"))
    assert "secret" not in noted + done.stderr + swept.stderr + synced.stderr
    assert len(pending(checkout)) == 3  # two runs, and the parent: the sweep makes no copy of the first run

    server.start()
    synced = shell(*SYNC)  # the outbox has the address
    assert (synced.returncode, synced.stderr) == (0, "")
    runs = stored(server.uri)
    assert len(runs) == 3
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert_mirrored(server.uri, *folders(checkout))
    assert pending(checkout) == []
    assert stored(checkout) == []
