"""What takes space: each file once, whatever its names."""

import json
import os
from pathlib import Path

import pytest

from src.runs.listing import run_paths
from src.upkeep.disk import usage
from tests.helpers.commands import run_main


def test_each_file_counts_once_and_the_largest_come_first(
    runs: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.upkeep.disk.ROOT", home)
    monkeypatch.setattr("src.upkeep.disk.home", lambda: home)
    for place in ("runs/compared/0/index.html", "runs/.records/level/0.json", "mlflow.db.bda7b8c39065"):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text("some bytes")
    (home / ".dvc/cache").mkdir(parents=True)
    (home / "models").mkdir()
    (home / ".dvc/cache/one").write_bytes(bytes(5 << 20))
    os.link(home / ".dvc/cache/one", home / "models/model.npz")
    found = usage()
    models = next(each for each in found if each.what == "models and reports")
    assert (found[0], models.files, models.size >= 5 << 20) == (models, 1, True)
    assert not any(each.what == "DVC's cache" for each in found)  # counted already
    files = {(f.stat().st_dev, f.stat().st_ino) for f in home.rglob("*") if f.is_file() and f.parent != runs}
    assert sum(each.files for each in found) == len(files)
    assert [each.size for each in found] == sorted((each.size for each in found), reverse=True)
    assert json.loads(run_main("runs", "du", "--json").stdout) == [each._asdict() for each in found]
    lines = run_main("runs", "du").stdout.splitlines()
    assert lines[0].split() == ["what", "files", "MB", "freed", "by"]
    assert lines[-1].split()[:2] == ["all", str(len(files))]


def test_what_is_removed_at_this_moment_does_not_count(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, walk = usage(), os.walk
    monkeypatch.setattr("src.upkeep.disk.run_paths", lambda: [*run_paths(), runs / ("0" * 64)])
    gone = ["gone"]
    monkeypatch.setattr("src.upkeep.disk.os.walk", lambda top: ((at, below, [*f, *gone]) for at, below, f in walk(top)))
    assert usage() == before
