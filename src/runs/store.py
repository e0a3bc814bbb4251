"""Run folders. The folder is the truth about a run; everything else that tells of it is fed from here.

runs/<fingerprint>/
    config.yaml    the whole configuration
    run.json       its name, the digests that identify it, and its lineage
    status.json    running, finished, failed or killed, and why
    journal.jsonl  a line an epoch
    history.csv result.json timing.json model.npz predictions.npz figures/
    lock           held by the process that trains
"""

import contextlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from src.files import home, read_json, write_csv, write_json, write_text

HISTORY = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
Status = Mapping[str, Any]
_STATUS = "status.json"
_RESULTS = ("result.json", "timing.json", "history.csv", "model.npz", "predictions.npz")


def runs_folder() -> Path:
    """Where all run folders stand."""
    return home() / "runs"


class RunFolder:
    """One run's folder; making the object touches no file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, fingerprint: str) -> "RunFolder":
        """The folder of the run with this fingerprint."""
        return cls(runs_folder() / fingerprint)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run's lock; waits, and says so, while another process trains the same run."""
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            owner = self.status().get("pid", "unknown")
            print(f"waiting for process {owner}, which is training this very run: {self.path}", file=sys.stderr)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def idle(self, wait: float = 0.0) -> bool:
        """Whether no process works on the run; one that does is given `wait` seconds to leave."""
        if not self.path.is_dir():
            return True
        lock = FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=wait)
        except Timeout:
            return False
        lock.release()
        return True

    def status(self) -> Status:
        """The status as last written; an empty mapping before the run has begun."""
        file = self.path / _STATUS
        status: Status = read_json(file) if file.exists() else {}
        return status

    def finished(self) -> bool:
        """Whether the run has come to its end and its results stand here."""
        return self.status().get("status") == "finished" and all((self.path / file).exists() for file in _RESULTS)

    def begin(self, config: Mapping[str, Any], run: Mapping[str, Any]) -> None:
        """Empties the folder of an earlier attempt, and writes what is known before the first epoch."""
        (self.path / _STATUS).unlink(missing_ok=True)  # first: without it, what is left counts for nothing
        for file in self.path.iterdir():
            if file.name != "lock":
                shutil.rmtree(file) if file.is_dir() else file.unlink()
        write_text(self.path / "config.yaml", yaml.safe_dump(dict(config), sort_keys=False))
        write_json(self.path / "run.json", dict(run))
        self._set_status("running", None)

    def append(self, epoch: Mapping[str, Any]) -> dict[str, Any]:
        """Adds an epoch to the journal, with the time; returns the record as it stands there."""
        record = {**epoch, "time": time.time()}
        with (self.path / "journal.jsonl").open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(record, allow_nan=False) + "\n")
        return record

    def journal(self) -> list[dict[str, Any]]:
        """The epochs so far. A last line that a killed process left torn is not there yet."""
        file = self.path / "journal.jsonl"
        lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in lines]

    def run(self) -> dict[str, Any]:
        """The run's name, digests and lineage."""
        run: dict[str, Any] = read_json(self.path / "run.json")
        return run

    def result(self) -> dict[str, Any]:
        """What the run came to."""
        result: dict[str, Any] = read_json(self.path / "result.json")
        return result

    def timing(self) -> dict[str, float]:
        """`seconds` and `images_per_second` of training alone."""
        timing: dict[str, float] = read_json(self.path / "timing.json")
        return timing

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes the history, the result and the timing; last the status, which makes them count."""
        journal = self.journal()
        write_csv(self.path / "history.csv", HISTORY, ([epoch[column] for column in HISTORY] for epoch in journal))
        seconds = sum(epoch["seconds"] for epoch in journal)
        images = sum(epoch["seconds"] * epoch["images_per_second"] for epoch in journal)
        write_json(self.path / "timing.json", {"seconds": seconds, "images_per_second": images / seconds})
        write_json(self.path / "result.json", dict(result))
        self._set_status("finished", None)

    def end(self, status: str, reason: str) -> None:
        """Closes a run that did not finish: `failed` or `killed`, and why."""
        self._set_status(status, reason)

    def _set_status(self, status: str, reason: str | None) -> None:
        now = time.time()
        about = {"status": status, "reason": reason, "pid": os.getpid(), "host": socket.gethostname()}
        write_json(self.path / _STATUS, about | {"started": self.status().get("started", now), "time": now})
