"""The doctor, in checkouts that were left as killed processes leave them; and the pipeline after it."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from src.foundation.locks import is_free
from tests.conftest import Shell, environment, make_checkout
from tests.helpers import pipelines
from tests.helpers.checkouts import shell_in
from tests.helpers.pipelines import SMALL, compose
from tests.helpers.processes import until

pytestmark = pytest.mark.slow
UNTRACKED = (*SMALL, "tracking=off")
LONG = (*UNTRACKED, "train.epochs=1000")  # which are under way for a second at least
OUTS = (
    *("data/split/digits/split.json", "data/normalized/digits/dataset.json", "data/normalized/digits/x_train.npy"),
    *("models/model.npz", "plots/curves.csv", "metrics/train.json"),
)


@pytest.fixture
def checkout(unrecorded: Path) -> Path:
    return unrecorded


def doctor(shell: Shell, *options: str) -> subprocess.CompletedProcess[str]:
    return shell("python", "-m", "src.doctor", *options)


def repro(shell: Shell) -> str:
    """What `make repro` does, up to the training."""
    told = doctor(shell, "--fix")
    assert told.returncode == 0, told.stdout + told.stderr
    return pipelines.repro(shell, "train")


def outcome(checkout: Path) -> dict[str, str]:
    return {out: hashlib.sha256((checkout / out).read_bytes()).hexdigest() for out in OUTS}


def started(checkout: Path, *command: str) -> subprocess.Popen[bytes]:
    with (checkout / "output.tmp").open("ab") as output:
        return subprocess.Popen(
            command, cwd=checkout, env=environment(), stdout=output, stderr=output, start_new_session=True
        )


def output(checkout: Path) -> str:
    return (checkout / "output.tmp").read_text()


def at_work(checkout: Path, process: subprocess.Popen[Any]) -> Path:
    """Waits until a run has a line in its journal; returns its folder."""

    def journals() -> list[Path]:
        found = checkout.glob("runs/*/journal.jsonl")
        return [file for file in found if file.stat().st_size and "running" in status_of(file.parent)]

    return until(journals, process)[0].parent


def status_of(folder: Path) -> str:
    return (folder / "status.json").read_text()


def runs(checkout: Path) -> list[Path]:
    return [path for path in checkout.glob("runs/*") if len(path.name) == 64]


def orphaned_stage(checkout: Path) -> int:
    """The process of the stage that a killed `dvc repro` has left at work."""
    killed = started(checkout, "dvc", "repro", "train")
    at_work(checkout, killed)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    return int(json.loads((checkout / "runs/.locks/stage-train.json").read_text())["pid"])


def test_a_new_checkout_is_well_and_so_is_one_that_has_run_unless_something_is_for_the_user(
    checkout: Path, shell: Shell, tmp_path: Path
) -> None:
    script = "import sys; from src.doctor import examine; examine(False); print('mlflow' in sys.modules)"
    told = shell_in(make_checkout(tmp_path / "new"))("python", "-c", script)
    assert (told.stdout, told.stderr) == ("all is well\nFalse\n", "")
    told = doctor(shell)
    assert (told.returncode, told.stdout, told.stderr) == (0, "all is well\n", "")
    params = (checkout / "params.yaml").read_text()
    (checkout / "params.yaml").write_text(re.sub("conf_digest: .*", "conf_digest: abc", params))
    told = doctor(shell, "--fix")
    assert told.returncode == 1
    assert "params.yaml: stale: conf/ has changed since -> to do: `python -m src.compose`" in told.stdout
    assert told.stderr == "error: 1 finding: 1 for you\n"
    assert "conf_digest: abc" in (checkout / "params.yaml").read_text()


def test_all_that_can_be_wrong_is_told_and_mended_and_the_pipeline_runs(checkout: Path, shell: Shell) -> None:
    reference = outcome(checkout)
    compose(shell, *UNTRACKED)
    assert shell("python", "-m", "src.train", *UNTRACKED).returncode == 0
    [run] = runs(checkout)
    (run / "model.npz").write_bytes((run / "model.npz").read_bytes()[:-1])
    killed = shutil.copytree(run, run.with_name("0" * 64))
    (killed / "run.json").write_text((run / "run.json").read_text().replace(run.name, killed.name))
    (killed / "status.json").write_text("")
    (run / ".result.json.1-0123abcd.tmp").touch()
    (checkout / ".dvc/tmp/rwlock").write_text("")
    lockfile = (checkout / "dvc.lock").read_text()
    (checkout / "dvc.lock").write_text(lockfile[: lockfile.index("hash: md5") + len("hash: md")])
    (checkout / "mlflow.db").write_bytes(b"")
    (checkout / ".mlflow.db.init").touch()
    (checkout / "data/split/digits/test.npy").write_bytes(b"")
    array = checkout / "data/normalized/digits/x_valid.npy"
    array.write_bytes(array.read_bytes()[:-4])
    assert shell("dvc", "repro", "train").returncode != 0

    told = doctor(shell)
    places = [
        *(f"runs/{killed.name}: status.json", f"runs/{run.name}: damaged"),
        *(".dvc/tmp/rwlock: damaged", "dvc.lock: damaged", ".mlflow.db.init: left", "mlflow.db: incomplete"),
        *("data/split/digits: test.npy is damaged", "data/normalized/digits: x_valid.npy is damaged"),
        f"runs/{run.name}/.result.json.1-0123abcd.tmp: left",
    ]
    lines = told.stdout.splitlines()
    assert told.returncode == 1
    assert len(lines) == len(places)
    assert all(sum(line.startswith(place) for line in lines) == 1 for place in places)
    assert all(" -> --fix: " in line for line in lines)
    assert told.stderr == f"error: {len(lines)} findings: {len(lines)} for `python -m src.doctor --fix`\n"
    assert doctor(shell).stdout == told.stdout  # it has touched nothing

    told = doctor(shell, "--fix")
    assert told.stdout.splitlines()[-1] == f"all is well: {len(lines)} mended"
    assert told.returncode == 0
    assert doctor(shell).stdout == "all is well\n"
    done = repro(shell)
    assert outcome(checkout) == reference, done


def test_a_killed_run_is_closed_and_its_command_goes_on_with_it(checkout: Path, shell: Shell) -> None:
    command = ("python", "-m", "src.train", *UNTRACKED, "train.epochs=200", "train.checkpoint_epochs=1")
    training = started(checkout, *command)
    folder = at_work(checkout, training)
    until((folder / "checkpoint.npz").exists, training)
    training.send_signal(signal.SIGSTOP)
    assert "running" in status_of(folder)
    assert doctor(shell).stdout == "all is well\n"  # with its process
    training.send_signal(signal.SIGKILL)
    training.wait()
    told = doctor(shell)
    assert f"its process {training.pid} on " in told.stdout
    assert doctor(shell, "--fix").returncode == 0
    assert json.loads(status_of(folder))["reason"] == "its process died"
    resumed = shell(*command)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming after" in resumed.stderr


def test_the_stage_of_a_killed_repro_is_waited_for_and_not_joined(checkout: Path, shell: Shell) -> None:
    compose(shell, *LONG)
    stage = orphaned_stage(checkout)
    os.kill(stage, signal.SIGSTOP)
    assert doctor(shell, "--fix").returncode == 0
    second = started(checkout, "dvc", "repro", "train")
    until(lambda: f"waiting for process {stage} on " in output(checkout), second)
    os.kill(stage, signal.SIGCONT)
    assert second.wait() == 0
    assert len(runs(checkout)) == 1
    assert doctor(shell).stdout == "all is well\n"


def test_a_stage_that_was_left_alive_does_not_undo_what_came_from_the_cache(checkout: Path, shell: Shell) -> None:
    reference = outcome(checkout)
    compose(shell, *LONG)
    stage = orphaned_stage(checkout)
    os.kill(stage, signal.SIGSTOP)
    compose(shell, *UNTRACKED)
    assert "Stage 'train' is cached" in repro(shell)
    assert outcome(checkout) == reference
    os.kill(stage, signal.SIGCONT)
    assert is_free(checkout / "runs/.locks/stage-train.lock", wait=600)
    # It says so as it ends.
    until(lambda: "params.yaml was changed during this training" in output(checkout))
    assert outcome(checkout) == reference
    assert "up to date" in shell("dvc", "status", "train").stdout
