"""`python -m src.train` as users type it: one run, a multirun, a mistake, an interruption, a full disk."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Shell
from tests.helpers.checkouts import furnish
from tests.helpers.commands import run_main
from tests.helpers.processes import start
from tests.helpers.stores import stored

TRAIN = ("python", "-m", "src.train")
LONG = ("experiment=digits", "train.batch_size=1", "tracking.figures=false")
SMALL = ("experiment=digits", "model.hidden=[16]", "optimizer.lr=0.01", "train.epochs=3")


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    """A checkout in which the digits and the store are there already."""
    return furnish(checkout, digits_folder, empty_store)


def weights(checkout: Path) -> dict[str, str]:
    """The digest of the weights of every finished run, by fingerprint."""
    results = (checkout / "runs").glob("*/result.json")
    found = {file.parent.name: re.search(r'"weights_sha256": "(\w+)"', file.read_text()) for file in results}
    return {name: match[1] for name, match in found.items() if match}


def test_help_teaches_the_groups_and_gives_examples(shell: Shell) -> None:
    told = shell(*TRAIN, "--help").stdout
    for group in ("data", "model", "optimizer", "schedule", "train", "tracking", "experiment"):
        assert re.search(rf"^{group}: \w", told, re.MULTILINE)
    assert told.count("python -m src.train ") >= 5
    for stage in ("check", "fetch", "split", "normalize", "evaluate", "compose"):
        assert "KEY=VALUE" in run_main(stage, "--help").stdout


def test_help_imports_nothing_heavy(shell: Shell) -> None:
    told = shell("python", "-X", "importtime", "-m", "src.train", "--help").stderr
    imported = set(re.findall(r"\| +([\w.]+)$", told, re.MULTILINE))
    assert "hydra" in imported
    assert not imported & {"mlflow", "matplotlib", "sklearn", "scipy", "pandas", "dvc"}


def test_a_run_touches_nothing_that_dvc_tracks(checkout: Path, shell: Shell) -> None:
    done = shell(*TRAIN, *SMALL, "tracking=off")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^epoch 1/3 +train \d+\.\d{4} +\d+\.\d\d% +valid .* images/s +\d+ s left$", done.stdout, re.M)
    assert "test accuracy" in done.stdout
    assert not {"models", "plots", "reports", "outputs", "multirun"} & {file.name for file in checkout.iterdir()}
    assert shell("git", "status", "--porcelain").stdout == ""
    again = shell(*TRAIN, *SMALL, "tracking=off")
    assert "epoch 1/3" not in again.stdout
    assert "train.fresh=true" in again.stdout


def test_jobs_of_a_multirun_are_those_of_single_runs_to_the_bit(checkout: Path, shell: Shell) -> None:
    for seed in (0, 1):
        assert shell(*TRAIN, *SMALL, "model.dropout=0.2", "tracking=off", f"seed={seed}").returncode == 0
    single = weights(checkout)
    assert len(set(single.values())) == 2
    done = shell(*TRAIN, "-m", *SMALL, "model.dropout=0.2", "tracking=off", "seed=0,1", "train.fresh=true")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("  finished  ") == 2  # trained, and not reused
    assert weights(checkout) == single


def test_a_multirun_finishes_the_others_and_tells_of_the_failure(checkout: Path, shell: Shell) -> None:
    overrides = [*SMALL, "optimizer=sgd", "schedule=constant", "optimizer.lr=0.1,1e20", "model.act=relu,sigmoid"]
    overrides.append("tracking.figures=false")
    done = shell(*TRAIN, "-m", *overrides)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("of 4 jobs failed; the others are finished and recorded")
    rows = [line.split() for line in done.stdout.splitlines() if re.match(r" +\d  ", line)]
    statuses = {" ".join(row[1:3]): row[3] for row in rows}
    assert statuses["optimizer.lr=0.1 model.act=relu"] == "finished"
    assert statuses["optimizer.lr=1e+20 model.act=relu"] == "failed"
    assert len(rows) == 4
    assert re.search(
        r"^job \d \(optimizer.lr=\S+ model.act=relu\): failed: diverged at epoch 1", done.stdout, re.MULTILINE
    )

    runs = {run.info.run_id: run for run in stored(checkout)}
    [parent] = [run for run in runs.values() if "mlflow.parentRunId" not in run.data.tags]
    children = {row[-1]: runs[row[-1]] for row in rows}
    assert len(children) == 4
    for row in rows:
        child = children[row[-1]]
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.tags["variant"] == " ".join(row[1:3])
        assert child.info.status == row[3].upper()
    assert parent.info.status == "FAILED"


def test_one_bad_job_stops_a_multirun_before_it_starts(checkout: Path, shell: Shell) -> None:
    done = shell(*TRAIN, "-m", *SMALL, "model.act=relu,rleu")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "model.act=rleu: unknown; did you mean relu?" in done.stderr
    assert not (checkout / "runs").exists()


def assert_refused(done: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: ")
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["nosuch.key=1"],
        ["+foo=1"],
        ["~model"],
        ["model=null"],
        ["optimizer=sgdx"],
        ["optimizer.lr=nan"],
        ["model.act=relu,tanh"],
        ["model.act=[a"],
        ["model.hidden=[0]"],
        ["model.act=${oc.env:HOME}"],
        ["-m", "optimizer=adam,sgdx"],
        ["--config-name", "nope"],
    ],
    ids=" ".join,
)
def test_a_mistake_gets_one_line_and_exit_code_2(
    arguments: list[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert_refused(run_main("train", *arguments), home)


@pytest.mark.parametrize(
    "arguments",
    [
        ["tracking.uri=sqlite:////proc/nowhere/x.db", *SMALL],
        ["-m", "train.batch_size=10,1000000", *SMALL],
    ],
    ids=" ".join,
)
def test_so_does_one_that_only_the_data_or_the_store_shows(checkout: Path, shell: Shell, arguments: list[str]) -> None:
    assert_refused(shell(*TRAIN, *arguments), checkout)


@pytest.mark.parametrize("damage", ["truncated", "another recipe"])
def test_arrays_that_are_not_the_recipes_are_refused(checkout: Path, shell: Shell, damage: str) -> None:
    overrides = [*SMALL, "tracking=off"]
    if damage == "truncated":
        array = checkout / "data/normalized/digits/x_train.npy"
        array.write_bytes(array.read_bytes()[:-4])
    else:
        overrides.append("data.scaling=unit")
    refused = shell(*TRAIN, *overrides)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") == 1
    assert "data/normalized/digits" in refused.stderr


def test_a_file_of_conf_that_is_none_is_told_in_one_line(checkout: Path, shell: Shell) -> None:
    file = checkout / "conf/model/mlp.yaml"
    whole = file.read_text()
    for content, told in (
        (whole.replace("[512]", "[512"), "conf/"),
        (whole.replace("act: relu", "act: ${oc.env:HOME}"), "interpolations"),
    ):
        assert content != whole
        file.write_text(content)
        for command in ("src.train", "src.compose"):
            done = shell("python", "-m", command)
            assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
            assert told in done.stderr


@pytest.mark.parametrize("content", [None, "", "- a list", "model: ["])
def test_a_snapshot_that_is_none_stops_every_stage(
    content: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = home / "params.yaml"
    monkeypatch.setattr("src.config.tree.SNAPSHOT", snapshot)
    monkeypatch.setattr("src.config.tree.read_snapshot.__defaults__", (snapshot,))
    monkeypatch.setattr("src.cli.stage.ROOT", home)
    if content is not None:
        snapshot.write_text(content)
    for command in (["check"], ["fetch"], ["train", "--stage"], ["evaluate"]):
        done = run_main(*command)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), command
        assert "python -m src.compose" in done.stderr
    assert run_main("compose", "--check").returncode in (1, 2)
    assert run_main("compose").returncode == 0
    assert run_main("compose", "--check").returncode == 0


def test_so_it_does_where_a_user_types(checkout: Path, shell: Shell) -> None:
    (checkout / "params.yaml").unlink()
    done = shell(*TRAIN, "--stage")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "python -m src.compose" in done.stderr
    assert shell("python", "-m", "src.compose").returncode == 0
    assert shell("python", "-m", "src.compose", "--check").returncode == 0


def test_an_interrupted_run_ends_as_killed(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, *LONG, "train.epochs=100000", cwd=checkout)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "error: interrupted\n")
    assert [run.info.status for run in stored(checkout)] == ["KILLED"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["interrupt", "kill a worker"])
def test_a_multirun_that_is_cut_short_tells_how_each_job_stands(checkout: Path, shell: Shell, how: str) -> None:
    process = start(*TRAIN, "-m", *LONG, "train.epochs=3,100000", cwd=checkout)
    assert process.stdout is not None
    while not process.stdout.readline().startswith("finished: train.epochs=3"):
        assert process.poll() is None
    running: list[dict[str, Any]] = []
    while not running:
        statuses = [json.loads(file.read_text()) for file in (checkout / "runs").glob("*/status.json")]
        running = [status for status in statuses if status["status"] == "running"]
        assert process.poll() is None
    if how == "interrupt":
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    else:
        os.kill(running[0]["pid"], signal.SIGKILL)
    told, errors = process.communicate(timeout=120)
    assert process.returncode == (130 if how == "interrupt" else 1), errors
    assert re.search(r"train.epochs=3 +(finished|reused) ", told)
    assert re.search(r"train.epochs=100000 +killed ", told)
    parent = "KILLED" if how == "interrupt" else "FAILED"
    assert sorted(run.info.status for run in stored(checkout)) == sorted(["FINISHED", "KILLED", parent])
    for file in (checkout / "runs").glob("*/status.json"):
        assert json.loads(file.read_text())["status"] in ("finished", "killed")


def test_a_reader_that_leaves_ends_no_training(checkout: Path, shell: Shell) -> None:
    done = shell("sh", "-c", "python -m src.train experiment=digits tracking=off | head -n 2")
    assert done.stdout.count("\n") == 2
    assert done.stderr == ""
    [status] = (checkout / "runs").glob("*/status.json")
    assert json.loads(status.read_text())["status"] == "finished"


def test_a_second_process_waits_for_the_same_run_and_reuses_it(checkout: Path, shell: Shell) -> None:
    command = [*TRAIN, "experiment=digits", "train.epochs=150", "tracking=off"]
    started = [start(*command, cwd=checkout) for _ in range(2)]
    told = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert sum("nothing was trained" in out for out, _ in told) == 1


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing_half_written(checkout: Path, shell: Shell) -> None:
    shutil.rmtree(checkout / "data/normalized")

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = shell("python", "-m", "src.normalize", "data=digits", preexec_fn=small_files_only)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: ")
    assert not (checkout / "data/normalized").exists() or not list((checkout / "data/normalized").iterdir())
    assert shell("python", "-m", "src.normalize", "data=digits").returncode == 0


def test_epochs_are_quick_to_be_told(checkout: Path, shell: Shell) -> None:
    """Lines come as epochs end, not when the run does: a pipe must not hold them back."""
    process = start(*TRAIN, *LONG, "train.epochs=400", "tracking=off", cwd=checkout)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch   1/400")
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 130
