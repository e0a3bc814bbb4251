"""What `kill -9` of DVC leaves of its own files is found; files in order are left alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.foundation.locks import locked
from src.health.dvc import stale_locks, torn_lockfile
from tests.conftest import ROOT
from tests.health.mending import mend

COMMAND = "/somewhere/bin/dvc repro train"
EMPTY: dict[str, Any] = {"write": {}, "read": {}}


def dead_pid() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def table(pid: int) -> dict[str, Any]:
    entry = {"pid": pid, "cmd": COMMAND}
    return {"write": {"/x/models/model.npz": entry}, "read": {"/x/src": [entry], "/x/params.yaml": [entry]}}


@pytest.fixture
def rwlock(tmp_path: Path) -> Path:
    file = tmp_path / ".dvc/tmp/rwlock"
    file.parent.mkdir(parents=True)
    return file


def mended(root: Path, file: Path) -> Any:
    assert mend(stale_locks, root).where == file
    assert not list(stale_locks(root))
    return json.loads(file.read_text())


def test_the_table_of_a_living_dvc_is_in_order(tmp_path: Path, rwlock: Path) -> None:
    assert not list(stale_locks(tmp_path))
    rwlock.write_text("{}")
    assert not list(stale_locks(tmp_path))
    script = tmp_path / "dvc"
    script.write_text("print(flush=True)\ninput()")
    command = [sys.executable, script, "repro", "train"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is there, with its command line
        rwlock.write_text(json.dumps(table(process.pid)))
        assert not list(stale_locks(tmp_path))
        both = table(process.pid)
        both["read"]["/x/src"] += table(dead_pid())["read"]["/x/src"]
        rwlock.write_text(json.dumps(both))
        assert mended(tmp_path, rwlock) == table(process.pid)
        process.communicate(b"\n")


def test_what_is_damaged_or_of_dead_processes_is_removed(tmp_path: Path, rwlock: Path) -> None:
    dead = json.dumps(table(dead_pid()))
    reused = [json.dumps(table(pid)) for pid in (os.getpid(), 0, -1, 2**70)]  # or never a process's number
    refused = ['{"write": []}', '{"write": {"x": {"pid": 1}}}', "[]", '{"z": {}}', "[" * 10**5]
    for content in (dead, *reused, *refused, *(dead[:end] for end in range(len(dead)))):
        rwlock.write_text(content)
        assert mended(tmp_path, rwlock) == EMPTY
    rwlock.write_text("")
    with locked(rwlock.with_name("rwlock.lock"), str):  # DVC is writing it
        assert not list(stale_locks(tmp_path))
    assert list(stale_locks(tmp_path))


def test_a_lockfile_that_was_cut_is_removed_and_one_with_merge_conflicts_is_for_the_user(tmp_path: Path) -> None:
    assert not list(torn_lockfile(tmp_path))
    whole, file = (ROOT / "dvc.lock").read_text(), tmp_path / "dvc.lock"
    file.write_text(whole)
    assert not list(torn_lockfile(tmp_path))
    stages, torn = yaml.safe_load(whole)["stages"], 0
    for end in range(0, 1200, 7):
        file.write_text(whole[:end])
        if list(torn_lockfile(tmp_path)):
            torn += 1
            mend(torn_lockfile, tmp_path)
            assert not file.exists()
        else:
            assert yaml.safe_load(whole[:end]).get("stages", {}).keys() <= stages.keys()
    assert torn > 20
    file.write_text("schema: '2.0'\n<<<<<<< HEAD\nstages: {}\n=======\nstages: {}\n>>>>>>> other\n")
    with locked(tmp_path / ".dvc/tmp/lock", str):
        assert not list(torn_lockfile(tmp_path))
    [finding] = torn_lockfile(tmp_path)
    assert finding.mend is None
