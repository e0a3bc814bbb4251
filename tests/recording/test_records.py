"""What is to be recorded is noted once, belongs to one living command, and is taken up when that has died."""

import multiprocessing
import os
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from src.recording.records import Record, Records, identity_of_run, identity_of_sweep

RUN = Record(identity=identity_of_run("a" * 64), name="a run", experiment="mlp", folder="a" * 64)
PARENT = Record(identity=identity_of_sweep("a grid", ["a" * 64]), name="a grid", experiment="mlp", started=1.0)
CHILD = Record(
    identity=identity_of_run("a" * 64, PARENT.identity, "relu"),
    name="relu s0",
    experiment="mlp",
    folder="a" * 64,
    parent=PARENT.identity,
    variant="relu",
)


def note_and_die(told: Connection) -> None:
    """What another command does, up to its kill."""
    records = Records()
    records.__enter__()
    for record in (PARENT, CHILD):
        records.note(record)
    told.send("noted")
    signal.pause()


def test_a_record_is_pending_until_it_is_settled(home: Path) -> None:
    with Records() as records:
        noted = records.note(RUN)
        assert noted == replace(RUN, owner=records.owner)
        assert records.pending() == [noted]
        known = records.change(noted, run_id="1234")
        assert records.find(RUN) == known
        records.settle(known)
        assert (records.pending(), [record.run_id for record in records.level()]) == ([], ["1234"])
        again = records.note(RUN)  # as when the run is reused
        assert (again.run_id, records.level()) == ("1234", [])
        records.drop(again)
        assert records.find(RUN) is None
    assert list((home / "runs/.records").glob("*.owner")) == []


def test_the_same_entry_of_another_store_is_another_record(home: Path) -> None:
    with Records() as records:
        for record in (RUN, replace(RUN, uri="http://elsewhere"), replace(RUN, experiment="another")):
            records.note(record)
        assert len(records.pending()) == 3


def test_a_run_has_one_identity_in_each_place_and_a_sweep_one_for_its_jobs() -> None:
    places = [("f",), ("f", "p"), ("f", "p", "v"), ("f", "p", "w"), ("f", "q", "v"), ("g", "p", "v")]
    assert len({identity_of_run(*place) for place in places}) == len(places)
    sweeps = [("t", ["f"]), ("t", ["f", "g"]), ("t", ["g", "f"]), ("u", ["f"])]
    assert len({identity_of_sweep(*sweep) for sweep in sweeps}) == len(sweeps)
    assert identity_of_sweep("t", ["f"]) == identity_of_sweep("t", ["f"])


def test_an_earlier_attempt_is_passed_over_unless_it_was_still_to_be_recorded(home: Path) -> None:
    with Records() as records:
        assert records.note(RUN, before=5.0).passed_over == 5.0
        records.settle(RUN)
        assert records.level()[0].passed_over is None
    with Records() as dead:
        dead.note(RUN)
    with Records() as records:
        assert records.note(RUN, before=5.0).passed_over is None


def test_a_living_commands_records_are_left_to_it_and_a_dead_ones_taken_up(home: Path) -> None:
    forking = multiprocessing.get_context("fork")
    here, there = forking.Pipe()
    other = forking.Process(target=note_and_die, args=(there,))
    other.start()
    assert here.recv() == "noted"
    with Records() as records:
        assert records.orphans() == []
        assert records.note(CHILD).owner != records.owner
        assert records.take(CHILD) is None
        assert other.pid is not None
        os.kill(other.pid, signal.SIGKILL)
        other.join()
        orphans = records.orphans()
        assert [record.name for record in orphans] == ["a grid", "relu s0"]  # parents first
        taken = [records.take(record) for record in orphans]
        assert {record.owner for record in taken if record} == {records.owner}
        assert records.orphans() == []
        assert records.parent_of(CHILD) == taken[0]
        assert records.children(PARENT) == [taken[1]]
        records.sweep()
        assert [lock.stem for lock in (home / "runs/.records").glob("*.owner")] == [records.owner]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"identity": "x", "nonsense": 1}'])
def test_a_file_that_is_no_record_counts_for_nothing(home: Path, content: str) -> None:
    with Records() as records:
        (home / "runs/.records" / RUN.file_name).write_text(content)
        assert records.pending() == []
        assert records.note(RUN).owner == records.owner
        assert len(records.pending()) == 1
