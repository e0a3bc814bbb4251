"""`python -m src.train` as users type it: one run, a multirun, a mistake, an interruption, a full disk."""

import json
import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.faults.disks import no_file_above
from tests.helpers.checkouts import edit, statuses
from tests.helpers.processes import start
from tests.helpers.refusals import assert_rejected
from tests.helpers.stores import stored
from tests.pipeline.test_ablation import declare

pytestmark = pytest.mark.usefixtures("furnished")
TRAIN = ("python", "-m", "src.train")
LONG = ("experiment=digits", "train.batch_size=1", "tracking.figures=false")
SMALL = ("experiment=digits", "model.hidden=[16]", "optimizer.lr=0.01", "train.epochs=3")


def weights(checkout: Path) -> dict[str, str]:
    """The digest of the weights of every finished run, by fingerprint."""
    results = (checkout / "runs").glob("*/result.json")
    return {file.parent.name: json.loads(file.read_text())["weights_sha256"] for file in results}


GROUPS = ("data", "model", "optimizer", "schedule", "train", "tracking", "debug")
STUDIES = ("depth", "l2", "ladder", "learning_rate", "one_factor", "width")


@pytest.mark.parametrize(
    ("command", "example", "taught"),
    [
        ("train", "", [*(rf"^  {group} +\w" for group in GROUPS), "^  quick +A small network"]),
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
    assert "This run had already finished, so nothing was trained; train.fresh=true" in again.stdout
    named = shell(*TRAIN, *overrides, "seed=0", "name=other")
    assert "This run had already finished, under the name digits s0, so nothing was trained" in named.stdout
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
    none = shell(*TRAIN, "-m", *overrides, "optimizer.lr=1e20", "model.act=relu", "tracking=off")
    assert none.stderr.strip().endswith("1 of 1 jobs failed")
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


def test_a_mistake_that_only_the_data_the_store_or_files_of_conf_show_gets_one_line_and_nothing_runs(
    checkout: Path, shell: Shell
) -> None:
    for mistake in (["tracking.uri=sqlite:////proc/nowhere/x.db"], ["-m", "train.batch_size=10,1000000"]):
        assert_rejected(shell(*TRAIN, *mistake, *SMALL))
    # Arrays that are not the recipe's.
    assert_rejected(shell(*TRAIN, *SMALL, "tracking=off", "data.scaling=unit"), "data/normalized/digits")
    array = checkout / "data/normalized/digits/x_train.npy"
    array.write_bytes(array.read_bytes()[:-4])
    assert_rejected(shell(*TRAIN, *SMALL, "tracking=off"), "data/normalized/digits")
    edit(checkout / "conf/model/mlp.yaml", ("[512]", "[512"))
    for command in ("src.train", "src.compose"):
        assert_rejected(shell("python", "-m", command), "conf/")
    assert not (checkout / "runs").exists()


def test_epochs_are_printed_as_they_end_and_an_interrupted_run_is_killed(checkout: Path, shell: Shell) -> None:
    process = start(*TRAIN, *LONG, "train.epochs=100000", cwd=checkout)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch      1/100000")  # though the output is a pipe
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "error: interrupted\n")
    assert [run.info.status for run in stored(checkout)] == ["KILLED"]


def test_a_closed_pipe_does_not_end_training(checkout: Path, shell: Shell) -> None:
    done = shell("sh", "-c", "python -m src.train experiment=digits tracking=off | head -n 2")
    assert done.stdout.count("\n") == 2
    assert done.stderr == ""
    assert statuses(checkout) == ["finished"]


def test_a_full_disk_gets_one_line_and_leaves_nothing_half_written(checkout: Path, shell: Shell) -> None:
    shutil.rmtree(checkout / "data/normalized")
    done = shell("python", "-m", "src.normalize", "data=digits", preexec_fn=no_file_above(50_000))
    assert_rejected(done)
    assert not (checkout / "data/normalized").exists() or not list((checkout / "data/normalized").iterdir())
    assert shell("python", "-m", "src.normalize", "data=digits").returncode == 0
