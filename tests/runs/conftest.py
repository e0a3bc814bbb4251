"""A tree that tests may edit."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.runs import code, fingerprint
from tests.conftest import ROOT

CACHED = (fingerprint.code_digest, fingerprint._imported, fingerprint._trees)


def in_another_process() -> None:
    """Forgets what this process has noted of the code that it imported, as another process knows nothing of it."""
    for cached in CACHED:
        cached.cache_clear()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of `conf/` and `src/` in the place of the project's own."""
    for name in ("conf", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)  # which a run that is trained there reads
    for module in (code, fingerprint):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    in_another_process()
    yield tmp_path
    in_another_process()
