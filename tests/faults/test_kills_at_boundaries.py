"""A training that is killed between any two steps of its writing goes on to the same bits."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, environment
from tests.faults.figures import Injections

EPOCHS = 2
TRAINING = (
    "experiment=digits", "model.hidden=[8]", "model.dropout=0.2", "optimizer=adam", f"train.epochs={EPOCHS}",
    "train.patience=2", "train.checkpoint_epochs=1", "train.checkpoint_seconds=null", "tracking=off",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fresh", ["false", "true"])
def test_no_boundary_of_writing_is_a_bad_one(fresh: str, tmp_path: Path, injections: Injections) -> None:
    """Folders of checkpoints, journal, status and results: all that is written below the run folder."""
    overrides = [*TRAINING, f"train.fresh={fresh}"]
    command = [sys.executable, "-m", "tests.faults.killing", str(tmp_path), str(injections.share), *overrides]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        whole = json.loads(process.stdout.readline())
        assert (whole["ends"], whole["after"]) == ([0], [*range(1, EPOCHS + 1)])
        what = "a training" if fresh == "false" else "a finished run that is trained anew"
        for _ in range(whole["kills"]):
            with injections.of(f"kill -9 at a write boundary of {what}"):
                told = json.loads(process.stdout.readline())
                assert told["ends"] == [-signal.SIGKILL, 0], told["at"]
                assert told["result"] == whole["result"]
                assert told["journal"] == whole["journal"]
                assert told["files"] == whole["files"], told["at"]
                # At most one interval, that is one epoch, is trained again; unless all was done but to say so. What had
                # come to its end is trained anew by the same command, where that is what it asks for.
                anew = fresh == "true" and told["over"]
                assert anew or told["after"] == [] or told["after"][0] >= max(told["before"], default=1), told["at"]
    assert process.returncode == 0
