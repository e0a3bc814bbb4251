"""Tags and notes: they stay with the run whatever happens to it, and are seen in the table at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.dataset import Dataset
from src.runs.annotations import annotate, read_annotations
from src.runs.fingerprint import fingerprint
from src.runs.listing import rows
from src.runs.summary import NOTES
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.sweeps import start
from tests.helpers.commands import run_main
from tests.helpers.composing import Small, composed
from tests.helpers.refusals import assert_rejected, refusal

WORDS = st.sampled_from(["draft", "paper:icml", "paper:", "ünï-1", "a:b:c", "x: y"])
KEYS = st.sampled_from(["draft", "paper", "ünï-1", "a", "nothing"])
STEPS = st.lists(st.tuples(st.lists(WORDS), st.lists(KEYS), st.sampled_from([None, "", "a note"])), max_size=4)


@given(STEPS)
def test_annotations_are_the_sum_of_what_was_noted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[list[str], list[str], str | None]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    tags, note = dict[str, str](), None
    had = set[str]()
    for added, removed, text in steps:
        keys = {word.partition(":")[0] for word in added}
        if not keys.isdisjoint(removed) or not had.issuperset(removed):
            assert ": not a tag of this run" in (said := refusal(annotate, folder, added, removed, text)) or (
                ": to be added and to be removed" in said
            )
            continue
        had |= keys
        now = annotate(folder, added, removed, text)
        assert read_annotations(folder) == now
        tags = {key: value for key, value in tags.items() if key not in removed}
        tags |= {word.partition(":")[0]: word.partition(":")[2] for word in added}
        note = note if text is None else text or None
        assert {key: value for key, value in now.tags.items() if value is not None} == tags
        assert now.note == note


def test_two_commands_that_note_at_once_lose_nothing(home: Path, runs: Path) -> None:
    folder = next(path for path in runs.iterdir() if path.is_dir())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: annotate(folder, [f"tag-{number}"]), range(24)))
    assert sorted(read_annotations(folder).tags) == sorted(f"tag-{number}" for number in range(24))


def test_notes_are_in_no_summary(runs: Path) -> None:
    folder = next(path for path in runs.iterdir() if path.is_dir())
    annotate(folder, ["draft"], note="good")
    before = (folder / "summary.json").stat().st_mtime_ns
    [row] = [row for row in rows() if row["id"] == folder.name]
    assert (row["tags"], row["note"]) == (["draft"], "good")
    (folder / NOTES).unlink()
    [row] = [row for row in rows() if row["id"] == folder.name]
    assert (row["tags"], row["note"]) == ([], None)
    assert (folder / "summary.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "tag", ["", ":", ":x", "a b", "a.b", "mlflow.note.content", "fingerprint", "x:\n", "a" * 251, "a/b"]
)
def test_a_tag_that_mlflow_or_we_could_misread_is_refused(tag: str, tmp_path: Path) -> None:
    assert "tag" in refusal(annotate, tmp_path, [tag])
    assert "tag" in refusal(composed, f"tracking.tags=['{tag}']".replace("\n", "\t"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tags": [], "note": ""}', '{"tags": {"a": 1}, "note": null}'])
def test_damaged_annotations_are_named_and_the_run_is_listed(text: str, runs: Path) -> None:
    folder = next(path for path in runs.iterdir() if path.is_dir())
    (folder / NOTES).write_text(text)
    assert NOTES in refusal(annotate, folder, ["draft"])
    (folder / "run.json").write_text('{"digests": []}')
    assert len(rows()) == 3
    for summary in runs.glob("*/summary.json"):
        summary.unlink()
    assert len(rows()) == 3


def test_notes_stay_when_the_run_is_trained_again_and_are_in_the_table(
    home: Path, digits: Dataset, small: Small
) -> None:
    folder = run(small(), digits, Tracker()).folder
    assert [(row["tags"], row["note"]) for row in rows()] == [([], None)]
    annotate(folder.path, ["draft", "paper:icml"], note="good")
    noted = (["draft", "paper:icml"], "good")
    assert [(row["tags"], row["note"]) for row in rows()] == [noted]
    run(small("train.fresh=true"), digits, Tracker())
    assert [(row["tags"], row["note"]) for row in rows()] == [noted]
    folder.mark("failed", "damaged", "damaged")
    run(small(), digits, Tracker())
    assert [(row["tags"], row["note"]) for row in rows()] == [noted]


def test_a_configuration_notes_what_it_says_and_identifies_the_same_run(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "prepare", lambda recipe: digits)
    plain, noted = small(), small("tracking.tags=[draft,paper:icml]", "tracking.note=good")
    assert fingerprint(plain, digits) == fingerprint(noted, digits)
    for config in (noted, plain, small("tracking.tags=[paper:nips]")):  # the second and third reuse the run
        start.start(config)
    [row] = rows()
    assert (row["tags"], row["note"]) == (["draft", "paper:nips"], "good")


def test_the_commands_change_and_print_them(runs: Path) -> None:
    [name, *_] = [path.name for path in runs.iterdir() if path.is_dir()]

    def printed(*words: Any) -> str:
        done = run_main("runs", *words)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.strip().partition("  ")[2]

    assert printed("tag", name, "draft", "paper:icml") == "tags: draft, paper:icml  note: none"
    assert printed("note", name[:8], "a 'quoted' one") == "tags: draft, paper:icml  note: a 'quoted' one"
    assert printed("tag", name, "new", "--remove", "draft", "paper:icml") == "tags: new  note: a 'quoted' one"
    assert printed("note", name, "without", "quotes") == "tags: new  note: without quotes"
    assert printed("note", name, "") == "tags: new  note: none"
    assert printed("note", name) == printed("tag", name) == "tags: new  note: none"
    assert_rejected(run_main("runs", "tag", name, "study:x"), "the tag study is set by the project itself")
    assert_rejected(run_main("runs", "tag", "0000", "x"), "no run's id begins so")
    assert_rejected(run_main("runs", "tag", name, name[:8], "x"), f"{name[:8]}: the id of a run; give one run")
    assert_rejected(run_main("runs", "tag", name, "--remove", "nwe"), "nwe: not a tag of this run; its tags: new")
    assert_rejected(run_main("runs", "tag", name, "x", "--remove", "x"), "x: to be added and to be removed")
    assert_rejected(run_main("runs", "tag", name, ""), "error: an empty text: no tag; allowed: ")
    assert_rejected(run_main("runs", "tag"), "error: the following arguments are required: RUN; ")
    assert_rejected(run_main("runs", "note"), "error: the following arguments are required: RUN; ")
    assert printed("tag", name, "--remove", "draft") == "tags: new  note: none"  # again: MLflow may still have it
