"""The report of a study: it holds everything, needs nothing but itself, and lets no name break out of it."""

import base64
import dataclasses
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from src.analysis.summary import as_json, runs_csv, summarize
from src.data.dataset import Dataset
from src.reporting.page import write_report
from src.studies.comparisons.results import Results
from tests.reporting.markup import Markup
from tests.reporting.studies import HOSTILE, STUDIES, dataset
from tests.reporting.synthetic import make_results, seconds_of, true_labels

pytestmark = pytest.mark.filterwarnings("error")

LINEAGE = {"git.commit": "0123456789abcdef0123456789abcdef01234567", "git.dirty": "false", "code": "same"}
UNKNOWN: Any = object()


def written(
    folder: Path,
    results: Results,
    of: Dataset | None = UNKNOWN,
    lineage: dict[str, str] = LINEAGE,
    seconds: dict[str, float] = UNKNOWN,
) -> Markup:
    """The page of a study, written to `folder` and parsed."""
    tested_on = dataset() if of is UNKNOWN else of
    known = seconds_of(results) if seconds is UNKNOWN else seconds
    summary = summarize(results, known, None if tested_on is None else true_labels())
    files = {"summary.json": json.dumps(as_json(summary, results)), "runs.csv": runs_csv(results, known)}
    write_report(folder, results, summary, known, tested_on, lineage, files)
    return Markup((folder / "index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", STUDIES)
def test_the_page_of_every_study_is_whole_and_needs_nothing_else(name: str, tmp_path: Path) -> None:
    results = STUDIES[name]
    page = written(tmp_path / "report", results)
    words = page.words()
    summary = summarize(results, seconds_of(results), true_labels())
    for sentence in (results.title, *summary.verdict, *summary.notes):
        assert " ".join(sentence.split()) in words
    for variant in results.variants:
        assert " ".join(variant.name.split()) in words
    for run in results.runs:
        assert run.fingerprint in page.values("title")
        assert run.command in words
    assert not re.search(r"\b(nan|None|inf|Undefined)\b", re.sub(r"\bNone (of|finished)\b", "", words))

    assert "script" not in [tag for tag, _ in page.tags]
    for target in page.values("src", "href", "action", "srcset", "poster", "data", "xlink:href"):
        assert target.startswith(("#", "data:")), target
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    for used in page.values("href", "clip-path", "aria-labelledby"):
        if not used.startswith("data:"):
            assert re.sub(r"^url\(|[#)]", "", used) in ids
    html = (tmp_path / "report" / "index.html").read_text()
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_headings_go_down_step_by_step_and_pictures_have_words(tmp_path: Path) -> None:
    page = written(tmp_path / "report", STUDIES["a ladder"])
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    pictures = [attributes for tag, attributes in page.tags if tag in ("svg", "img")]
    assert len(pictures) == 7
    for picture in pictures:
        assert len(picture.get("aria-label") or picture["alt"]) > 50
    scrolling = [attributes for _, attributes in page.tags if "scroll" in attributes.get("class", "").split()]
    assert all(attributes["tabindex"] == "0" for attributes in scrolling)


def test_sections_come_in_their_order(tmp_path: Path) -> None:
    page = written(tmp_path / "report", STUDIES["a ladder"])
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    figures = ["forest", "curves", "sheet", "seeds", "classes", "disagreements", "cost"]
    assert sections == ["results", *figures, "method", "ledger"]


def test_the_folder_holds_the_figures_and_the_files_and_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "reports" / "ladder"
    target.mkdir(parents=True)
    (target / "of another study.png").touch()
    written(target, STUDIES["a ladder"])
    figures = {"forest", "curves", "sheet", "seeds", "classes", "disagreements", "cost"}
    names = {path.name for path in target.iterdir()}
    assert names == {"index.html", "summary.json", "runs.csv", *(f"{name}.png" for name in figures)}
    assert all((target / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in figures)
    assert json.loads((target / "summary.json").read_text())["study"] == "made_up"
    assert [path.name for path in target.parent.iterdir()] == ["ladder"]


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report"
    written(target, STUDIES["two variants"])
    before = {path.name: path.read_bytes() for path in target.iterdir()}

    def broken(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("src.reporting.page.render", broken)
    with pytest.raises(OSError, match="no space left"):
        written(target, STUDIES["a ladder"])
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert list(tmp_path.iterdir()) == [target]


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        written(tmp_path / name, STUDIES["failures"])
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_nothing_of_the_user_breaks_out(tmp_path: Path) -> None:
    attack = HOSTILE + "</style></title><img src=https://example.org onerror=alert(1)>"
    study = make_results({HOSTILE: [0.9, 0.91, 0.9], "b": [0.95, attack, 0.96]}, name=attack, title=attack)
    variants = tuple(dataclasses.replace(variant, changes=(attack,)) for variant in study.variants)
    runs = tuple(dataclasses.replace(run, command=attack) for run in study.runs)
    hostile = dataclasses.replace(
        study,
        variants=variants,
        runs=runs,
        command=attack,
        recipe=attack,
        environment={attack: attack, "blas": ["openblas 0.3 None"], "simd": [], "flush_to_zero": False, "x": None},
        digests={attack: attack},
    )
    page = written(
        tmp_path / "report", hostile, dataset(names=[attack[:12]] * 10), {"git.commit": attack, "code": attack}
    )
    assert "script" not in [tag for tag, _ in page.tags]
    assert not page.values("onerror")
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    words = page.words()
    assert words.count("{{ 7*7 }}") > 20
    assert "49" not in re.sub(r"\d*\.\d+|[0-9a-f]{12,}", "", words).split()
    assert "openblas 0.3" in words
    assert "None" not in words


def test_numbers_are_spelt_for_people(tmp_path: Path) -> None:
    study = make_results({"a": [0.9, 0.905, 0.9], "b": [0.9123, 0.9171, 0.9126]}, cumulative=False)
    words = written(tmp_path / "report", study).words()
    assert "91.40" in words  # the mean of b
    assert "+1.23" in words  # and its gain
    assert re.search(r"p (= 0\.\d{4}|< 0\.0001)", words)


def test_losses_rank_as_they_are(tmp_path: Path) -> None:
    study = make_results({"a": [0.9, 0.9, 0.9], "b": [0.95, 0.95, 0.95]}, choose_by="valid/loss")
    words = written(tmp_path / "report", study).words()
    assert "Validation loss" in words
    assert "0.15" in words.split()


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    ladder = STUDIES["a ladder"]
    alone = written(tmp_path / "alone", ladder, of=None, lineage={}, seconds={}).words()
    assert "no times of training are known" in alone
    assert "the test set or runs of both variants with one seed are not at hand" in alone
    assert "unknown" in alone
    tabular = written(tmp_path / "tabular", ladder, of=dataset(image=None)).words()
    assert "The examples are not images" in tabular
    assert "McNemar" in tabular
    best = written(tmp_path / "best", make_results({"a": [0.9] * 3, "b": [0.8] * 3})).words()
    assert "The baseline is the chosen variant itself" in best
    nothing = written(tmp_path / "nothing", make_results({"a": ["killed"], "b": ["killed"]})).words()
    assert "No run of the study finished" in nothing


@pytest.mark.parametrize(
    ("lineage", "said"),
    [
        (LINEAGE, "trained by the numeric code of this checkout"),
        ({**LINEAGE, "code": "another"}, "trained by another numeric code"),
        ({**LINEAGE, "git.dirty": "true"}, "with changes that are not committed"),
    ],
)
def test_the_ledger_says_what_code_it_was(lineage: dict[str, str], said: str, tmp_path: Path) -> None:
    words = written(tmp_path / "report", STUDIES["two variants"], lineage=lineage).words()
    assert said in words
    assert LINEAGE["git.commit"] in words


def test_failures_are_told_with_their_reason(tmp_path: Path) -> None:
    words = written(tmp_path / "report", STUDIES["failures"]).words()
    assert "seed 1: diverged at epoch 3" in words
    assert "seed 3: killed" in words


def test_the_gallery_is_the_picture_beside_the_page(tmp_path: Path) -> None:
    page = written(tmp_path / "report", STUDIES["a ladder"])
    (source,) = page.values("src")
    assert base64.b64decode(source.split(",")[1]) == (tmp_path / "report" / "disagreements.png").read_bytes()
