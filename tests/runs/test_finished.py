"""The reader of a finished run checks each file when it is needed; the reader of a journal, each line."""

import json
from pathlib import Path

import pytest

from src.data.dataset import Dataset
from src.foundation.errors import UserError
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.journal import Journal, append, rewrite
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.helpers.composing import Small

FILES = {
    "run.json": "about",
    "result.json": "result",
    "timing.json": "timing",
    "test.json": "scores",
    "config.yaml": "config",
    "history.csv": "history",
    "model.npz": "model",
    "predictions.npz": "predictions",
    "steps.npz": "steps",
}


@pytest.fixture
def folder(tmp_path: Path, digits: Dataset, small: Small) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    run(small("train.record_steps=true"), digits, Tracker(), folder)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_a_missing_or_damaged_file_is_named_when_it_is_needed(folder: RunFolder, name: str) -> None:
    file = folder.path / name
    whole = file.read_bytes()
    cut = max(whole.rfind(b":", 0, len(whole) // 2), len(whole) // 3)  # in a line: between two, YAML would be whole
    damages: list[bytes | None] = [None, b"", whole[:cut], b"\xff" + whole[1:], b"epoch\n1\n"]
    for damage in damages:
        file.unlink() if damage is None else file.write_bytes(damage)
        finished = FinishedRun(folder.path)  # reads nothing
        named = None if name == "config.yaml" else name.replace(".", r"\.")  # of a configuration, the key
        with pytest.raises(UserError, match=named):
            getattr(finished, FILES[name])


def test_a_journal_is_read_whole_or_as_it_grows(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    assert journal.new() == Journal(file).new() == []
    first, second = append(file, {"epoch": 1}), append(file, {"epoch": 2})
    assert journal.new() == Journal(file).new() == [first, second]
    third = json.dumps({"epoch": 3})
    with file.open("a") as opened:
        opened.write(third[:5])  # torn
    assert journal.new() == []
    with file.open("a") as opened:
        opened.write(f"{third[5:]}\n")
    assert journal.new() == [{"epoch": 3}]
    rewrite(file, [{"epoch": 1}])  # another file
    assert journal.new() == [{"epoch": 1}]
    journal.rewind()
    assert journal.new() == [{"epoch": 1}]


@pytest.mark.parametrize(
    ("epochs", "reason"),
    [
        ([1, 1], "line 2 .*epoch 1 follows 1"),
        ([1, 2, 4], "line 3 .*epoch 4 follows 2: there is a gap"),
        ([0, 5, 7, 10], "line 4 .*epoch 10 follows 7, which was the last"),
        ([1, -1], "line 2 .*its epoch is -1"),
        ([1.5], "line 1 .*its epoch is 1.5"),
    ],
)
def test_epochs_out_of_order_are_refused_at_once_or_one_by_one(tmp_path: Path, epochs: list[int], reason: str) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Journal(file)
    for epoch in epochs[:-1]:
        append(file, {"epoch": epoch})
        assert [record["epoch"] for record in journal.new()] == [epoch]
    append(file, {"epoch": epochs[-1]})
    for look in (journal.new, Journal(file).new):
        with pytest.raises(UserError, match=reason):
            look()
