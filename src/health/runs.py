"""Checks of run folders: those whose process died, and those with damaged files."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from src.foundation.errors import UserError
from src.foundation.npz import DAMAGE
from src.health.finding import Finding, refusal, repair
from src.runs import intact
from src.runs.fingerprint import code_digest, words
from src.runs.finished import FinishedRun
from src.runs.folder import START, RunFolder, Status
from src.runs.model import load_model
from src.training import checkpoint

_forgotten: set[Path] = set()


class Verdict(NamedTuple):
    """What is known of a finished run."""

    folder: RunFolder
    reused: bool  # whether this code would reuse it
    damage: str  # empty if there is none, or if no command would reuse it


def forget(root: Path) -> None:
    """Has this process verify all runs, once."""
    _forgotten.add(root)


def run_folders(root: Path) -> list[RunFolder]:
    """All run folders of a checkout."""
    return [RunFolder(path) for path in sorted(root.glob("runs/*/")) if re.fullmatch("[0-9a-f]{64}", path.name)]


def orphaned_runs(root: Path) -> Iterator[Finding]:
    """A run with status running, but no process holds its lock."""
    for folder in run_folders(root):
        status = _status(folder)
        # Read again: the run may have ended or resumed in between.
        if status and status.get("status") == "running" and folder.idle() and _status(folder) == status:
            what = f"status running, but its process {status.get('pid')} on {status.get('host')} is gone"
            advice = "closed as killed; its command resumes it"
            yield Finding(what, folder.path, folder.living_status, advice)


def unreadable_runs(root: Path) -> Iterator[Finding]:
    """A run whose status.json or run.json is damaged."""
    for folder in run_folders(root):
        if _status_is_damaged(folder) and folder.idle():
            mend = partial(
                repair, folder.locked(), partial(_status_is_damaged, folder), partial(_replace_status, folder)
            )
            yield Finding("status.json is damaged", folder.path, mend, "closed as killed; its command resumes it")
        elif _status(folder) and _identity_is_damaged(folder) and folder.idle():
            mend = partial(repair, folder.locked(), partial(_identity_is_damaged, folder), folder.discard)
            yield Finding("run.json is damaged", folder.path, mend, "given up; its command retrains it")


def damaged_checkpoints(root: Path) -> Iterator[Finding]:
    """A checkpoint that does not match its digest."""
    for folder in run_folders(root):
        for name in checkpoint.GENERATIONS:
            file = folder.path / name
            if file.exists() and (reason := refusal(checkpoint.read, file)):
                remove = partial(file.unlink, missing_ok=True)
                mend = partial(repair, folder.locked(), partial(refusal, checkpoint.read, file), remove)
                yield Finding(f"damaged: {reason}", file, mend, "removed; its run resumes from the previous one")


def damaged_results(root: Path) -> Iterator[Finding]:
    """A finished run whose model, start, predictions, journal or result is damaged."""
    for folder, _, reason in _verdicts(root):
        if reason:
            close = partial(folder.mark, "failed", "damaged", f"damaged: {reason}")
            mend = partial(repair, folder.locked(), partial(_damage, folder), close)
            yield Finding(f"damaged: {reason}", folder.path, mend, "closed as failed; its command retrains it")


def of_other_code(root: Path) -> tuple[int, int]:
    """How many finished runs this code would not reuse, as their code differs; and how many finished runs there are."""
    verdicts = list(_verdicts(root))
    return sum(not verdict.reused for verdict in verdicts), len(verdicts)


def _verdicts(root: Path) -> Iterator[Verdict]:
    """The verdict on each finished run; what is undamaged is remembered."""
    runs = root / "runs"
    forgotten = root in _forgotten
    known = {} if forgotten else intact.read(runs)
    _forgotten.discard(root)
    undamaged: dict[str, intact.Intact] = {}
    for folder in run_folders(root):
        name, version = folder.path.name, intact.version(folder.path)
        if name in known and known[name].version == version:
            undamaged[name] = known[name]
            yield Verdict(folder, known[name].reused, "")
        elif _says_finished(folder):
            run = FinishedRun(folder.path)
            reused = _is_of_this_code(folder, run)
            damage = _damage_of(folder, run) if reused else ""  # no command of this version reuses one of other code
            if not damage:
                undamaged[name] = intact.Intact(version, reused)
            yield Verdict(folder, reused, damage)
    if forgotten or undamaged != known:
        intact.write(runs, undamaged)


def _damage(folder: RunFolder) -> str:
    """What is damaged in a finished run that this code would reuse, as it stands now."""
    run = FinishedRun(folder.path)
    return _damage_of(folder, run) if _says_finished(folder) and _is_of_this_code(folder, run) else ""


def _damage_of(folder: RunFolder, run: FinishedRun) -> str:
    try:
        if _identity_is_damaged(folder):
            return ""  # another check's finding
        if run.model.header["weights_sha256"] != run.result["weights_sha256"]:
            return "result.json and model.npz have different weights"
        _ = run.predictions, run.timing
        if run.config.train.start_from is not None:
            load_model(folder.path / START)
        if run.history["epoch"] != [record["epoch"] for record in folder.journal()]:
            return "journal.jsonl and history.csv have different epochs"
    except (UserError, *DAMAGE) as error:
        return str(error).replace(f"{folder.path}/", "") or type(error).__name__
    return ""


def _is_of_this_code(folder: RunFolder, run: FinishedRun) -> bool:
    """Whether this code would compute what the run computed; not if it does not understand its configuration."""
    try:
        return bool(folder.run()["digests"]["code"] == code_digest(words(run.config)))
    except (UserError, LookupError, TypeError):
        return False


def _status(folder: RunFolder) -> Status | None:
    """The status; None if it is damaged."""
    try:
        return folder.status()
    except UserError:
        return None


def _says_finished(folder: RunFolder) -> bool:
    return bool((status := _status(folder)) and status.get("status") == "finished")


def _status_is_damaged(folder: RunFolder) -> bool:
    return _status(folder) is None


def _identity_is_damaged(folder: RunFolder) -> bool:
    """Whether run.json is damaged, or has another run's fingerprint."""
    try:
        return bool(folder.run()["digests"]["fingerprint"] != folder.path.name)
    except (UserError, LookupError, TypeError):
        return True


def _replace_status(folder: RunFolder) -> None:
    folder.discard()
    folder.mark("killed", "damaged", "its status was damaged")
