"""What MLflow lacks when a command was killed, or a server was away, it gets later: each metric once, no ghost runs."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Shell, environment
from tests.helpers.checkouts import furnish
from tests.helpers.processes import start, until
from tests.helpers.servers import Server
from tests.helpers.stores import client_of, stored

if TYPE_CHECKING:
    from mlflow.entities import Run

pytestmark = pytest.mark.slow
TRAIN = ("python", "-m", "src.train")
SYNC = ("python", "-m", "src.sync")
LONG = ("experiment=digits", "train.batch_size=1", "train.epochs=100000", "tracking.figures=false")
SHORT = ("experiment=digits", "model.hidden=[16]", "train.epochs=3", "tracking.figures=false")
CURVES = ("train/loss", "train/accuracy", "valid/loss", "valid/accuracy", "train/lr", "train/images_per_second")


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    """A checkout in which the digits and the store are there already."""
    return furnish(checkout, digits_folder, empty_store)


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=60)


def stands(checkout: Path) -> list[dict[str, Any]]:
    found = []
    for file in (checkout / "runs").glob("*/status.json"):
        with contextlib.suppress(FileNotFoundError):
            found.append(json.loads(file.read_text()))
    return found


def statuses(checkout: Path) -> list[str]:
    return sorted(status["status"] for status in stands(checkout))


def at_work(checkout: Path) -> list[int]:
    return [status["pid"] for status in stands(checkout) if status["status"] == "running"]


def assert_level(uri: str | Path, runs: "list[Run]") -> None:
    """Each metric of each run stands in the store as in the journal, once; nothing is noted as lacking."""
    client = client_of(uri)
    for run in runs:
        if "fingerprint" not in run.data.tags:
            continue
        folder = Path(run.data.tags["folder"])
        journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
        for key in CURVES:
            history = [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run.info.run_id, key)]
            column = key.replace("/", "_") if key.endswith(("loss", "accuracy")) else key.partition("/")[2]
            assert history == [(e["epoch"], e[column], int(e["time"] * 1000)) for e in journal], key


def pending(checkout: Path) -> list[str]:
    return [file.name for file in (checkout / "runs/.records").glob("*.json")]


# --- Killed


def test_a_killed_run_is_closed_and_goes_on_in_the_same_record(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: [run for run in stored(checkout) if run.data.metrics], process)
    kill(process)
    assert statuses(checkout) == ["running"]
    done = shell(*SYNC)
    assert (done.returncode, done.stderr) == (0, "")
    [run] = stored(checkout)
    assert (
        done.stdout
        == f"recorded: {run.info.run_name}, MLflow run {run.info.run_id}\nMLflow is up to date (1 run added)\n"
    )
    assert (run.info.status, run.data.tags["reason"]) == ("KILLED", "its process died")
    assert statuses(checkout) == ["killed"]
    assert_level(checkout, [run])
    assert shell(*SYNC).stdout == "MLflow is up to date\n"

    again = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: stored(checkout)[0].info.status == "RUNNING", again)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=60)
    [same] = stored(checkout)
    assert same.info.run_id == run.info.run_id
    assert (same.info.status, same.data.tags["reason"]) == ("KILLED", "interrupted")
    assert_level(checkout, [same])
    assert pending(checkout) == []


def test_what_a_killed_command_has_left_the_next_one_records(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: [run for run in stored(checkout) if run.data.metrics], process)
    kill(process)
    assert shell(*TRAIN, *SHORT, "seed=1", "tracking=off").stderr == ""
    assert [run.info.status for run in stored(checkout)] == ["RUNNING"]
    done = shell(*TRAIN, *SHORT)
    assert (done.returncode, done.stderr) == (0, "MLflow: 1 run of earlier commands recorded\n")
    assert sorted(run.info.status for run in stored(checkout)) == ["FINISHED", "KILLED"]
    assert pending(checkout) == []


@pytest.mark.parametrize("victim", ["parent", "worker"])
def test_a_killed_sweep_is_gone_on_with_under_the_same_parent(checkout: Path, shell: Shell, victim: str) -> None:
    jobs = ("-m", "experiment=digits", "train.batch_size=4", "train.epochs=60", "seed=range(4)")
    command = [*TRAIN, *jobs, "tracking.figures=false", "hydra.launcher.n_jobs=2"]
    process = start(*command, cwd=checkout)
    until(lambda: len([run for run in stored(checkout) if run.data.metrics]) >= 2, process)
    if victim == "parent":
        kill(process)
    else:
        workers: list[int] = []
        until(lambda: workers.extend(at_work(checkout)) or workers, process)
        os.kill(workers[0], signal.SIGKILL)
        process.communicate(timeout=120)
    finished = statuses(checkout).count("finished")
    before = {run.info.run_id for run in stored(checkout)}

    again = shell(*command)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count("  reused  ") == finished
    runs = stored(checkout)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert before <= {run.info.run_id for run in runs}
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run is not parent]
    assert sorted(run.data.tags["variant"] for run in children) == [f"seed={seed}" for seed in range(4)]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert_level(checkout, runs)
    assert pending(checkout) == []
    assert list((checkout / "runs/.records").glob("*.owner")) == []


def test_the_parent_of_a_killed_sweep_ends_as_its_runs_did(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, "-m", *LONG, "train.epochs=2,100000", "hydra.launcher.n_jobs=2", cwd=checkout)
    until(lambda: statuses(checkout) == ["finished", "running"] and len(stored(checkout)) == 3, process)
    kill(process)
    until(lambda: shell(*SYNC).stdout.endswith("added)\n") or not pending(checkout))  # when the worker is gone, too
    assert statuses(checkout) == ["finished", "killed"]
    assert sorted(run.info.status for run in stored(checkout)) == ["FINISHED", "KILLED", "KILLED"]
    assert_level(checkout, stored(checkout))


def test_a_record_whose_folder_is_gone_is_closed(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, *LONG, cwd=checkout)
    until(lambda: [run for run in stored(checkout) if run.data.metrics], process)
    kill(process)
    for folder in (checkout / "runs").glob("*/"):
        if folder.name != ".records":
            shutil.rmtree(folder)
    assert shell(*SYNC).returncode == 0
    assert [run.info.status for run in stored(checkout)] == ["KILLED"]
    assert pending(checkout) == []


def test_a_store_that_was_deleted_is_filled_again(checkout: Path, shell: Shell, empty_store: Path) -> None:
    assert shell(*TRAIN, "-m", *SHORT, "seed=0,1").returncode == 0
    (checkout / "mlflow.db").unlink()
    shutil.copy(empty_store, checkout / "mlflow.db")
    assert shell(*SYNC).stdout == "MLflow is up to date\n"  # as far as is known here
    done = shell(*SYNC, "--all")
    assert (done.returncode, done.stderr) == (0, "")
    names = sorted(str(run.info.run_name) for run in stored(checkout))
    assert (len(names), names[1:]) == (3, ["relu-he-adam s0", "relu-he-adam s1"])
    assert {run.info.status for run in stored(checkout)} == {"FINISHED"}
    assert_level(checkout, stored(checkout))


def test_help_teaches(checkout: Path, shell: Shell) -> None:
    told = shell(*SYNC, "--help").stdout
    assert "python -m src.sync --all" in told
    assert "Exit codes" in told


# --- A server that is away


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "server").mkdir()
    with Server(tmp_path / "server") as server:
        yield server


def test_a_server_that_is_away_costs_one_warning_and_gets_everything_later(
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
    assert len(pending(checkout)) == 4

    server.start()
    synced = shell(*SYNC)  # the address stands in the records
    assert (synced.returncode, synced.stderr) == (0, "")
    runs = stored(server.uri)
    assert len(runs) == 4
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert_level(server.uri, runs)
    assert pending(checkout) == []
    assert stored(checkout) == []


def test_a_server_that_stops_answering_in_mid_run_holds_nothing_up(
    checkout: Path, shell: Shell, server: Server
) -> None:
    server.start()
    command = [*TRAIN, "experiment=digits", "train.batch_size=8", "train.epochs=300", "tracking.figures=false"]
    process = start(*command, MLFLOW_TRACKING_URI=server.uri, cwd=checkout)
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)  # or it might be at its end before the server has anything
    until(lambda: [run for run in stored(server.uri) if run.data.metrics], process)
    server.signal(signal.SIGSTOP)
    process.send_signal(signal.SIGCONT)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == 0
    assert "test accuracy" in told
    assert errors.count("warning") <= 1
    assert errors.endswith("`python -m src.sync` records the rest\n")
    server.signal(signal.SIGCONT)
    until(lambda: shell(*SYNC).returncode == 0)
    [run] = stored(server.uri)
    assert run.info.status == "FINISHED"
    assert_level(server.uri, [run])


def test_a_local_store_that_cannot_be_used_is_a_mistake(checkout: Path, shell: Shell) -> None:
    (checkout / "mlflow.db").write_text("no database, but long enough to be looked at" * 100)
    done = shell(*TRAIN, *SHORT)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert not (checkout / "runs").exists()
