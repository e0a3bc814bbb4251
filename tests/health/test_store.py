"""A half-made store is put aside, one with runs is never touched, and what a dead command had to record is recorded."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from src.config.tracking import Tracking
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed
from src.foundation.locks import locked
from src.health.store import half_made_store, moved_store, unrecorded_runs
from src.recording.outbox import Outbox
from src.recording.store import open_store
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.health.mending import mend
from tests.helpers.composing import Small
from tests.helpers.stores import database, entry_of, stored


@pytest.mark.parametrize(
    "statements",
    [
        (),
        ("CREATE TABLE x (y)", "DROP TABLE x"),
        ("CREATE TABLE runs (run_uuid)", "CREATE TABLE alembic_version (version_num)"),
    ],
    ids=["empty", "without tables", "half made"],
)
def test_a_half_made_store_is_put_aside_and_the_next_one_opens(home: Path, statements: tuple[str, ...]) -> None:
    file = home / "mlflow.db"
    file.touch()
    database(file, *statements)
    content = file.read_bytes()
    for aside in ("mlflow.db.damaged-1", "mlflow.db.damaged-2"):
        file.write_bytes(content)
        mend(half_made_store, home)
        assert not file.exists()
        assert (home / aside).read_bytes() == content
    assert not list(half_made_store(home))  # no store is in order
    assert open_store(Tracking()).client.search_experiments()
    assert not list(half_made_store(home))  # and so is a whole one


def test_a_store_that_holds_a_run_is_for_the_user(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    database(file, "CREATE TABLE runs (run_uuid)", "INSERT INTO runs VALUES ('a run')")
    assert not list(half_made_store(tmp_path))
    content = file.read_bytes()
    for damaged in (content[:-100], b"not a database" + content[14:], content[:4096] + b"\xff" * (len(content) - 4096)):
        file.write_bytes(damaged)
        [finding] = half_made_store(tmp_path)
        assert finding.mend is None
        assert file.read_bytes() == damaged


def test_a_transaction_that_was_cut_off_is_for_sqlite_to_undo(tmp_path: Path, empty_store: Path) -> None:
    file = tmp_path / "mlflow.db"
    shutil.copy(empty_store, file)
    script = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('PRAGMA cache_size=1')\n"
        "database.execute('BEGIN')\n"
        "database.execute('CREATE TABLE cut AS WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i, randomblob(99) AS x FROM n')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert (tmp_path / "mlflow.db-journal").stat().st_size
    assert not list(half_made_store(tmp_path))


def test_leftovers_of_a_first_opening_are_removed_once_nobody_is_at_it(tmp_path: Path) -> None:
    left = tmp_path / ".mlflow.db.init"
    left.touch()
    with locked(tmp_path / ".mlflow.db.lock", str):
        assert not list(half_made_store(tmp_path))
    assert mend(half_made_store, tmp_path).where == left
    assert not left.exists()


def test_a_record_without_its_command_is_brought_level_once_its_store_can_be_used(
    home: Path, small: Small, digits: Dataset
) -> None:
    folder = run(small(), digits, Tracker()).folder
    with Outbox() as outbox:
        outbox.note(entry_of(folder))
        assert not list(unrecorded_runs(home))
    with locked(folder.path / "lock", str):
        assert not list(unrecorded_runs(home))
    (home / "mlflow.db").write_text("no database at all, but a file that is in the way")
    with pytest.raises(RunFailed, match="MLflow store"):
        mend(unrecorded_runs, home)
    (home / "mlflow.db").unlink()
    assert "1 run (a run)" in mend(unrecorded_runs, home).what
    assert not list(unrecorded_runs(home))
    [recorded] = stored(home)
    assert recorded.data.tags["fingerprint"] == folder.path.name
    assert recorded.info.status == "FINISHED"


def test_a_store_that_moved_with_its_checkout_is_found_before_anything_is_recorded(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(Tracking())
    assert not list(moved_store(home))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(home / "mlflow.db", elsewhere)
    monkeypatch.setattr("src.recording.own_store.home", lambda: elsewhere)
    mend(moved_store, elsewhere)
    assert not list(moved_store(elsewhere))
    assert open_store(Tracking())
