"""The parent of a sweep is told of its jobs' runs by their folders, in order, whoever makes them."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from src.foundation.errors import UserError
from src.runs.folder import RunFolder
from src.runs.journal import Journal
from src.runs.tracker import InMemory
from src.sweeps import follower as following
from src.sweeps.follower import Follower

SEEN = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


class Run(RunFolder):
    """A run folder, and what another process does in it."""

    def start(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.begin({"seed": 0}, {"name": "a run"})

    def learn(self) -> None:
        epoch = len(self.journal()) + 1
        self.append({**dict.fromkeys(SEEN, 0.5), "epoch": epoch, "seconds": 0.1, "images_per_second": 10.0})

    def complete(self) -> None:
        self.finish({"test": {"accuracy": 0.5}})
        for name in ("model.npz", "predictions.npz"):
            (self.path / name).touch()


class Telling(InMemory):
    """Remembers which epoch it was told of, too."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[int] = []

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        super().advanced(folder, record)
        self.epochs.append(record["epoch"])

    @property
    def told(self) -> list[str]:
        return [event for event, _ in self.events]


def followed(run: RunFolder, before: Mapping[str, Any] | None = None) -> tuple[Follower, Telling]:
    tracker = Telling()
    return Follower([(run, tracker, before or {})]), tracker


@pytest.fixture
def a_run(tmp_path: Path) -> Run:
    return Run(tmp_path / "a run")


# --- the order -------------------------------------------------------------------------------------------------------


def test_a_run_is_told_as_it_goes(a_run: Run) -> None:
    follower, tracker = followed(a_run)
    steps: list[tuple[Callable[[], object], list[str]]] = [
        (lambda: None, []),
        (lambda: a_run.path.mkdir(), []),
        (a_run.start, ["started"]),
        (lambda: None, []),
        (a_run.learn, ["advanced"]),
        (a_run.learn, ["advanced"]),
        (lambda: None, []),
        (a_run.complete, ["ended"]),
        (lambda: None, []),
    ]
    expected: list[str] = []
    for step, news in steps:
        step()
        follower.look()
        expected += news
        assert tracker.told == expected
    assert tracker.epochs == [1, 2]
    assert {folder for _, folder in tracker.events} == {a_run.path}


ENDS: dict[str, Callable[[Run], None]] = {
    "finished": lambda run: run.complete(),
    "failed": lambda run: run.end("failed", "diverged", "diverged at epoch 3"),
    "killed": lambda run: run.end("killed", "interrupted", "interrupted"),
}


@settings(deadline=None, max_examples=30)
@given(
    epochs=st.integers(0, 4),
    looks=st.lists(st.booleans(), min_size=7, max_size=7),
    end=st.sampled_from(sorted(ENDS)),
)
def test_whenever_it_looks_a_run_begins_advances_and_ends_in_order(epochs: int, looks: list[bool], end: str) -> None:
    assume(epochs or end != "finished")  # nothing finishes without an epoch
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run")
        follower, tracker = followed(run)
        for act, look in zip([run.start, *[run.learn] * epochs, lambda: ENDS[end](run)], looks, strict=False):
            act()
            if look:
                follower.look()
        follower.look()
    assert tracker.told == ["started", *["advanced"] * len(tracker.epochs), "ended"]
    assert tracker.epochs == sorted(set(tracker.epochs))
    assert tracker.epochs[-1:] == ([epochs] if epochs else [])  # all that is new is told with the last epoch


def test_several_runs_are_told_apart(tmp_path: Path) -> None:
    runs = [Run(tmp_path / name) for name in "abc"]
    trackers = [Telling() for _ in runs]
    follower = Follower([(run, tracker, {}) for run, tracker in zip(runs, trackers, strict=True)])
    runs[0].start()
    runs[2].start()
    runs[2].learn()
    runs[2].complete()
    follower.look()
    assert [tracker.told for tracker in trackers] == [["started"], [], ["started", "advanced", "ended"]]
    for run, tracker in zip(runs, trackers, strict=True):
        assert {folder for _, folder in tracker.events} <= {run.path}


# --- what stood there before -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ENDS)
def test_an_earlier_attempt_is_not_told_until_another_one_begins(a_run: Run, end: str) -> None:
    a_run.start()
    a_run.learn()
    ENDS[end](a_run)
    follower, tracker = followed(a_run, before=a_run.status())
    follower.look()
    assert tracker.told == []
    a_run.start()
    follower.look()
    assert (tracker.told, tracker.epochs) == (["started"], [])
    a_run.learn()
    ENDS[end](a_run)
    follower.look()
    assert (tracker.told, tracker.epochs) == (["started", "advanced", "ended"], [1])


def test_an_attempt_that_a_killed_process_left_running_is_not_told_either(a_run: Run) -> None:
    a_run.start()
    a_run.learn()
    follower, tracker = followed(a_run, before=a_run.status())
    follower.look()
    assert tracker.told == []
    a_run.end("killed", "died", "its worker was killed")
    follower.look()
    assert tracker.told == ["started", "advanced", "ended"]


