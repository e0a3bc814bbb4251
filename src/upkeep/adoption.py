"""Takes run folders from another machine, after checking that each is whole and what its fingerprint says."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from src.foundation.errors import UserError
from src.foundation.files import canonical_json, replacing_folder, sha256
from src.foundation.locks import locked_if_free
from src.recording.outbox import Outbox
from src.recording.recording import Recording
from src.runs.finished import FinishedRun
from src.runs.folder import START, START_OPTIMIZER, RunFolder, runs_folder
from src.runs.model import load_model
from src.runs.naming import run_name
from src.runs.summary import NOTES

_NEEDED = (
    *("config.yaml", "run.json", "status.json", "journal.jsonl", "history.csv", "result.json", "test.json"),
    *("timing.json", "model.npz", "predictions.npz"),
)
_OTHERS = ("diff.patch", "steps.npz", "optimizer.npz", START, START_OPTIMIZER, NOTES)
_FIGURES = "figures"
_DIGESTS = ("config", "data", "code", "env", "start")  # which the fingerprint covers; few runs have the last


class Adopted(NamedTuple):
    """What became of the run folders: taken; here before; and not taken, with the reason."""

    taken: list[Path]
    known: list[Path]
    refused: dict[Path, str]


def adopt(*sources: Path) -> Adopted:
    """Copies the finished runs of folders into runs/, where this repository lacks them, and records them in MLflow.

    sources: run folders, folders of run folders, or checkouts.

    Raises:
        UserError: there is no run folder in one of them; nothing is copied.
    """
    adopted = Adopted([], [], {})
    for path in [path for source in sources for path in _run_folders(source)]:
        try:
            run = _checked(path)
            (adopted.taken if _take(run) else adopted.known).append(RunFolder.of(run.fingerprint).path)
        except (UserError, OSError) as error:
            adopted.refused[path] = str(error).replace(f"{path}/", "")
    recorded = {entry.folder for entry in Outbox().entries()}  # a command that was killed may have taken more
    _record([*adopted.taken, *(path for path in adopted.known if path.name not in recorded)])
    return adopted


def _run_folders(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        raise UserError(f"{source}: not a folder")
    if (source / "run.json").is_file():
        yield source
        return
    below = [path for folder in (source, source / "runs") for path in sorted(folder.glob("*/"))]
    if not (found := [path for path in below if re.fullmatch("[0-9a-f]{64}", path.name)]):
        raise UserError(f"{source}: neither a run folder, nor a folder or checkout with run folders")
    if runs_folder().resolve() in (found[0].resolve().parent, source.resolve()):
        raise UserError(f"{source}: these are the runs of this repository")
    yield from found


def _checked(path: Path) -> FinishedRun:
    """The run in a folder; `UserError` if it is not finished, not whole, or not the one that its fingerprint names."""
    for name in (*_NEEDED, *_OTHERS, _FIGURES):
        if (path / name).is_symlink():
            raise UserError(f"{name}: a link")
    if missing := [name for name in _NEEDED if not (path / name).is_file()]:
        raise UserError(f"{missing[0]}: missing")
    run = FinishedRun.open(path)
    try:
        digests = {name: value for name, value in run.about["digests"].items() if name in _DIGESTS}
        fingerprint, semantic = run.fingerprint, run.config.semantic()
        with_threads = sha256(canonical_json(semantic))
        del semantic["train"]["threads"]  # which identify no portable run
        of_config = digests["config"] in (with_threads, sha256(canonical_json(semantic)))
        if not of_config or fingerprint != sha256(canonical_json(digests)):
            raise UserError("run.json, config.yaml: they are not what the run's fingerprint was made from")
        header = load_model(path / "model.npz").header
        if not header["weights_sha256"] == run.result["weights_sha256"] or header["fingerprint"] != fingerprint:
            raise UserError("model.npz: the model of another run")
        _ = run.history, run.predictions, run.scores, run.timing["seconds"], run.result["test"]["accuracy"]
    except (LookupError, TypeError, AttributeError) as error:
        raise UserError(f"damaged, or of another version ({error})") from None
    return run


def _take(run: FinishedRun) -> bool:
    """Copies a run; returns False if it is here. `UserError` if another process trains it, or it has other weights."""
    here = RunFolder.of(run.fingerprint)
    here.path.mkdir(parents=True, exist_ok=True)
    with locked_if_free(here.path / "lock") as free:
        if not free:
            raise UserError(f"a process is training this very run: {here.path}")
        here.restore()  # what a retraining that was killed had set aside
        if here.finished():
            if here.result()["weights_sha256"] != run.result["weights_sha256"]:
                raise UserError(f"here is a run of the same fingerprint with other weights: {here.path}")
            return False
        with replacing_folder(here.path) as folder:
            for name in (*_NEEDED, *_OTHERS):
                source = here.path if name == NOTES and (here.path / NOTES).exists() else run.path
                if (source / name).is_file():
                    shutil.copyfile(source / name, folder / name)
            for figure in (run.path / _FIGURES).glob("*.png"):
                if figure.is_file() and not figure.is_symlink():
                    (folder / _FIGURES).mkdir(exist_ok=True)
                    shutil.copyfile(figure, folder / _FIGURES / figure.name)
    return True


def _record(paths: list[Path]) -> None:
    """Records the runs in MLflow, each in its experiment, in the store that is used here."""
    by_tracking = dict[object, list[FinishedRun]]()
    for run in map(FinishedRun, paths):
        if run.config.tracking.name == "mlflow":
            own = replace(run.config.tracking, uri=None, tags=(), note=None, study=None)
            by_tracking.setdefault(own, []).append(run)
    for runs in by_tracking.values():
        with Recording(replace(runs[0].config.tracking, uri=None)) as recording:
            for run in runs:
                recording.run(run_name(run.config), RunFolder(run.path), study=run.config.tracking.study)
