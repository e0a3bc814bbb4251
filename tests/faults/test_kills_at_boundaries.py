"""A training that is killed between any two steps of its writing resumes to the same bits.

As a program, `FOLDER SHARE OVERRIDE ...`, this file kills trainings at SHARE of the boundaries of their writing, spread
evenly over all of them. After each kill, the run is started again. It prints a line of JSON for each: how both ended,
what they trained, and what the run has; the first is of a run that nobody killed. With train.fresh=true, a finished run
is being retrained when it is killed.
"""

import contextlib
import dataclasses
import json
import math
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.runs.fingerprint import fingerprint
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.faults.boundaries import Boundaries
from tests.faults.children import end, fork, json_lines
from tests.faults.figures import Injections
from tests.faults.trainings import journal
from tests.helpers.composing import compose

EPOCHS = 2
TRAINING = (
    "experiment=digits", "model.hidden=[8]", "model.dropout=0.2", "optimizer=adam", f"train.epochs={EPOCHS}",
    "train.patience=2", "train.checkpoint_epochs=1", "train.checkpoint_seconds=null", "tracking=off",
)  # fmt: skip


class Trained(Tracker):
    """Notes each epoch that was trained, or retrained."""

    def __init__(self, notes: Path) -> None:
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        os.write(self._notes, f"{record['epoch']}\n".encode())


def attempt(config: Config, dataset: Dataset, folder: Path, deadly: int | None) -> tuple[int, list[int], list[str]]:
    """Trains in a process of its own; its end, the epochs that it trained, and the boundaries that it passed."""
    notes, passed = folder.with_name("notes"), folder.with_name("passed")

    def train() -> None:
        tracker, boundaries = Trained(notes), Boundaries(folder, deadly or 0)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            if deadly is not None:
                boundaries.install()
            run(config, dataset, tracker, RunFolder(folder))
        passed.write_text(json.dumps(boundaries.passed))

    code = end(fork(train))
    return code, list(map(int, notes.read_text().split())), json.loads(passed.read_text()) if deadly == 0 else []


def left(folder: Path) -> dict[str, Any]:
    """What a run has, and what else is in its folder."""
    result = json.loads((folder / "result.json").read_text())
    return {"result": result, "journal": journal(folder), "files": sorted(file.name for file in folder.iterdir())}


def main(folder: Path, share: float, overrides: list[str]) -> None:
    config = compose(overrides)
    dataset = prepare(config.data, folder)
    fingerprint(config, dataset)  # reads the code once, and not in each process
    whole, counted = folder / "whole", folder / "counted"
    once = dataclasses.replace(config, train=dataclasses.replace(config.train, fresh=False))
    code, epochs, _ = attempt(once, dataset, whole, None)

    def prepared(path: Path) -> Path:
        if config.train.fresh:
            shutil.copytree(whole, path)
        return path

    _, _, boundaries = attempt(config, dataset, prepared(counted), 0)
    count = math.ceil(share * len(boundaries))
    print(json.dumps({"kills": count, "ends": [code], "after": epochs, **left(whole)}), flush=True)
    for number in range(count):
        deadly = 1 + number * len(boundaries) // count
        path = prepared(folder / str(deadly))
        killed, before, _ = attempt(config, dataset, path, deadly)
        over = RunFolder(path).finished()
        code, after, _ = attempt(config, dataset, path, None)
        report = {"at": boundaries[deadly - 1], "ends": [killed, code], "before": before, "after": after, "over": over}
        print(json.dumps(report | (left(path) if code == 0 else {})), flush=True)
        shutil.rmtree(path)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", ["false", "true"])
def test_no_boundary_of_writing_is_a_bad_one(fresh: str, tmp_path: Path, injections: Injections) -> None:
    """Folders of checkpoints, journal, status and results: all that is written below the run folder."""
    what = "a training" if fresh == "false" else "a finished run that is trained anew"
    with json_lines(__name__, tmp_path, injections.share, *TRAINING, f"train.fresh={fresh}") as reports:
        whole = next(reports)
        assert (whole["ends"], whole["after"]) == ([0], [*range(1, EPOCHS + 1)])
        for _ in range(whole["kills"]):
            with injections.of(f"kill -9 at a write boundary of {what}"):
                report = next(reports)
                assert report["ends"] == [-signal.SIGKILL, 0], report["at"]
                assert [report[key] for key in ("result", "journal", "files")] == [
                    whole[key] for key in ("result", "journal", "files")
                ], report["at"]
                # At most one interval, which is an epoch, is trained again, or none if only the status was missing. A
                # finished run is retrained by the same command if that is what it asks for.
                retrained = fresh == "true" and report["over"]
                before, after = report["before"], report["after"]
                assert retrained or after == [] or after[0] >= max(before, default=1), report["at"]


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