def test_a_run_that_is_reused_is_told_at_once(a_run: Run) -> None:
    a_run.start()
    a_run.learn()
    a_run.learn()
    a_run.complete()
    follower, tracker = followed(a_run, before={})
    follower.look()
    assert (tracker.told, tracker.epochs) == (["started", "advanced", "ended"], [2])


# --- folders in between ----------------------------------------------------------------------------------------------


def test_nothing_ends_while_a_process_still_works_on_the_run(a_run: Run) -> None:
    follower, tracker = followed(a_run)
    with a_run.locked():  # which figures are drawn under, after the status is final
        a_run.start()
        a_run.learn()
        a_run.complete()
        for _ in range(3):
            follower.look()
            assert tracker.told == ["started", "advanced"]
    follower.look()
    assert tracker.told == ["started", "advanced", "ended"]


@pytest.mark.parametrize("content", ["", "{", '{"status": "runn', "\x00"])
def test_a_status_that_cannot_be_read_is_read_later(a_run: Run, content: str) -> None:
    a_run.start()
    status = a_run.path / "status.json"
    whole = status.read_text()
    follower, tracker = followed(a_run)
    status.write_text(content)
    follower.look()
    assert tracker.told == []
    status.write_text(whole)
    follower.look()
    assert tracker.told == ["started"]


@pytest.mark.parametrize("method", ["status", "new"])
@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone"), UserError("gone"), PermissionError(13, "not yet")])
def test_a_folder_that_is_emptied_under_its_hands_is_looked_at_later(
    a_run: Run, method: str, error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def vanished(of: object) -> None:
        raise error

    a_run.start()
    a_run.learn()
    follower, tracker = followed(a_run)
    with monkeypatch.context() as patch:
        patch.setattr({"status": Run, "new": Journal}[method], method, vanished)
        follower.look()
    assert tracker.told == []
    follower.look()
    assert tracker.told == ["started", "advanced"]
    assert capsys.readouterr().err == ""


def test_a_torn_last_line_of_a_journal_is_told_when_it_is_whole(a_run: Run) -> None:
    a_run.start()
    a_run.learn()
    journal = a_run.path / "journal.jsonl"
    line = journal.read_text()
    follower, tracker = followed(a_run)
    journal.write_text(line[:20])
    follower.look()
    assert tracker.told == ["started"]
    journal.write_text(line)
    follower.look()
    assert tracker.told == ["started", "advanced"]


# --- trackers that fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["started", "advanced", "ended"])
def test_a_tracker_that_fails_is_given_up_with_one_warning_and_the_others_go_on(
    tmp_path: Path, event: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, trackers = [Run(tmp_path / "a"), Run(tmp_path / "b")], [Telling(), Telling()]

    def fail(folder: Path, record: Mapping[str, Any] | None = None) -> None:
        trackers[0].events.append((event, folder))
        raise RuntimeError("the store is gone")

    monkeypatch.setattr(trackers[0], event, fail)
    follower = Follower([(run, tracker, {}) for run, tracker in zip(runs, trackers, strict=True)])
    for act in (Run.start, Run.learn, Run.learn, Run.complete):
        for run in runs:
            act(run)
        follower.look()
        follower.look()
    assert trackers[1].told == ["started", "advanced", "advanced", "ended"]
    assert trackers[0].told == trackers[1].told[: trackers[1].told.index(event) + 1]
    warnings = capsys.readouterr().err.splitlines()
    assert warnings == [f"warning: the store is gone ({tmp_path / 'a'} holds everything)"]


# --- the thread ------------------------------------------------------------------------------------------------------


def waited_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.002)
    return condition()


def followers() -> Iterable[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "follower"]


def test_the_thread_tells_while_the_context_lasts(a_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_SECONDS_BETWEEN_LOOKS", 0.002)
    follower, tracker = followed(a_run)
    with follower:
        a_run.start()
        assert waited_for(lambda: tracker.told == ["started"])
        a_run.learn()
        assert waited_for(lambda: tracker.told == ["started", "advanced"])
    assert not followers()
    a_run.complete()
    assert tracker.told == ["started", "advanced"]  # who left it looks once more at what came last
    follower.look()
    assert tracker.told == ["started", "advanced", "ended"]


def test_the_thread_ends_with_an_error_in_the_context(a_run: Run) -> None:
    follower, _ = followed(a_run)

    def interrupted() -> None:
        with follower:
            assert followers()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not followers()


def test_a_telling_that_is_under_way_is_completed(a_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_SECONDS_BETWEEN_LOOKS", 0.002)
    began, go_on = threading.Event(), threading.Event()

    class Slow(Telling):
        def started(self, folder: Path) -> None:
            began.set()
            assert go_on.wait(120)
            super().started(folder)

    tracker = Slow()
    a_run.start()
    with Follower([(a_run, tracker, {})]):
        assert began.wait(120)
        assert tracker.told == []
        threading.Timer(0.05, go_on.set).start()  # when this thread has most likely left the context, and waits
    assert tracker.told == ["started"]
