"""Temporary files of processes that died while writing: `.<name>.<pid>-<random>.tmp`, next to the target."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from src.foundation.locks import is_free
from src.health.finding import Finding
from src.health.pipeline import recipe_lock
from src.runs.folder import RunFolder

_PLACES = ("data", "runs", "models", "metrics", "plots", "reports")
_TEMPORARY = re.compile(r"\.(.+)\.\d+-[0-9a-f]{8}\.tmp")
_OLD = 3600.0  # seconds; no write takes this long


def leftovers(root: Path) -> Iterator[Finding]:
    """Temporary files and folders that no process is writing."""
    for path in sorted(_temporary(root)):
        if _abandoned(root, path):
            yield Finding("left by an interrupted write", path, partial(_remove, root, path), "removed")


def _temporary(root: Path) -> Iterator[Path]:
    yield from (path for path in root.glob(".*.tmp") if _TEMPORARY.fullmatch(path.name))
    for place in _PLACES:
        for parent, folders, files in os.walk(root / place):
            found = [name for name in (*folders, *files) if _TEMPORARY.fullmatch(name)]
            folders[:] = [name for name in folders if name not in found]
            yield from (Path(parent, name) for name in found)


def _abandoned(root: Path, path: Path) -> bool:
    """Whether nobody is writing it, judged by the lock of its owner, else by its age."""
    name = _TEMPORARY.fullmatch(path.name)
    match path.relative_to(root).parts:
        case ("runs", run, _, *_) if not run.startswith(".") and run not in ("studies", "sheets"):
            return RunFolder(root / "runs" / run).idle()
        case ("data", "split" | "normalized", _) if name:
            return is_free(recipe_lock(root, name[1]))
    # A process id proves nothing: it may be from another host, or reused.
    return abs(time.time() - path.stat().st_mtime) > _OLD


def _remove(root: Path, path: Path) -> None:
    if _abandoned(root, path):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
