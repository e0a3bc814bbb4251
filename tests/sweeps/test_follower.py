"""How each run of a sweep ends is printed once, whoever ends it, as soon as all of its folder is there."""

import functools
import itertools
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.foundation.errors import UserError
from src.foundation.files import write_json
from src.runs.folder import RunFolder
from src.sweeps import follower as following
from src.sweeps.follower import Follower
from src.sweeps.jobs import _unanswered


class Run(RunFolder):
    """A run folder, and what another process does in it."""

    def start(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.begin({"seed": 0}, {"name": "a run"})

    def learn(self) -> None:
        seen = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
        epoch = len(self.journal()) + 1
        self.append({**dict.fromkeys(seen, 0.5), "epoch": epoch, "seconds": 0.1, "images_per_second": 10.0})

    def complete(self) -> None:
        self.learn()
        self.finish({"test": {"accuracy": 0.5}})
        for name in ("model.npz", "predictions.npz"):
            (self.path / name).touch()


ENDS: dict[str, Callable[[Run], None]] = {
    "finished": Run.complete,
    "failed": lambda run: run.mark("failed", "diverged", "diverged at epoch 3"),
    "killed": lambda run: run.mark("killed", "interrupted", "interrupted"),
}
LINES = {"finished": "finished: job  test 50.00%  0.1 s", "failed": "failed: job", "killed": "killed: job"}


class Printed(list[str]):
    """The lines that a follower of one run prints."""

    def __init__(self, run: RunFolder, before: Any = None) -> None:
        self.follower = Follower([(run, "job", before or {})])

    def look(self) -> list[str]:
        """Looks once more, and returns all lines so far."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(following, "print_above", lambda bar, line: self.append(line))
            self.follower.look()
        return self


@pytest.fixture
def a_run(tmp_path: Path) -> Run:
    return Run(tmp_path / "a run")


# --- one line --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    before=st.none() | st.sampled_from([*ENDS, "running"]),
    epochs=st.integers(0, 3),
    looks=st.lists(st.booleans(), min_size=7, max_size=7),
    end=st.sampled_from([*ENDS]),
    found=st.booleans(),
)
def test_whenever_it_looks_an_end_is_printed_once_and_an_earlier_attempt_never(
    before: str | None, epochs: int, looks: list[bool], end: str, found: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run")
        if before:
            run.start()
            ENDS.get(before, Run.learn)(run)
        printed = Printed(run, run.status())
        # An attempt that a killed process left running may go on, or be closed by whoever finds it.
        begin = [] if before == "running" and found else [Run.start]
        for act, look in zip([lambda run: None, *begin, *[Run.learn] * epochs], looks, strict=False):
            act(run)
            if look:
                assert printed.look() == []
        ENDS[end](run)
        line = LINES[end].replace("0.1 s", f"{0.1 * (epochs + (1 if begin else 2)):.1f} s")
        assert printed.look() == printed.look() == [line]


def test_of_several_runs_those_that_have_ended_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [Run(tmp_path / name) for name in "abc"]
    follower = Follower([(run, run.path.name, {}) for run in runs])
    runs[0].start()
    runs[2].start()
    runs[2].complete()
    follower.look()
    assert capsys.readouterr().out == "finished: c  test 50.00%  0.1 s\n"
    runs[0].complete()
    follower.close()
    assert capsys.readouterr().out == "finished: a  test 50.00%  0.1 s\n"


# --- folders in between ----------------------------------------------------------------------------------------------


def test_a_line_that_cannot_be_printed_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Run(tmp_path / name) for name in ("first", "second")]
    follower, printed = Follower([(run, run.path.name, {}) for run in runs]), list[str]()

    def on_a_full_disk(bar: object, line: str) -> None:
        printed.append(line.split()[1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(following, "print_above", on_a_full_disk)
    for run in runs:
        run.start()
        run.complete()
    write_json(runs[0].path / "result.json", {"test": None})  # by hand
    follower.look()
    follower.close()
    assert printed == ["first", "second"]


def test_nothing_ends_while_a_process_still_works_on_the_run(a_run: Run) -> None:
    printed = Printed(a_run)
    with a_run.locked():  # which figures are drawn under, after the status is final
        a_run.start()
        a_run.complete()
        assert printed.look() == printed.look() == []
    assert printed.look() == [LINES["finished"]]


def test_a_folder_that_is_emptied_or_half_written_under_its_hands_is_looked_at_later(
    a_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(of: object, error: Exception) -> None:
        raise error

    a_run.start()
    a_run.complete()
    printed = Printed(a_run)
    status = a_run.path / "status.json"
    whole = status.read_text()
    for content in ("", "{", '{"status": "runn', "\x00"):
        status.write_text(content)
        assert printed.look() == []
    status.write_text(whole)
    errors = (FileNotFoundError(2, "gone"), UserError("gone"), PermissionError(13, "not yet"))
    for method, error in itertools.product(("status", "finished", "result", "timing"), errors):
        with monkeypatch.context() as patch:
            patch.setattr(Run, method, functools.partialmethod(vanished, error))
            assert printed.look() == [], (method, error)
    assert printed.look() == [LINES["finished"]]


# --- the thread ------------------------------------------------------------------------------------------------------


def followers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "follower"]


def test_the_thread_prints_while_the_context_lasts_and_completes_the_line_that_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run(tmp_path / name) for name in "ab"]
    began, go_on, printed = threading.Event(), threading.Event(), []

    def slow(bar: object, line: str) -> None:
        began.set()
        assert go_on.wait(120)
        printed.append(line[:11])

    monkeypatch.setattr(following, "_SECONDS_BETWEEN_LOOKS", 0.002)
    monkeypatch.setattr(following, "print_above", slow)
    follower = Follower([(run, run.path.name, {}) for run in runs])
    with follower:
        runs[0].start()
        runs[0].complete()
        assert began.wait(120)
        assert printed == []
        threading.Timer(0.05, go_on.set).start()  # when this thread has most likely left the context, and waits
    assert printed == ["finished: a"]
    assert not followers()
    runs[1].start()
    runs[1].complete()
    time.sleep(0.02)
    assert printed == ["finished: a"]
    follower.close()
    assert printed == ["finished: a", "finished: b"]


def test_the_thread_ends_with_an_error_in_the_context(a_run: Run) -> None:
    def interrupted() -> None:
        with Follower([(a_run, "job", {})]):
            assert followers()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not followers()


def test_a_run_that_finishes_while_its_broken_sweep_waits_for_it_stays_finished(
    a_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_run.start()
    monkeypatch.setattr(a_run, "idle", lambda wait: a_run.complete() is None)
    assert _unanswered(a_run, {}, "the launcher broke down") == ("finished", "")
    assert a_run.finished()
