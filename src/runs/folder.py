"""Run folders. The folder is the truth about a run; MLflow, figures and reports are made from it.

runs/<fingerprint>/
    config.yaml    the whole configuration
    run.json       its name, the digests that identify it, its lineage and its surroundings
    diff.patch     the uncommitted changes of the tree, if there are any
    status.json    running, finished, failed or killed; why, as one of `CAUSES` and in words
    journal.jsonl  one epoch record a line
    checkpoint.npz checkpoint.previous.npz    until it is finished
    history.csv result.json test.json timing.json model.npz predictions.npz figures/
    steps.npz      with train.record_steps: the loss of each update
    optimizer.npz  the optimizer's state, if it has one, and it belongs to the weights in model.npz
    start.npz start_optimizer.npz  what train.start_from named
    summary.json notes.json   of a finished run, all that a table of runs shows, flat; what people note about it
    former/        the results of a finished run while it is trained again
    lock           held by the process that trains
"""

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from src.foundation.errors import UserError
from src.foundation.files import home, read_object, replacing, replacing_folder, write_csv, write_json, write_text
from src.foundation.locks import is_free, locked, locked_if_free
from src.runs import intact, journal
from src.runs.summary import NOTES, SUMMARY, write_summary
from src.runs.usage import Meter, peak_memory_mb
from src.training import checkpoint

HISTORY = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
Status = Mapping[str, Any]
# Why a run did not finish: a loss was not finite; Ctrl-C or the end of its sweep; its process is gone; its files are
# damaged; any other exception.
CAUSES = ("diverged", "interrupted", "died", "damaged", "error")
_STATUS, _JOURNAL, _LOCK, _FORMER = "status.json", "journal.jsonl", "lock", "former"
START, START_OPTIMIZER = "start.npz", "start_optimizer.npz"
_RESULTS = ("result.json", "timing.json", "history.csv", "model.npz", "predictions.npz")


def runs_folder() -> Path:
    """The folder of all run folders."""
    return home() / "runs"


