"""Locks end with their owner, however it ends."""

import sys
import threading
from pathlib import Path

import pytest

from src.foundation.locks import is_free, locked
from tests.conftest import ROOT
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
