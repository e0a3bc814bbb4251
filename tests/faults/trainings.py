"""What the tests that kill, starve and mislead trainings share: a site, its outcomes, and their record in MLflow."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from src.runs.tracker import Tracker
from tests.conftest import Shell
from tests.helpers.stores import assert_mirrored, stored

TRAIN = ("python", "-m", "src.train")
TIMES = ("time", "seconds", "images_per_second", "cpu_seconds", "wall_seconds")


def run_folders(runs: Path) -> list[Path]:
    """The run folders in a folder."""
    return [file.parent for file in runs.glob("*/config.yaml")]


def run_folder(checkout: Path) -> Path:
    """The folder of the one run in a checkout."""
    [folder] = run_folders(checkout / "runs")
    return folder


def journal(folder: Path) -> list[dict[str, Any]]:
    """The complete lines of a run's journal, without times."""
    file = folder / "journal.jsonl"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES} for line in lines]


def outcomes(runs: Path) -> dict[str, Any]:
    """All that the finished runs in a folder have, without times, by fingerprint."""
    statuses = {file.parent: json.loads(file.read_text())["status"] for file in runs.glob("*/status.json")}
    return {
        folder.name: {"result": json.loads((folder / "result.json").read_text()), "journal": journal(folder)}
        for folder, status in statuses.items()
        if status == "finished"
    }


def assert_level(store: str | Path, folder: Path) -> None:
    """The store has this run and no other, finished, and as the folder has it."""
    [run] = stored(store)
    assert run.info.status == "FINISHED"
    assert_mirrored(store, folder)


class InterruptsAfter(Tracker):
    """Interrupts a run after an epoch, or ends it there with another error."""

    def __init__(self, epoch: int, error: BaseException | None = None) -> None:
        self._epoch = epoch
        self._error = error or KeyboardInterrupt()

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        if record["epoch"] >= self._epoch:
            raise self._error


class Site:
    """A checkout in which a command is disturbed, and what the command gives undisturbed."""

    def __init__(self, checkout: Path, shell: Shell, empty_store: Path, *command: str) -> None:
        self.checkout = checkout
        self.runs = checkout / "runs"
        self.command = command
        self._shell = shell
        self._empty_store = empty_store
        start = time.monotonic()
        self.completed()
        self.seconds = time.monotonic() - start
        self.reference = outcomes(self.runs)
        files = [file for folder in run_folders(self.runs) for file in folder.rglob("*")]
        self.sizes = [file.stat().st_size for file in files if file.is_file()]  # bytes
        self.forget()

    def forget(self) -> None:
        """Empties the checkout of runs and of their records."""
        for folder in (self.runs, self.checkout / "mlartifacts"):
            shutil.rmtree(folder, ignore_errors=True)
        for file in self.checkout.glob("*mlflow.db*"):
            file.unlink()
        shutil.copy(self._empty_store, self.checkout / "mlflow.db")

    def completed(self) -> CompletedProcess[str]:
        """Runs the command undisturbed to its end."""
        done = self._shell(*self.command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def assert_whole(self, runs: Path | None = None, recorded: bool = True) -> None:
        """The runs have what they have undisturbed, and so has MLflow; runs: where, if not in the checkout."""
        assert outcomes(runs or self.runs) == self.reference
        if recorded:
            [folder] = run_folders(runs or self.runs)
            assert_level(self.checkout, folder)
