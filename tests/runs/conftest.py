"""A tree that tests may edit."""

import shutil
from pathlib import Path

import pytest

from src.runs import code, fingerprint
from tests.conftest import ROOT


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `conf/` and `src/` in the place of the project's own."""
    for name in ("conf", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for module in (code, fingerprint):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path
