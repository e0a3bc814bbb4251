"""Checks of run folders: those whose process died, and those with damaged files."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from src.foundation.errors import UserError
from src.foundation.npz import DAMAGE
from src.health.finding import Finding
from src.runs.fingerprint import code_digest, words
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder, Status
from src.runs.liveness import living_status
from src.training import checkpoint


def run_folders(root: Path) -> list[RunFolder]:
    """All run folders of a checkout."""
    folders = root.glob("runs/*/")
    return [RunFolder(path) for path in sorted(folders) if re.fullmatch("[0-9a-f]{64}", path.name)]


def orphaned_runs(root: Path) -> Iterator[Finding]:
    """A run with status running, but no process holds its lock."""
    for folder in run_folders(root):
        status = _status(folder)
        # Read again: the run may have ended or resumed in between.
        if status and status.get("status") == "running" and folder.idle() and _status(folder) == status:
            what = f"status running, but its process {status.get('pid')} on {status.get('host')} is gone"
            advice = "closed as killed; its command resumes it"
            yield Finding(what, folder.path, partial(living_status, folder), advice)


def unreadable_runs(root: Path) -> Iterator[Finding]:
    """A run whose status.json or run.json is damaged."""
    for folder in run_folders(root):
        status = _status(folder)
        if status is None and folder.idle():
            mend = partial(_replace_status, folder)
            yield Finding("status.json is damaged", folder.path, mend, "closed as killed; its command resumes it")
        elif status and not _knows_itself(folder) and folder.idle():
            mend = partial(_forget, folder)
            yield Finding("run.json is damaged", folder.path, mend, "given up; its command retrains it")


def damaged_checkpoints(root: Path) -> Iterator[Finding]:
    """A checkpoint that does not match its digest."""
    for folder in run_folders(root):
        for name in checkpoint.GENERATIONS:
            file = folder.path / name
            if reason := _damage_of_checkpoint(file):
                mend = partial(_remove_checkpoint, folder, file)
                yield Finding(f"damaged: {reason}", file, mend, "removed; its run resumes from the previous one")


def damaged_results(root: Path) -> Iterator[Finding]:
    """A finished run whose model, predictions, journal or result is damaged."""
    for folder in run_folders(root):
        if _says_finished(folder) and (reason := _damage(folder)):
            mend = partial(_fail, folder, f"damaged: {reason}")
            yield Finding(f"damaged: {reason}", folder.path, mend, "closed as failed; its command retrains it")


def of_other_code(root: Path) -> tuple[int, int]:
    """How many finished runs this code would not reuse, as their code differs; and how many finished runs there are."""
    finished = [folder for folder in run_folders(root) if _says_finished(folder)]
    return sum(not _is_of_this_code(folder) for folder in finished), len(finished)


def _damage(folder: RunFolder) -> str:
    try:
        # Skip runs of other code: no command of this version reuses them.
        if not _knows_itself(folder) or not _is_of_this_code(folder):
            return ""
        run = FinishedRun(folder.path)
        if run.model.header["weights_sha256"] != run.result["weights_sha256"]:
            return "result.json and model.npz have different weights"
        _ = run.predictions, run.timing
        if run.history["epoch"] != [record["epoch"] for record in folder.journal()]:
            return "journal.jsonl and history.csv have different epochs"
    except (UserError, *DAMAGE) as error:
        return str(error).replace(f"{folder.path}/", "") or type(error).__name__
    return ""


def _is_of_this_code(folder: RunFolder) -> bool:
    """Whether this code would compute what the run computed; not if it does not understand its configuration."""
    try:
        return bool(folder.run()["digests"]["code"] == code_digest(words(FinishedRun(folder.path).config)))
    except (UserError, LookupError, TypeError):
        return False


def _damage_of_checkpoint(file: Path) -> str:
    try:
        checkpoint.read(file)
    except FileNotFoundError:
        return ""
    except ValueError as error:
        return str(error)
    return ""


def _status(folder: RunFolder) -> Status | None:
    """The status; None if it is damaged."""
    try:
        status = folder.status()
    except UserError:
        return None
    return status if isinstance(status, Mapping) else None


def _says_finished(folder: RunFolder) -> bool:
    return bool((status := _status(folder)) and status.get("status") == "finished")


def _fail(folder: RunFolder, reason: str) -> None:
    with folder.locked():
        if _says_finished(folder) and _damage(folder):
            folder.end("failed", "damaged", reason)


def _knows_itself(folder: RunFolder) -> bool:
    try:
        return bool(folder.run()["digests"]["fingerprint"] == folder.path.name)
    except (UserError, LookupError, TypeError):
        return False


def _replace_status(folder: RunFolder) -> None:
    with folder.locked():
        if _status(folder) is None:
            (folder.path / "status.json").unlink()
            folder.end("killed", "damaged", "its status was damaged")


def _forget(folder: RunFolder) -> None:
    with folder.locked():
        if not _knows_itself(folder):
            (folder.path / "status.json").unlink(missing_ok=True)


def _remove_checkpoint(folder: RunFolder, file: Path) -> None:
    with folder.locked():
        if _damage_of_checkpoint(file):
            file.unlink()
