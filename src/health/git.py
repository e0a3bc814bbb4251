"""A checkout without Git: a ZIP download, or a copy in an image. DVC works in one if a setting says so."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from src.health.finding import Finding

_SETTING = "no_scm"


def setting_without_git(root: Path) -> Iterator[Finding]:
    """DVC's setting for a checkout without Git: missing in one, or left over where there is Git, which it blocks."""
    if not (root / ".dvc" / "config").is_file():
        return
    file = root / ".dvc" / "config.local"
    there = file.is_file() and _SETTING in file.read_text(encoding="utf-8", errors="replace")
    if there != (missing := not (root / ".git").exists()):
        what = "DVC stops in a checkout without Git" if missing else "core.no_scm=true, and there is Git now"
        advice = f"core.{_SETTING}=true is {'set' if missing else 'removed'}"
        if missing:
            advice += "; without Git, records name no commit, and `dvc exp` does not work"
        yield Finding(what, file, partial(_set, root, missing), advice)


def _set(root: Path, missing: bool) -> None:
    from dvc.config import Config

    with Config(str(root / ".dvc"), validate=False).edit("local") as settings:
        core = settings.setdefault("core", {})
        if missing:
            core[_SETTING] = True
        else:
            core.pop(_SETTING, None)
