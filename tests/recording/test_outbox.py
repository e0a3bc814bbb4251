"""An entry is noted once, belongs to one living command, and is taken over when that has died."""

from dataclasses import replace
from pathlib import Path

import pytest

from src.recording.entry import Entry, identity_of_run
from src.recording.outbox import Outbox
from src.sweeps.jobs import identity_of_sweep

RUN = Entry(identity=identity_of_run("a" * 64), name="a run", experiment="mlp", folder="a" * 64)
PARENT = Entry(identity=identity_of_sweep("a grid", ["a" * 64]), name="a grid", experiment="mlp", started=1.0)
CHILD = Entry(
    identity=identity_of_run("a" * 64, PARENT.identity, "relu"),
    name="relu s0",
    experiment="mlp",
    folder="a" * 64,
    parent=PARENT.identity,
    variant="relu",
)


def test_an_entry_is_pending_until_it_is_settled(home: Path) -> None:
    with Outbox() as outbox:
        noted = outbox.note(RUN)
        assert noted == replace(RUN, owner=outbox.owner)
        assert outbox.pending() == [noted]
        known = outbox.change(noted, run_id="1234")
        assert outbox.find(RUN) == known
        assert outbox.settle(known, None)
        assert (outbox.pending(), [entry.run_id for entry in outbox.settled()]) == ([], ["1234"])
        again = outbox.note(RUN)  # as when the run is reused
        assert (again.run_id, outbox.settled()) == ("1234", [])
        outbox.settle(again, None, gone=True)
        assert outbox.find(RUN) is None
    assert list((home / "runs/.records").glob("*.owner")) == []


def test_the_same_run_in_another_store_is_another_entry(home: Path) -> None:
    with Outbox() as outbox:
        for entry in (RUN, replace(RUN, uri="http://elsewhere"), replace(RUN, experiment="another")):
            outbox.note(entry)
        assert len(outbox.pending()) == 3


def test_a_run_has_one_identity_in_each_place_and_a_sweep_one_for_its_jobs() -> None:
    places = [("f",), ("f", "p"), ("f", "p", "v"), ("f", "p", "w"), ("f", "q", "v"), ("g", "p", "v")]
    assert len({identity_of_run(*place) for place in places}) == len(places)
    sweeps = [("t", ["f"]), ("t", ["f", "g"]), ("t", ["g", "f"]), ("u", ["f"])]
    assert len({identity_of_sweep(*sweep) for sweep in sweeps}) == len(sweeps)
    assert identity_of_sweep("t", ["f"]) == identity_of_sweep("t", ["f"])


def test_an_earlier_attempt_is_passed_over_unless_it_was_still_to_be_recorded(home: Path) -> None:
    with Outbox() as outbox:
        assert outbox.note(RUN, before=5.0).passed_over == 5.0
        assert outbox.settle(replace(RUN, owner=outbox.owner, passed_over=5.0), None)
        assert outbox.settled()[0].passed_over is None
    with Outbox() as dead:
        dead.note(RUN)
    with Outbox() as outbox:
        assert outbox.note(RUN, before=5.0).passed_over is None


def test_a_living_commands_entries_are_left_to_it_and_a_dead_ones_taken_over(home: Path) -> None:
    with Outbox() as outbox:
        with Outbox() as other:
            for entry in (PARENT, CHILD):
                other.note(entry)
            assert outbox.orphans() == []
            assert outbox.note(CHILD).owner == other.owner
            assert outbox.take(CHILD) is None
        orphans = outbox.orphans()
        assert [entry.name for entry in orphans] == ["a grid", "relu s0"]  # parents first
        taken = [outbox.take(entry) for entry in orphans]
        assert {(entry.owner, entry.adopted) for entry in taken if entry} == {(outbox.owner, True)}
        assert outbox.orphans() == []
        assert outbox.take(CHILD) is None
        assert outbox.find(replace(CHILD, identity=PARENT.identity)) == taken[0]
        noted = outbox.note(CHILD)  # the command's own from now on
        assert not noted.adopted
        assert taken[1]
        assert not outbox.settle(taken[1], {"end": 1.0})
        assert outbox.settle(noted, {"end": 1.0})


@pytest.mark.parametrize("gone", [False, True])
def test_an_entry_is_handed_over_to_a_command_that_waits_for_it(home: Path, gone: bool) -> None:
    with Outbox() as first, Outbox() as second:
        noted = first.note(PARENT)
        second.note(PARENT)
        ended = first.note(replace(PARENT, status="finished", ended=2.0))
        assert (ended.owner, ended.heir, ended.status) == (first.owner, second.owner, "finished")
        assert not first.settle(noted, {"end": 2.0}, gone)  # noted again since
        assert first.settle(ended, {"end": 2.0}, gone)
        [handed] = second.mine()
        assert (handed.owner, handed.heir, handed.passed_over) == (second.owner, "", 2.0)
        assert second.settle(handed, {"end": 2.0}, gone)
        assert (second.find(PARENT) is None) == gone


def test_an_entry_whose_heir_has_died_is_settled_as_any_other(home: Path) -> None:
    with Outbox() as outbox:
        noted = outbox.note(PARENT)
        with Outbox() as waiting:
            waiting.note(PARENT)
        assert outbox.settle(noted, {"end": 2.0})
        assert [(entry.owner, entry.heir) for entry in outbox.settled()] == [("", "")]
        assert outbox.pending() == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"identity": "x", "nonsense": 1}'])
def test_a_file_that_is_no_entry_is_ignored(home: Path, content: str) -> None:
    with Outbox() as outbox:
        (home / "runs/.records" / RUN.file_name).write_text(content)
        assert outbox.pending() == []
        assert outbox.note(RUN).owner == outbox.owner
        assert len(outbox.pending()) == 1