class RunFolder:
    """One run's folder; making the object touches no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._meter = Meter()  # of what this process uses for the run, in laps of an epoch

    @classmethod
    def of(cls, fingerprint: str) -> "RunFolder":
        """The folder of the run with this fingerprint."""
        return cls(runs_folder() / fingerprint)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run's lock; waits, and says so, while another process trains the same run."""

        def owner() -> str:
            status: Status = {}
            with contextlib.suppress(UserError):  # it is being written, or damaged
                status = self.status()
            who = f"process {status.get('pid', 'unknown')} on {status.get('host', 'an unknown host')}"
            return f"{who}, which is training this very run: {self.path}"

        with locked(self.path / _LOCK, owner):
            self._meter = Meter()
            yield

    def idle(self, wait: float = 0.0) -> bool:
        """Whether no process works on the run; waits up to `wait` seconds for one that does."""
        return is_free(self.path / _LOCK, wait)

    def status(self) -> Status:
        """The status as last written; an empty mapping before the run has begun."""
        file = self.path / _STATUS
        return read_object(file) if file.exists() else {}

    def living_status(self) -> Status:
        """The status; if it says `running` and the process is dead, `killed` instead, from now on also on the disk."""
        if self.status().get("status") == "running":
            with locked_if_free(self.path / _LOCK) as free:
                if free and self.status().get("status") == "running":  # still: another process may have closed it
                    self.mark("killed", "died", "its process died")
        return self.status()

    def cause(self) -> str | None:
        """Why the run did not finish, one of `CAUSES`; None if it finished or has not ended."""
        status = self.status()
        if status.get("status") not in ("failed", "killed"):
            return None
        return status["cause"] if "cause" in status else _cause_of(str(status.get("reason")))

    def finished(self) -> bool:
        """Whether the run has finished and all its results are here."""
        return self.status().get("status") == "finished" and all((self.path / file).exists() for file in _RESULTS)

    def begin(
        self,
        config: Mapping[str, Any],
        run: Mapping[str, Any],
        diff: str = "",
        start: Iterable[tuple[str, Path]] = (),
    ) -> None:
        """Empties the folder of an earlier attempt, and writes what is known before the first epoch.

        The results of a finished run are set aside: `restore` brings them back if the new attempt fails.
        start: files to copy, by the names that the copies get.
        """
        from src.config.tree import yaml_text

        if self.finished():
            self._copy_aside()
        self.discard()  # first: without a status, the files that are left do not count
        for file in self.path.iterdir():
            if file.name not in (_LOCK, _FORMER, NOTES):
                _remove(file)
        write_text(self.path / "config.yaml", yaml_text(config))
        write_json(self.path / "run.json", dict(run))
        if diff:
            write_text(self.path / "diff.patch", diff)
        for name, source in start:
            with replacing(self.path / name) as copy:
                copy.write(source.read_bytes())
        self.mark("running")

    def reopen(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Marks the run as running again, with these epoch records in its journal."""
        for cut_off in self.path.glob(".*.tmp"):  # left by a process that was killed
            _remove(cut_off)
        journal.rewrite(self.path / _JOURNAL, records)
        self.mark("running")

    def restore(self) -> None:
        """Brings back the results that `begin` set aside, if there are any: a finished run is never lost."""
        former = self.path / _FORMER
        if not former.is_dir() or self.finished():
            return
        self.discard()
        shutil.rmtree(self.path / "figures", ignore_errors=True)
        checkpoint.remove(self.path)
        for file in sorted(former.iterdir(), key=lambda file: file.name == _STATUS):  # last what makes them count
            file.replace(self.path / file.name)
        self.clear()

    def append(self, epoch: Mapping[str, Any]) -> dict[str, Any]:
        """Adds an epoch to the journal, with the time and what it used; returns its epoch record."""
        return journal.append(self.path / _JOURNAL, {**epoch, **self._meter.lap()})

    def journal(self) -> list[dict[str, Any]]:
        """The epochs so far; `UserError` for a damaged line. A last line that was left torn is not there yet."""
        return journal.Journal(self.path / _JOURNAL).new()

    def run(self) -> dict[str, Any]:
        """The run's name, digests and lineage."""
        return read_object(self.path / "run.json")

    def result(self) -> dict[str, Any]:
        """The run's result: epochs, metrics of each set, and the digest of the weights."""
        return read_object(self.path / "result.json")

    def timing(self) -> dict[str, float]:
        """`seconds` and `images_per_second` of training alone; `USAGE` of the whole run, which older runs lack."""
        return read_object(self.path / "timing.json")

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes the history, the result and the timing, and last the status, which makes them valid."""
        epochs = self.journal()
        further = sorted(epochs[-1].get("metrics", {}))
        rows = (
            [epoch[column] for column in HISTORY] + [epoch["metrics"][name] for name in further] for epoch in epochs
        )
        write_csv(self.path / "history.csv", (*HISTORY, *(name.replace("/", "_", 1) for name in further)), rows)
        seconds = sum(epoch["seconds"] for epoch in epochs)
        images = sum(epoch["seconds"] * epoch["images_per_second"] for epoch in epochs)
        laps = [*epochs, self._meter.lap()]
        used = {key: sum(lap.get(key, 0.0) for lap in laps) for key in ("cpu_seconds", "wall_seconds")}
        timing = {"seconds": seconds, "images_per_second": images / seconds, **used}
        write_json(self.path / "timing.json", {**timing, "peak_memory_mb": peak_memory_mb()})
        write_json(self.path / "result.json", dict(result))
        self.mark("finished")
        self.clear()
        intact.note(runs_folder(), self.path)

    def discard(self) -> None:
        """Makes the folder one of a run that has not begun; its other files no longer count."""
        for name in (SUMMARY, _STATUS):
            (self.path / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Writes the summary of a finished run, and removes checkpoints and former results. Can be repeated."""
        for cut_off in self.path.glob(f".{SUMMARY}.*.tmp"):  # left by a process that was killed
            _remove(cut_off)
        if not (self.path / SUMMARY).exists():
            write_summary(self.path)
        checkpoint.remove(self.path)
        shutil.rmtree(self.path / _FORMER, ignore_errors=True)

    def mark(self, status: str, cause: str | None = None, reason: str | None = None) -> None:
        """Writes the status; for a run that `failed` or was `killed`, one of `CAUSES`, and the reason in words."""
        (self.path / SUMMARY).unlink(missing_ok=True)
        now = time.time()
        about = {"status": status, "cause": cause, "reason": reason, "pid": os.getpid(), "host": socket.gethostname()}
        write_json(self.path / _STATUS, about | {"started": self.status().get("started", now), "time": now})

    def _copy_aside(self) -> None:
        with replacing_folder(self.path / _FORMER) as former:
            for file in self.path.iterdir():
                if file.is_file() and file.name not in (_LOCK, NOTES, SUMMARY):
                    shutil.copyfile(file, former / file.name)


def _cause_of(reason: str) -> str:
    """The cause in a status of version 1, which has words alone."""
    for cause, words in {"diverged": "diverged", "interrupted": "interrupted", "died": "its process died"}.items():
        if reason.startswith(words):
            return cause
    return "damaged" if reason.startswith(("damaged", "its status was damaged")) else "error"


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
