"""A pass over the outbox: what it takes over, settles and leaves, and what it costs."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from src.config.tracking import Tracking
from src.data.dataset import Dataset
from src.foundation import locks
from src.recording import outbox as outbox_module
from src.recording.descriptions import NOTE
from src.recording.entry import Entry
from src.recording.outbox import Outbox
from src.recording.outbox_mirror import OutboxMirror, Synced, forget, sync
from src.recording.recording import Recording
from src.recording.store import open_store
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.composing import Small
from tests.helpers.refusals import refusal
from tests.helpers.stores import assert_mirrored, client_of, entry_of, stored
from tests.recording.conftest import InThread

AWAY = "http://127.0.0.1:9"  # nobody listens on the port `discard`


@pytest.fixture
def trained(home: Path, digits: Dataset, small: Small) -> RunFolder:
    return run(small(), digits, Tracker()).folder


def note_and_die(*entries: Entry) -> None:
    """Leaves entries behind, as a command does that is killed."""
    with Outbox() as dead:
        for entry in entries:
            dead.note(entry)


def pass_over(outbox: Outbox, last: bool = True) -> Synced:
    synced = Synced([], [], [], [])
    OutboxMirror(outbox, Tracking(), open_store(Tracking()), synced).mirror(last)
    return synced


def runs(home: Path) -> dict[str, Any]:
    return {str(run.info.run_name): run for run in stored(home)}


def test_an_entry_of_a_living_command_is_taken_over_when_that_one_is_done(home: Path, trained: RunFolder) -> None:
    entry = entry_of(trained)
    with Outbox() as first, Outbox() as second:
        first.note(entry)
        assert second.note(entry, before=1.0).owner == first.owner
        pass_over(second)
        assert "a run" not in runs(home)
        pass_over(first)
        assert runs(home)["a run"].info.status == "FINISHED"
        # The second command may be about to train the run again: what the first one recorded is passed over.
        [taken] = second.mine()
        assert taken.passed_over == trained.status()["time"]
        assert first.orphans() == first.settled() == []
        pass_over(second)
        assert (second.pending(), len(second.settled())) == ([], 1)


def test_an_entry_of_a_command_that_dies_is_taken_over_by_the_one_that_waits_for_it(
    home: Path, trained: RunFolder
) -> None:
    entry = entry_of(trained)
    with Outbox() as waiting, Outbox() as another:
        with Outbox() as dying:
            dying.note(entry)
            waiting.note(entry)
        assert another.take(entry) is None
        assert another.orphans() == []
        assert pass_over(waiting).recorded
    assert runs(home)["a run"].info.status == "FINISHED"


def test_only_orphans_of_the_same_store_are_taken_over(home: Path, trained: RunFolder) -> None:
    """A dead server would delay a local run. A command that is not known to live takes over none."""
    others = [entry_of(trained, uri=AWAY), entry_of(trained, experiment="another")]
    note_and_die(entry_of(trained), *others)
    assert not pass_over(Outbox("of a command that has not begun")).recorded
    with Outbox() as outbox:
        assert len(outbox.orphans()) == 3
        assert [entry.uri for entry in pass_over(outbox).recorded] == [None]
        assert {entry.place for entry in outbox.orphans()} == {entry.place for entry in others}


def test_settled_entries_stay_settled_where_the_store_is_away(
    home: Path, trained: RunFolder, otherwise: Callable[..., None]
) -> None:
    (trained.path / "figures").mkdir(exist_ok=True)
    (trained.path / "figures/a.png").write_bytes(b"a figure")
    with Outbox() as outbox:
        for number in range(3):
            outbox.note(entry_of(trained, identity=f"{number}", name=f"{number}"))
        pass_over(outbox)
    settled = Outbox().settled()
    assert len(settled) == 3

    def fail(*_: Any) -> None:
        raise OSError("the store went away")

    otherwise(list_artifacts=fail, log_artifact=fail)
    assert "the store went away" in sync(everything=True).failures[0]
    assert (Outbox().pending(), Outbox().settled()) == ([], settled)
    (home / "mlflow.db").write_text("no database, but long enough to be looked at" * 100)
    assert len(sync(everything=True).failures) == 1
    assert (Outbox().pending(), Outbox().settled()) == ([], settled)


def test_an_entry_that_fails_does_not_stop_the_others(
    home: Path, trained: RunFolder, otherwise: Callable[..., None]
) -> None:
    from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException

    def refuse_one(create_run: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if named["run_name"] == "1":
            raise MlflowException("refused", INVALID_PARAMETER_VALUE)
        return create_run(*arguments, **named)

    otherwise(create_run=refuse_one)
    with Outbox() as outbox:
        for name in "012":
            outbox.note(entry_of(trained, identity=name, name=name))
        with pytest.raises(MlflowException, match="refused"):
            pass_over(outbox)
        assert [entry.name for entry in outbox.pending()] == ["1"]
    assert runs(home).keys() == {"0", "2"}


def test_an_orphan_whose_folder_cannot_be_read_is_named_and_stops_no_other(home: Path, trained: RunFolder) -> None:
    unreadable = RunFolder.of("0" * 64)
    (unreadable.path / "status.json").mkdir(parents=True)  # root may read whatever has no permissions
    note_and_die(entry_of(unreadable, name="unreadable", started=1.0), entry_of(trained, started=2.0))
    synced = sync()
    assert synced.failures == [f"unreadable: {unreadable.path}/status.json: Is a directory"]
    assert [entry.name for entry in synced.recorded] == ["a run"]
    assert [entry.name for entry in Outbox().pending()] == ["unreadable"]


def test_a_pass_says_how_many_runs_are_left_and_asks_little_about_new_ones(
    home: Path, trained: RunFolder, otherwise: Callable[..., None]
) -> None:
    """The store has no epochs and figures of a run that it did not have before the pass."""
    (trained.path / "figures").mkdir(exist_ok=True)
    (trained.path / "figures/a.png").write_bytes(b"a figure")
    calls: list[str] = []

    def note(name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        calls.append(name)
        return call(*arguments, **named)

    names = ("search_runs", "create_run", "log_batch", "log_inputs", "set_terminated")
    asked = ("get_metric_history", "list_artifacts", "update_run", "set_tag")
    otherwise(**{name: partial(note, name) for name in (*names, *asked)})
    left: list[int] = []
    with Outbox() as outbox:
        for name in "abc":
            outbox.note(entry_of(trained, identity=name, name=name))
        OutboxMirror(outbox, Tracking(), open_store(Tracking()), Synced([], [], [], []), left.append).mirror(last=True)
        assert (left, outbox.pending()) == ([3, 2, 1], [])
    assert sorted(calls) == sorted(names * 3)
    for recorded in runs(home).values():
        assert client_of(home).list_artifacts(recorded.info.run_id, "figures")


def test_a_description_that_was_deleted_is_written_again(home: Path, trained: RunFolder) -> None:
    with Outbox() as outbox:
        outbox.note(entry_of(trained))
        pass_over(outbox)
    before = runs(home)["a run"]
    client_of(home).delete_tag(before.info.run_id, NOTE)
    assert not sync(everything=True).failures
    after = runs(home)["a run"]
    assert (after.data.tags[NOTE], after.data.params) == (before.data.tags[NOTE], before.data.params)
    assert after.info.end_time == before.info.end_time


def test_what_was_noted_meanwhile_stays_pending(home: Path, trained: RunFolder, otherwise: Callable[..., None]) -> None:
    with Outbox() as outbox:
        parent = entry_of(trained, folder=None, status="finished", started=1.0, ended=2.0)
        outbox.note(parent)

        def meanwhile(set_terminated: Callable[..., Any], *arguments: Any) -> None:
            set_terminated(*arguments)
            outbox.note(replace(parent, status="failed", ended=3.0))

        otherwise(set_terminated=meanwhile)
        pass_over(outbox)
        assert [entry.status for entry in outbox.pending()] == ["failed"]
        otherwise()
        pass_over(outbox)
        assert outbox.pending() == []
    assert (runs(home)["a run"].info.status, runs(home)["a run"].info.end_time) == ("FAILED", 3000)


def test_a_pass_over_a_thousand_entries_reads_none_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    checked: list[Path] = []
    read, free = outbox_module._read, locks.is_free
    monkeypatch.setattr(outbox_module, "_read", lambda file: (reads.append(file), read(file))[1])
    monkeypatch.setattr(outbox_module, "is_free", lambda lock: (checked.append(lock), free(lock))[1])
    folder = home / "runs/.records"
    with Outbox() as outbox, Outbox() as another:
        for number in range(1000):
            owner = (outbox, another)[number % 2].owner
            entry = Entry(identity=f"{number}", name="a run", experiment="mlp", folder=f"{number}", owner=owner)
            (folder / entry.file_name).write_text(json.dumps(asdict(entry)))
        mirror = OutboxMirror(outbox, Tracking(), open_store(Tracking()), Synced([], [], [], []))
        mirror.mirror()
        assert len(reads) == 1000
        reads.clear()
        checked.clear()
        mirror.mirror()
        assert (reads, len(checked)) == ([], 2)


# --- What is settled


def test_a_settled_run_starts_no_writer_until_something_is_new(
    home: Path, trained: RunFolder, in_thread: list[InThread], empty_store: Path
) -> None:
    def draw(name: str) -> None:
        (trained.path / "figures").mkdir(exist_ok=True)
        (trained.path / "figures" / name).write_bytes(b"a figure")

    def follow(drawn: str = "") -> tuple[int, int]:
        """Records the run, of which a figure may be drawn meanwhile; the writers started before that, and in all."""
        in_thread.clear()
        with Recording(Tracking()) as recording:
            recording.follow(recording.entry(**about))
            before = len(in_thread)
            if drawn:
                draw(drawn)
        assert recording.run_id(recording.entry(**about))
        return before, len(in_thread)

    about = {"identity": "i", "name": "a run", "folder": trained.path.name}
    new, settled = (1, 1), (0, 0)
    assert (follow(), follow()) == (new, settled)
    draw("later.png")
    assert (follow(), follow(), follow(drawn="meanwhile.png"), follow()) == (new, settled, (0, 1), settled)
    logged = client_of(home).list_artifacts(runs(home)["a run"].info.run_id, "figures")
    assert {"figures/later.png", "figures/meanwhile.png"} <= {file.path for file in logged}
    shutil.copy(empty_store, home / "mlflow.db")  # into the same file, as after a removal it may be
    assert (follow(), follow()) == (new, settled)
    assert runs(home).keys() == {"a run"}
    about["name"] = "renamed"
    assert (follow(), follow()) == (new, settled)
    assert runs(home).keys() == {"renamed"}

    # A command without MLflow trains it again meanwhile: what the store has of it stays.
    with Recording(Tracking()) as recording:
        recording.follow(recording.entry(**about))
        with trained.locked():
            trained.mark("running")
            recording.settle()
            assert runs(home)["renamed"].info.status == "FINISHED"
            assert not Outbox().pending()
        trained.mark("finished")


# --- Which runs of a study are current


def record_study(home: Path, folder: RunFolder, identity: str, names: str, study: str = "ladder") -> None:
    with Recording(Tracking()) as recording, recording.parent(f"all {identity}", study, identity, True) as parent:
        for name in names:
            child = {"identity": f"{identity} {name}", "name": f"{identity} {name}", "folder": folder.path.name}
            recording.follow(recording.entry(**child, parent=identity, variant=name, study=parent.study))


@pytest.mark.usefixtures("in_thread")
def test_the_runs_of_a_studys_last_attempt_that_was_not_killed_are_the_current_ones(
    home: Path, trained: RunFolder, empty_store: Path
) -> None:
    def current(value: str) -> set[str]:
        return {name for name, run in runs(home).items() if run.data.tags.get("current") == value}

    record_study(home, trained, "old", "ab")
    record_study(home, trained, "other", "a", study="width")
    assert current("true") == {"all old", "old a", "old b", "all other", "other a"}
    client = client_of(home)
    elsewhere = {"study": "ladder", "folder": "/another/checkout/runs/f", "current": "true"}
    client.create_run(runs(home)["old a"].info.experiment_id, run_name="elsewhere", tags=elsewhere)
    recording = Recording(Tracking())
    with pytest.raises(KeyboardInterrupt), recording, recording.parent("all new", "ladder", "new", True):
        raise KeyboardInterrupt
    assert runs(home)["all new"].info.status == "KILLED"
    assert {"all old", "old a", "old b", "all other", "other a", "elsewhere"} <= current("true")
    record_study(home, trained, "new", "bc")
    assert current("false") == {"all old", "old a", "old b"}
    assert current("true") == {"all new", "new b", "new c", "all other", "other a", "elsewhere"}
    record_study(home, trained, "old", "ab")  # as with code that was put back
    assert current("false") == {"all new", "new b", "new c"}
    assert current("true") == {"all old", "old a", "old b", "all other", "other a", "elsewhere"}
    before = runs(home)["all old"].info.end_time
    record_study(home, trained, "old", "ab")  # nothing new
    assert runs(home)["all old"].info.end_time == before
    shutil.copy(empty_store, home / "mlflow.db")
    assert sync(everything=True).failures == []
    assert current("false") == {"all new", "new b", "new c"}
    assert current("true") == {"all old", "old a", "old b", "all other", "other a"}


# --- What earlier versions have noted


def of_version_1(**fields: Any) -> tuple[str, str]:
    """The file of an entry as version 1 wrote it: its name and its content."""
    entry = {
        "identity": "", "name": "a run", "uri": None, "experiment": "mlp", "study": None, "folder": None,
        "parent": None, "variant": None, "passed_over": None, "status": "running", "started": 0.0, "ended": 0.0,
        "report": None, "run_id": None, "owner": "",
    } | fields  # fmt: skip
    return Entry(**entry).file_name, json.dumps(entry, indent=2) + "\n"


def test_what_version_1_has_noted_is_recorded(home: Path, trained: RunFolder) -> None:
    folder, dead = trained.path.name, "a-host-4711-0a1b2c3d"
    (home / "report").mkdir()
    (home / "report/index.html").write_text("<html>")
    report = {"metrics": {"relu/accuracy": 0.5}, "tags": {"verdict": "good"}, "folder": str(home / "report")}
    parent = {"identity": "p", "name": "a study", "study": "ladder", "started": 7.0, "report": report, "owner": dead}
    child = {"identity": "c", "name": "relu s0", "study": "ladder", "folder": folder, "parent": "p", "variant": "relu"}
    never = {"identity": "n", "name": "never begun", "folder": "0" * 64, "parent": "p", "owner": dead}
    settled = {"identity": "s", "name": "settled", "folder": folder}
    records = home / "runs/.records"
    (records / "level").mkdir(parents=True)
    (records / f"{dead}.owner").touch()
    for place, entries in ((records, [parent, child | {"owner": dead}, never]), (records / "level", [settled])):
        for entry in entries:
            name, content = of_version_1(**entry)
            (place / name).write_text(content)
    synced = sync()
    assert (synced.failures, synced.left) == ([], [])
    assert {entry.name for entry in synced.recorded} == {"a study", "relu s0"}
    found = runs(home)
    assert found.keys() == {"a study", "relu s0"}
    assert (found["a study"].info.status, found["a study"].info.start_time) == ("KILLED", 7000)  # one never began
    assert found["a study"].data.tags["verdict"] == "good"
    assert (found["relu s0"].info.status, found["relu s0"].data.tags["variant"]) == ("FINISHED", "relu")
    assert found["relu s0"].data.tags["mlflow.parentRunId"] == found["a study"].info.run_id
    assert not list(records.glob("*.json")) + list(records.glob("*.owner"))
    assert [entry.name for entry in sync(everything=True).recorded if entry.name == "settled"] == ["settled"]
    assert runs(home).keys() == {"a study", "relu s0", "settled"}


def test_all_that_is_recorded_can_be_recorded_elsewhere_too(home: Path, trained: RunFolder, tmp_path: Path) -> None:
    parent = replace(entry_of(trained), identity="a parent", folder=None, status="finished", started=1.0, ended=2.0)
    note_and_die(parent, replace(entry_of(trained), parent=parent.identity))
    assert len(sync().recorded) == 2
    elsewhere = f"sqlite:///{tmp_path}/elsewhere.db"
    assert len(sync(to=elsewhere).recorded) == 2
    assert_mirrored(elsewhere, trained.path)
    assert len(stored(home)) == len(stored(elsewhere)) == 2
    assert not Outbox().pending()
    assert not sync(to=elsewhere).failures  # again: each once
    assert len(stored(elsewhere)) == 2


def test_the_own_store_is_no_other_one_however_it_is_written(
    home: Path, trained: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_and_die(entry_of(trained))
    assert len(sync().recorded) == 1
    monkeypatch.chdir(home)
    for uri in (f"sqlite:///{home}/mlflow.db", "sqlite:///mlflow.db", "sqlite:///./mlflow.db"):
        assert "the store of this repository" in refusal(sync, to=uri)
    for uri in ("mlflow.db", f"sqlite:///{home}/runs", "postgresql://host/x", "sqlite://"):
        refusal(sync, to=uri)
    assert len(Outbox().entries()) == 1


def test_what_can_not_be_recorded_can_be_forgotten_and_the_rest_is_recorded(home: Path, trained: RunFolder) -> None:
    note_and_die(entry_of(trained), replace(entry_of(trained), uri=AWAY))
    with Outbox() as living:
        living.note(replace(entry_of(trained), uri=AWAY, experiment="of a living command"))
        assert [len(found) for found in sync()] == [1, 0, 1, 1]
        [forgotten] = forget()
        assert (forgotten.uri, forgotten.experiment) == (AWAY, "mlp")
        assert len(Outbox().pending()) == 1
    assert not Outbox().find(forgotten)
    assert trained.finished()
