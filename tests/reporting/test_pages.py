"""What holds for the report of every study, of either kind."""

import itertools
import re
from pathlib import Path

import pytest

from src.reporting import report_folder
from src.studies.comparisons.results import Results
from tests.figures.drawings import check_sheet
from tests.reporting.markup import Markup
from tests.reporting.reports import ATTACK, everything, hostile_comparison, hostile_table, written, written_table
from tests.reporting.studies import STUDIES, dataset, summary_of

pytestmark = pytest.mark.filterwarnings("error")

TABLE = "published experiments"
TABLES = {TABLE: everything, "hostile table": hostile_table}


def write(name: str, folder: Path) -> Markup:
    """Writes the report of this name into a folder, and returns its page."""
    if name == "hostile comparison":
        return written(folder, hostile_comparison(), dataset(names=[ATTACK[:12]] * 10))
    if name in TABLES:
        return written_table(folder, TABLES[name]())
    return written(folder, STUDIES[name])


def assert_needs_nothing_else(page: Markup, html: str) -> None:
    assert "script" not in [tag for tag, _ in page.tags]
    for target in page.values("src", "href", "action", "srcset", "poster", "data", "xlink:href"):
        assert target.startswith(("#", "data:")), target
    styles = " ".join(text for tag, text in page.texts if tag == "style")
    for text in (styles, *page.values("style")):
        assert "http:" not in text
        assert "https:" not in text
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def assert_is_whole(page: Markup) -> None:
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    for used in page.values("href", "clip-path", "aria-labelledby"):
        if not used.startswith("data:"):
            assert re.sub(r"^url\(|[#)]", "", used) in ids
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    # What is too wide scrolls in its own box, also by keyboard, and not the whole page.
    boxes = [attributes for _, attributes in page.tags if "scroll" in attributes.get("class", "").split()]
    assert boxes
    assert all(attributes["tabindex"] == "0" for attributes in boxes)


def assert_has_every_sentence_variant_and_run(page: Markup, results: Results) -> None:
    words, summary = page.words(), summary_of(results)
    for text in (results.title, *summary.verdict, *summary.notes, *(variant.name for variant in results.variants)):
        assert " ".join(text.split()) in words
    for run in results.runs:
        assert run.status == "finished" or f"seed {run.seed}: {' '.join(run.reason.split())}" in words
        assert run.fingerprint in page.values("title")
        assert run.command in words


@pytest.mark.parametrize("name", [*STUDIES, TABLE])
def test_a_page_is_whole_and_needs_nothing_else(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.figures.canvas.save", check_sheet)
    page = write(name, tmp_path / "report")
    html = (tmp_path / "report" / "index.html").read_text()
    assert_needs_nothing_else(page, html)
    assert "http:" not in html
    assert "https:" not in html
    assert_is_whole(page)
    assert not re.search(r"\b(nan|None|inf|Undefined)\b", re.sub(r"\bNone (of|finished)\b", "", page.words()))
    if name in STUDIES:
        assert_has_every_sentence_variant_and_run(page, STUDIES[name])


@pytest.mark.parametrize(("name", "attacks"), [("hostile comparison", 20), ("hostile table", 5)])
def test_nothing_of_the_user_breaks_out(
    name: str, attacks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write(name, tmp_path / "report")
    assert_needs_nothing_else(page, "")
    assert_is_whole(page)
    assert not page.values("onerror")
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    words = page.words()
    assert words.count("{{ 7*7 }}") > attacks
    assert "49" not in re.sub(r"\d*\.\d+|[0-9a-f]{12,}", "", words).split()
    if name == "hostile comparison":  # whose facts about the machine are in words
        assert "openblas 0.3" in words
        assert "None" not in words


@pytest.mark.parametrize("name", ["two variants", TABLE])
@pytest.mark.parametrize(
    ("code", "said"),
    [("same", "trained by the numeric code of this checkout"), ("another", "trained by other numeric code")],
)
def test_a_page_says_which_code_it_was(
    name: str, code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = STUDIES["two variants"].digests["code"] if name != TABLE else everything().code
    monkeypatch.setattr("src.reporting.report_folder.code_digest", lambda: of if code == "same" else "another")
    words = write(name, tmp_path / "report").words()
    assert said in words


@pytest.mark.parametrize("name", ["a ladder", "sixteen variants", "failures", TABLE])
def test_equal_input_gives_equal_bytes(name: str, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        write(name, tmp_path / folder)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name
        assert path.suffix != ".png" or path.stat().st_size < 300_000, path.name


# --- the folder ------------------------------------------------------------------------------------------------------


def put(target: Path, basis: str, page: str = "a page") -> bool:
    return report_folder.write(target, {"basis": basis}, basis, {"more.txt": basis}, lambda folder: page)


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}


def test_a_current_report_is_left_alone_and_another_one_replaces_the_whole_folder_unless_it_fails(
    tmp_path: Path,
) -> None:
    target = tmp_path / "reports" / "mine"
    target.mkdir(parents=True)
    (target / "of another study.png").touch()
    assert put(target, "one")
    assert {path.name for path in target.iterdir()} == {"index.html", "summary.json", "more.txt"}
    before = contents(target)
    assert put(target, "one", "another page") is False
    assert contents(target) == before
    assert put(target, "two")
    assert (target / "more.txt").read_text() == "two"
    for name in ("index.html", "summary.json", "more.txt"):
        (target / name).unlink()
        assert put(target, "two"), name
    before = contents(target)

    def broken(_: Path) -> str:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        report_folder.write(target, {}, "three", {}, broken)
    assert contents(target) == before
    assert [path.name for path in target.parent.iterdir()] == ["mine"]
