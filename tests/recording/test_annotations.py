"""Tags and notes of run folders are mirrored, as they are added, changed and removed."""

import json
from pathlib import Path

from src.data.dataset import Dataset
from src.recording.outbox import Outbox
from src.recording.outbox_mirror import sync
from src.recording.recording import record_again
from src.runs.annotations import annotate
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.commands import run_main
from tests.helpers.composing import Small
from tests.helpers.stores import client_of, entry_of, stored
from tests.recording.conftest import InThread


def test_what_people_note_is_mirrored_and_so_is_what_they_remove(
    home: Path, digits: Dataset, small: Small, in_thread: list[InThread]
) -> None:
    folder = run(small(), digits, Tracker()).folder
    record_again(folder.path.name)  # nothing is recorded: no store is asked
    assert not in_thread
    annotate(folder.path, ["draft", "paper:icml"], note="good")
    with Outbox() as dead:
        dead.note(entry_of(folder))
        dead.note(entry_of(folder, identity="another", study="s", parent=None, variant="v"))
    assert sync().failures == []

    def tags() -> list[dict[str, str | None]]:
        names = ("draft", "paper", "new", "note", "study")
        return sorted(
            ({name: run.data.tags.get(name) for name in names} for run in stored(home)),
            key=lambda tags: json.dumps(tags),
        )

    first = {"draft": "true", "paper": "icml", "new": None, "note": "good"}
    assert tags() == [first | {"study": "none"}, first | {"study": "s"}]
    annotate(folder.path, ["new:1", "paper:nips"], removed=["draft"], note="")
    assert {entry.run_id for entry in Outbox().settled()} == {run.info.run_id for run in stored(home)}
    client_of(home).set_tag(stored(home)[0].info.run_id, "by-hand", "x")
    record_again(folder.path.name)
    second = {"draft": None, "paper": "nips", "new": "1", "note": None}
    assert tags() == [second | {"study": "none"}, second | {"study": "s"}]
    assert any("by-hand" in run.data.tags for run in stored(home))  # what people set there stays
    assert not Outbox().pending()
    [_] = in_thread
    record_again(folder.path.name)  # is up to date: starts no writer
    [_] = in_thread
    annotate(folder.path, ["late"])  # by a command that was killed before it recorded this
    assert run_main("runs", "tag", folder.path.name, "late").returncode == 0
    assert all(run.data.tags["late"] == "true" for run in stored(home))
