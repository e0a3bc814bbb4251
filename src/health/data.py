"""Checks of data: raw files, splits and arrays that do not match their digests."""

import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from src.data.dataset import open_dataset
from src.data.sources import SOURCES
from src.data.splits import open_split
from src.foundation.errors import UserError
from src.foundation.locks import is_free, locked
from src.health.finding import Finding


def damaged_data(root: Path) -> Iterator[Finding]:
    """Arrays, splits or raw files under data/ that do not match their digests."""
    if not is_free(root / ".dvc/tmp/lock"):  # `dvc` may be writing files
        return
    for name, source in SOURCES.items():
        folder = root / "data" / "raw" / name
        if folder.is_dir() and (reason := _refused(source.read, folder)):
            yield Finding(reason, folder, None, "`dvc repro`, or `python -m src.fetch`, fetches it again")
    for kind, verify in {"split": open_split, "normalized": open_dataset}.items():
        for folder in _folders(root / "data" / kind):
            if reason := _refused(verify, folder):
                mend = partial(_remove, root, verify, folder)
                yield Finding(reason, folder, mend, "removed; the next command, or `dvc repro`, makes it again")


def recipe_lock(root: Path, recipe: str) -> Path:
    """The lock that a process holds while it makes the recipe's files."""
    return root / "runs" / ".locks" / f"data-{recipe}.lock"


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("*/") if not path.name.startswith("."))


def _refused(verify: Callable[[Path], object], folder: Path) -> str:
    try:
        verify(folder)
    except UserError as error:
        # Without the advice at its end; the finding has its own.
        return re.split(r"(?:: r|\. R)un `|\. Delete ", str(error).replace(f"{folder}/", ""))[0]
    return ""


def _remove(root: Path, verify: Callable[[Path], object], folder: Path) -> None:
    with locked(recipe_lock(root, folder.name), lambda: f"another process that is making {folder}"):
        if _refused(verify, folder):
            shutil.rmtree(folder)
