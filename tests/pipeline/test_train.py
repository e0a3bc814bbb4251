"""`python -m src.train` as users type it: one run, a multirun, a mistake, an interruption, a full disk."""

import json
import os
import re
import resource
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Shell
from tests.helpers.checkouts import furnish
from tests.helpers.commands import run_main
from tests.helpers.processes import start
from tests.helpers.refusals import assert_rejected
from tests.helpers.stores import stored
from tests.pipeline.test_ablation import declare

TRAIN = ("python", "-m", "src.train")
LONG = ("experiment=digits", "train.batch_size=1", "tracking.figures=false")
SMALL = ("experiment=digits", "model.hidden=[16]", "optimizer.lr=0.01", "train.epochs=3")


@pytest.fixture
def checkout(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    """A checkout with the prepared digits and an empty store."""
    return furnish(checkout, digits_folder, empty_store)


def weights(checkout: Path) -> dict[str, str]:
    """The digest of the weights of every finished run, by fingerprint."""
    results = (checkout / "runs").glob("*/result.json")
    return {file.parent.name: json.loads(file.read_text())["weights_sha256"] for file in results}


GROUPS = ("data", "model", "optimizer", "schedule", "train", "tracking", "experiment")
STUDIES = ("depth", "l2", "ladder", "learning_rate", "one_factor", "width")


@pytest.mark.parametrize(
    ("command", "example", "taught"),
    [
        ("train", "", [rf"^{group}: \w" for group in GROUPS]),
        ("ablation", "ablation=", [r"Is the default rate too cold\?", *(rf"^  {name} +\w.*\?$" for name in STUDIES)]),
    ],
)
def test_help_teaches_what_there_is_with_examples_and_imports_nothing_heavy(
    command: str, example: str, taught: list[str], checkout: Path, shell: Shell
) -> None:
    declare(checkout, "tiny")
    done = shell("python", "-X", "importtime", "-m", f"src.{command}", "--help", check=True)
    for pattern in taught:
        assert re.search(pattern, done.stdout, re.MULTILINE)
    assert done.stdout.count(f"python -m src.{command} {example}") >= 5
    imported = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "hydra" in imported
    assert not imported & {"mlflow", "matplotlib", "sklearn", "scipy", "pandas", "dvc"}


@pytest.mark.parametrize("stage", ["check", "fetch", "split", "normalize", "evaluate", "compose"])
def test_help_of_a_stage_says_that_it_takes_overrides(stage: str) -> None:
    assert "KEY=VALUE" in run_main(stage, "--help").stdout


def test_runs_and_multiruns_touch_nothing_that_dvc_tracks_and_give_the_same_bits(checkout: Path, shell: Shell) -> None:
    overrides = (*SMALL, "model.dropout=0.2", "tracking=off")
    for seed in (0, 1):
        done = shell(*TRAIN, *overrides, f"seed={seed}")
        assert done.returncode == 0, done.stderr
        epoch = r"^epoch 1/3 +train \d+\.\d{4} +\d+\.\d\d% +valid .* images/s +\d+ s left$"
        assert re.search(epoch, done.stdout, re.MULTILINE)
        assert "test accuracy" in done.stdout
    single = weights(checkout)
    assert len(set(single.values())) == 2
    again = shell(*TRAIN, *overrides, "seed=0")
    assert "epoch 1/3" not in again.stdout
    assert "train.fresh=true" in again.stdout
    done = shell(*TRAIN, "-m", *overrides, "seed=0,1", "train.fresh=true")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("  finished  ") == 2  # trained, and not reused
    assert weights(checkout) == single
    assert not {"models", "plots", "reports", "outputs", "multirun"} & {file.name for file in checkout.iterdir()}
    assert shell("git", "status", "--porcelain").stdout == ""


def test_a_multirun_finishes_the_other_jobs_and_reports_the_failure(checkout: Path, shell: Shell) -> None:
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


# Only what the command itself or a sweep rejects: tests/config/ has the rest.
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["optimizer=sgdx"], "optimizer=sgdx"),
        (["model.act=relu,tanh"], "model.act"),
        (["ablation=ladder"], "python -m src.ablation ablation=ladder"),
        (["-m", "optimizer=adam,sgdx"], "optimizer=sgdx"),
        (["-m", "model.act=relu,rleu"], "model.act=rleu: unknown; did you mean relu?"),
        (["--config-name", "nope"], "--config-name"),
    ],
    ids=str,
)
def test_a_mistake_gets_one_line_and_nothing_runs(
    arguments: list[str], message: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert_rejected(run_main("train", *arguments), message)
    assert not (home / "runs").exists()


def test_so_does_one_that_only_the_data_the_store_or_files_of_conf_show(checkout: Path, shell: Shell) -> None:
    for mistake in (["tracking.uri=sqlite:////proc/nowhere/x.db"], ["-m", "train.batch_size=10,1000000"]):
        assert_rejected(shell(*TRAIN, *mistake, *SMALL))
    # Arrays that are not the recipe's.
    assert_rejected(shell(*TRAIN, *SMALL, "tracking=off", "data.scaling=unit"), "data/normalized/digits")
    array = checkout / "data/normalized/digits/x_train.npy"
    array.write_bytes(array.read_bytes()[:-4])
    assert_rejected(shell(*TRAIN, *SMALL, "tracking=off"), "data/normalized/digits")
    file = checkout / "conf/model/mlp.yaml"
    file.write_text(file.read_text().replace("[512]", "[512"))
    for command in ("src.train", "src.compose"):
        assert_rejected(shell("python", "-m", command), "conf/")
    assert not (checkout / "runs").exists()


@pytest.mark.parametrize("content", [None, "", "- a list", "model: ["])
def test_a_damaged_snapshot_stops_every_stage(content: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = home / "params.yaml"
    monkeypatch.setattr("src.config.tree.SNAPSHOT", snapshot)
    monkeypatch.setattr("src.config.tree.read_snapshot.__defaults__", (snapshot,))
    monkeypatch.setattr("src.cli.stage.ROOT", home)
    if content is not None:
        snapshot.write_text(content)
    for command in (["check"], ["fetch"], ["train", "--stage"], ["evaluate"]):
        assert_rejected(run_main(*command), "python -m src.compose")
    assert run_main("compose", "--check").returncode in (1, 2)
    assert run_main("compose").returncode == 0
    assert run_main("compose", "--check").returncode == 0


def test_epochs_are_printed_as_they_end_and_an_interrupted_run_is_killed(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, *LONG, "train.epochs=100000", cwd=checkout)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch      1/100000")  # though the output is a pipe
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "error: interrupted\n")
    assert [run.info.status for run in stored(checkout)] == ["KILLED"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["interrupt", "kill a worker"])
def test_a_multirun_that_is_cut_short_reports_the_status_of_each_job(checkout: Path, shell: Shell, how: str) -> None:
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
    output, errors = process.communicate(timeout=120)
    assert process.returncode == (130 if how == "interrupt" else 1), errors
    assert re.search(r"train.epochs=3 +(finished|reused) ", output)
    assert re.search(r"train.epochs=100000 +killed ", output)
    parent = "KILLED" if how == "interrupt" else "FAILED"
    assert sorted(run.info.status for run in stored(checkout)) == sorted(["FINISHED", "KILLED", parent])
    for file in (checkout / "runs").glob("*/status.json"):
        assert json.loads(file.read_text())["status"] in ("finished", "killed")


def test_a_closed_pipe_does_not_end_training(checkout: Path, shell: Shell) -> None:
    done = shell("sh", "-c", "python -m src.train experiment=digits tracking=off | head -n 2")
    assert done.stdout.count("\n") == 2
    assert done.stderr == ""
    [status] = (checkout / "runs").glob("*/status.json")
    assert json.loads(status.read_text())["status"] == "finished"


def test_a_second_process_waits_for_the_same_run_and_reuses_it(checkout: Path, shell: Shell) -> None:
    command = [*TRAIN, "experiment=digits", "train.epochs=150", "tracking=off"]
    started = [start(*command, cwd=checkout) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert sum("nothing was trained" in output for output in outputs) == 1


def test_a_full_disk_gets_one_line_and_leaves_nothing_half_written(checkout: Path, shell: Shell) -> None:
    shutil.rmtree(checkout / "data/normalized")

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    done = shell("python", "-m", "src.normalize", "data=digits", preexec_fn=small_files_only)
    assert_rejected(done)
    assert not (checkout / "data/normalized").exists() or not list((checkout / "data/normalized").iterdir())
    assert shell("python", "-m", "src.normalize", "data=digits").returncode == 0
