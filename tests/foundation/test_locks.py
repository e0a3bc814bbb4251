"""Locks end with their owner, however it ends."""

import errno
import sys
import threading
from pathlib import Path

import pytest

from src.foundation.locks import is_free, locked, locked_if_free
from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.processes import started

HOLD = """
import pathlib, sys, time
from src.foundation.locks import locked
with locked(pathlib.Path(sys.argv[1]), str):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_is_held_until_its_owner_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "a" / "lock"
    assert is_free(lock)
    assert not lock.exists()
    with started(sys.executable, "-c", HOLD, str(lock), cwd=ROOT) as owner:  # and killed at the end of the block
        assert owner.stdout is not None
        owner.stdout.readline()
        assert not is_free(lock)
    assert is_free(lock)


def test_a_process_that_waits_says_for_what_and_continues(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = []
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with locked(tmp_path / "lock", str):
            entered.set()
            leave.wait()
            order.append("first")

    def owner() -> str:
        leave.set()
        return "somebody"

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait()
    with locked(tmp_path / "lock", owner):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert capsys.readouterr().err == "waiting for somebody\n"


@pytest.mark.parametrize("fails_with", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, None])
def test_a_disk_whose_locks_hold_nothing_is_refused_and_nobody_is_locked_out(
    fails_with: int | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(file: object, operation: int) -> None:
        if fails_with:
            raise OSError(fails_with, "no locks here")

    with monkeypatch.context() as patch:
        patch.setattr("fcntl.flock", flock)
        for lock in (lambda path: locked(path, str), locked_if_free):
            with pytest.raises(OSError, match=r"lock\b") as refused, lock(home / "lock"):
                pass
            assert (refused.value.errno, refused.value.filename) == (errno.ENOLCK, str(home / "lock"))
        done = run_main("sync")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert done.stderr.startswith(f"error: {home}/runs/.records/lock: file locks (flock), ")
    assert is_free(home / "lock")
    assert run_main("sync").returncode == 0
