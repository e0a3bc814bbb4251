"""What a study or dvc.lock cites is found wherever it stands, and what is found is kept."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from src.runs.listing import rows
from src.upkeep.citations import citations
from tests.helpers.refusals import refusal

ONE, OTHER = "1" * 64, "a" * 64


@pytest.fixture
def root(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("src.upkeep.citations", "src.runs.cited"):
        monkeypatch.setattr(f"{module}.ROOT", home)
    return home


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def lock(root: Path, path: str, md5: str, size: int = 3) -> None:
    out = {"path": path, "hash": "md5", "md5": md5, "size": size}
    put(root / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": {"code": {"cmd": "x"}, "some": {"outs": [out]}}}))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("models/studies/ladder/study.json", "study ladder"),
        ("runs/studies/.ladder-0123abcd/results/study.json", "study ladder-0123abcd"),
        ("runs/studies/.exercise-0123abcd/results/width/study.json", "study exercise-0123abcd"),
        ("runs/studies/.replicas-0123abcd/results/replicas.json", "study replicas-0123abcd"),
    ],
)
def test_the_runs_of_a_study_are_cited(root: Path, place: str, name: str) -> None:
    put(root / place, json.dumps({"runs": [{"fingerprint": ONE}], "not": "b" * 63, "nor": "c" * 65}))
    assert citations([]) == {ONE: name}


def test_a_run_of_several_studies_is_listed_with_all_of_them(root: Path, runs: Path) -> None:
    one, *others = [row["id"] for row in rows()]
    for place in ("models/studies/ladder/study.json", "runs/studies/.depth-0123abcd/results/study.json"):
        put(root / place, json.dumps([one, one]))
    found = {row["id"]: row["studies"] for row in rows()}
    assert found == {one: ["depth-0123abcd", "ladder"], **{other: [] for other in others}}
    assert citations([]) == {one: "study depth-0123abcd, ladder"}


def test_what_dvc_lock_holds_is_cited_though_it_is_not_checked_out(root: Path) -> None:
    assert citations([]) == {}
    lock(root, "models/studies/ladder", "12ab.dir")
    assert citations([]) == {}  # not in the cache either
    put(
        root / ".dvc/cache/files/md5/12/ab.dir", json.dumps([{"relpath": f"runs/{OTHER}/result.json", "md5": "0" * 32}])
    )
    assert citations([]) == {OTHER: "study ladder, by dvc.lock"}


def test_the_run_that_made_the_model_in_dvc_lock_is_cited(root: Path) -> None:
    paths = [root / "runs" / name for name in (ONE, OTHER)]
    for path, text in zip(paths, ("one", "two"), strict=True):
        put(path / "model.npz", text)
    lock(root, "models/model.npz", hashlib.md5(b"two").hexdigest())
    assert citations(paths) == {OTHER: "dvc.lock, for models/model.npz"}


@pytest.mark.parametrize("text", ["", "stages: [", "a list", "stages:", "schema: '2.0'"])
def test_a_damaged_dvc_lock_stops_everything(root: Path, text: str) -> None:
    (root / "dvc.lock").write_text(text)
    assert "dvc.lock: damaged" in refusal(citations, [])
