"""What `kill -9` of DVC leaves of its own files is told from what it leaves in order."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.health.dvc import stale_locks, torn_lockfile
from src.health.finding import Finding
from tests.conftest import ROOT
from tests.health.processes import dead_pid, holding

COMMAND = "/somewhere/bin/dvc repro train"


def table(pid: int) -> dict[str, Any]:
    entry = {"pid": pid, "cmd": COMMAND}
    return {"write": {"/x/models/model.npz": entry}, "read": {"/x/src": [entry], "/x/params.yaml": [entry]}}


@pytest.fixture
def rwlock(tmp_path: Path) -> Path:
    file = tmp_path / ".dvc/tmp/rwlock"
    file.parent.mkdir(parents=True)
    return file


def mended(root: Path, file: Path) -> Any:
    [finding] = stale_locks(root)
    assert finding.where == file
    assert finding.mend is not None
    finding.mend()
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


def test_entries_of_the_dead_are_removed_also_where_another_process_has_their_number(
    tmp_path: Path, rwlock: Path
) -> None:
    for pid in (dead_pid(), os.getpid(), 0, -1, 2**70):
        rwlock.write_text(json.dumps(table(pid)))
        assert mended(tmp_path, rwlock) == {"write": {}, "read": {}}


def test_a_damaged_table_is_made_anew_wherever_it_was_cut(tmp_path: Path, rwlock: Path) -> None:
    whole = json.dumps(table(dead_pid()))
    for end in range(len(whole)):
        rwlock.write_text(whole[:end])
        assert mended(tmp_path, rwlock) == {"write": {}, "read": {}}


@pytest.mark.parametrize("content", ['{"write": []}', '{"write": {"x": {"pid": 1}}}', "[]", '{"z": {}}', "[" * 10**5])
def test_what_dvc_would_refuse_is_made_anew(tmp_path: Path, rwlock: Path, content: str) -> None:
    rwlock.write_text(content)
    assert mended(tmp_path, rwlock) == {"write": {}, "read": {}}


def test_a_table_that_dvc_is_writing_is_left_alone(tmp_path: Path, rwlock: Path) -> None:
    rwlock.write_text("")
    with holding(rwlock.with_name("rwlock.lock")):
        assert not list(stale_locks(tmp_path))
    assert list(stale_locks(tmp_path))


def found(root: Path) -> list[Finding]:
    return list(torn_lockfile(root))


def test_a_lockfile_in_order_is_left_alone(tmp_path: Path) -> None:
    assert not found(tmp_path)
    (tmp_path / "dvc.lock").write_bytes((ROOT / "dvc.lock").read_bytes())
    assert not found(tmp_path)


def test_a_lockfile_that_was_cut_is_removed_and_what_passes_is_a_part_of_it(tmp_path: Path) -> None:
    whole = (ROOT / "dvc.lock").read_text()
    stages = yaml.safe_load(whole)["stages"]
    file = tmp_path / "dvc.lock"
    torn = 0
    for end in range(0, 1200, 7):
        file.write_text(whole[:end])
        if findings := found(tmp_path):
            torn += 1
            assert findings[0].mend is not None
            findings[0].mend()
            assert not file.exists()
        else:
            assert yaml.safe_load(whole[:end]).get("stages", {}).keys() <= stages.keys()
    assert torn > 20


def test_a_lockfile_in_which_branches_meet_is_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n<<<<<<< HEAD\nstages: {}\n=======\nstages: {}\n>>>>>>> other\n")
    [finding] = found(tmp_path)
    assert finding.mend is None


def test_a_lockfile_is_left_alone_while_dvc_works(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").touch()
    with holding(tmp_path / ".dvc/tmp/lock"):
        assert not found(tmp_path)
    assert found(tmp_path)
