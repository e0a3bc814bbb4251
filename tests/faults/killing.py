"""Kills trainings at the boundaries of their writing: `python -m tests.faults.killing FOLDER SHARE OVERRIDE ...`.

SHARE of the boundaries, spread evenly over all of them. After each kill, the run is started again. A line of JSON for
each: how both ended, what they trained, and what the run came to; the first is of a run that nobody killed. With
train.fresh=true it is the training of a finished run anew that is killed.
"""

import contextlib
import dataclasses
import json
import math
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.faults.boundaries import Boundaries
from tests.helpers.composing import compose


class Trained(Tracker):
    """Notes each epoch that was trained, or trained once more."""

    def __init__(self, notes: Path) -> None:
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        os.write(self._notes, f"{record['epoch']}\n".encode())


def attempt(config: Config, dataset: Dataset, folder: Path, deadly: int | None) -> tuple[int, list[int], list[str]]:
    """Trains in a process of its own; its end, the epochs that it trained, and the boundaries that it passed."""
    notes = folder.with_name("notes")
    passed = folder.with_name("passed")
    if not (child := os.fork()):
        tracker, code = Trained(notes), 1
        boundaries = Boundaries(folder, deadly or 0)
        try:
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
                if deadly is not None:
                    boundaries.install()
                run(config, dataset, tracker, RunFolder(folder))
            code = 0
            passed.write_text(json.dumps(boundaries.passed))
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, list(map(int, notes.read_text().split())), json.loads(passed.read_text()) if deadly == 0 else []


def left(folder: Path) -> dict[str, Any]:
    """What a run came to, and what else lies in its folder."""
    result = json.loads((folder / "result.json").read_text())
    journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    for record in journal:
        for time in ("time", "seconds", "images_per_second"):
            del record[time]
    return {"result": result, "journal": journal, "files": sorted(file.name for file in folder.iterdir())}


def main(folder: Path, share: float, overrides: list[str]) -> None:
    config = compose(overrides)
    dataset = prepare(config.data, folder)
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
        told = {"at": boundaries[deadly - 1], "ends": [killed, code], "before": before, "after": after, "over": over}
        print(json.dumps(told | (left(path) if code == 0 else {})), flush=True)
        shutil.rmtree(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
