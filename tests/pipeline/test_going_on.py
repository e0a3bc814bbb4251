"""`train.start_from` as users type it: runs and files, a sweep over several, and a replay from MLflow alone."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.helpers.commands import trained
from tests.helpers.refusals import assert_rejected

SMALL = ("experiment=digits", "model.hidden=[8]", "train.epochs=2", "optimizer=momentum", "tracking.figures=false")
TRAIN, REPLAY = (("python", "-m", f"src.{command}") for command in ("train", "replay"))


@pytest.mark.slow
@pytest.mark.usefixtures("furnished")
def test_trained_networks_are_gone_on_with_and_replayed_from_mlflow_alone(checkout: Path, shell: Shell) -> None:
    first, run_id = trained(shell, *SMALL)
    second, _ = trained(shell, *SMALL, "seed=1", "tracking=off")
    done = shell(*TRAIN, "-m", *SMALL, f"train.start_from='{run_id[:8]}',{second.relative_to(checkout)}/model.npz")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.strip()[:2] in ("0 ", "1 ")]
    assert [row[2] for row in rows] == ["finished", "finished"]
    runs = [folder.parent for folder in checkout.glob("runs/*/start.npz")]
    starts = {json.loads((folder / "run.json").read_text())["lineage"]["start.fingerprint"] for folder in runs}
    assert starts == {first.name, second.name}

    whole = (f"train.start_from={first}", "train.start_optimizer=true", "seed=3")
    after, after_id = trained(shell, *SMALL, *whole)
    again = shell(*TRAIN, *SMALL, *whole)
    assert "nothing was trained" in again.stdout
    shutil.rmtree(checkout / "runs")
    replayed = shell(*REPLAY, after_id)
    assert replayed.returncode == 0, replayed.stderr
    assert "bit-identical" in replayed.stdout
    assert not after.exists()


@pytest.mark.usefixtures("furnished")
def test_a_start_that_does_not_fit_gets_one_line_and_nothing_runs(checkout: Path, shell: Shell) -> None:
    off = (*SMALL, "tracking=off")
    folder, _ = trained(shell, *off)
    runs = sorted((checkout / "runs").iterdir())
    start = f"train.start_from={folder}"
    for mistake in (["train.dtype=float64"], ["model.act=tanh"]):
        assert_rejected(shell(*TRAIN, *off, start, *mistake), f"error: {start}: ")
    assert_rejected(shell(*TRAIN, "-m", *off, start, "model.act=relu,tanh"), f"error: {start}: it has model.act=relu")
    assert_rejected(shell(*TRAIN, *off, start, "optimizer=adam", "train.start_optimizer=true"))
    assert_rejected(shell(*TRAIN, "-m", *off, start, "model.hidden=[8],[9]"), f"{start}: its hidden layers are [8]")
    new = {path.name for path in (checkout / "runs").iterdir()} - {path.name for path in runs}
    assert new <= {".starts", ".locks"}
