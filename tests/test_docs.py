"""README.md and docs/: what they quote is true of this tree."""

import re
import shlex
from pathlib import Path

import pytest

from docs.make_published import EXCERPT, MARK, PAGE, with_excerpt, with_tables
from src.config.composition import compose
from src.config.needs import refuse_idle
from src.config.tree import read_yaml
from src.reporting.replica_tables import published
from src.studies.replicas.declare import declare
from tests.conftest import ROOT
from tests.helpers.refusals import refusal
from tests.test_imports import ROOMS

README = ROOT / "README.md"
PAGES = [README, *(ROOT / name for name in ("CHANGELOG.md", "SECURITY.md", "benchmarks/README.md"))]
PAGES += sorted((ROOT / "docs").glob("*.md"))
REPLICAS = read_yaml(ROOT / "conf/ablation/replicas.yaml")["ablation"]
TEXTS = {page: page.read_text(encoding="utf-8") for page in PAGES}
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXTS[page]):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_and_files_that_are_named_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in re.findall(r"python -m ((?:src|docs|benchmarks)(?:\.\w+)+)", TEXTS[page]):
        path = ROOT / command.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), command
    for target in re.findall(r"[`$] ?make ([a-z-]+)", TEXTS[page]):
        assert f"\n{target}:" in makefile, target
    for name in re.findall(r"`((?:src|tests|conf|docs|benchmarks|hydra_plugins)/[\w/.-]*)`", TEXTS[page]):
        assert (ROOT / name).exists(), name


OWN = {"cancer", "mine"}  # recipes and experiments that a reader has added


def overrides_in(text: str) -> list[tuple[str, ...]]:
    """The overrides of every training and study that is shown as a command, a grid's first values for all."""
    lines = re.findall(r"^\$ (?:timeout \S+ \S+ \d+ )?python -m src\.(?:train|ablation) (.*)$", text, re.MULTILINE)
    commands = [[word for word in shlex.split(line, comments=True) if not word.startswith("-")] for line in lines]
    return [
        tuple(word if "=[" in word else re.sub(r"range\(\d+\)", "0", word).partition(",")[0] for word in words)
        for words in commands
        if words and "model.act=rleu" not in words and not OWN & {word.partition("=")[2] for word in words}
    ]


@pytest.mark.parametrize("overrides", sorted({each for text in TEXTS.values() for each in overrides_in(text)}), ids=str)
def test_commands_that_are_shown_are_allowed(overrides: tuple[str, ...]) -> None:
    refuse_idle(overrides, [compose(overrides)])


def test_the_readme_is_short_and_quotes_the_study_and_the_refusal_as_they_are() -> None:
    text = TEXTS[README]
    assert len(text.splitlines()) <= 200
    [quoted] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert quoted in (ROOT / "conf/ablation/ladder.yaml").read_text()
    assert re.findall(r"^error: (model\.act=rleu.*)$", text, re.MULTILINE) == [refusal(compose, ["model.act=rleu"])]


def test_conf_says_how_to_list_the_allowed_names() -> None:
    texts = [file.read_text() for file in (ROOT / "conf").rglob("*.yaml")]
    shown = {override for text in texts for override in re.findall(r"'([\w.]+=\[?\?\]?)'", text)}
    assert len(shown) >= 5
    for override in shown:
        assert re.search(r"unknown; allowed: \w+, \w+", refusal(compose, [override]))


def test_the_architecture_lists_the_rooms_in_their_order() -> None:
    rooms = TEXTS[ROOT / "docs/architecture.md"].partition("## The rooms")[2].partition("Where to add")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", rooms, re.MULTILINE)) == ROOMS


def tables(page: str) -> list[list[list[str]]]:
    """The cells of each table of the page of published experiments, without its header and ruler."""
    parts = page.partition(MARK)[2].split("### ")[1:]
    rows = [[line for line in part.splitlines() if line.startswith("| ")][2:] for part in parts]
    return [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in part] for part in rows]


def test_the_tables_of_published_experiments_are_those_that_are_declared() -> None:
    declared = {each.name: each for each in declare("replicas", REPLICAS).experiments}
    same, *ours, printed = tables(TEXTS[PAGE])
    shown = [row[0].strip("`") for row in same]
    assert shown == [name for name in declared if name in shown]
    groups = [(name, group) for name in shown for group in declared[name].groups]
    for row, (name, group) in zip(printed, groups, strict=True):
        assert row[:2] == [f"`{name}`", group.words]
        numbers = [published(claim) for line in group.claims for claim in line]
        assert row[2] == (numbers[0] if len(numbers) == 1 else f"{len(group.claims)} rows")
    for row in (row for part in ours for row in part if row[1] != "-"):
        assert row[1] in [lesson.says for lesson in declared[row[0].strip("`")].lessons]


def test_the_readme_has_ten_lines_of_the_first_table() -> None:
    same, *_ = tables(TEXTS[PAGE])
    verdicts = {row[0].strip("`"): row[6] for row in same}
    shown = re.findall(r"^\| `(\w+)` \|.*\| ([\w ]+) \|$", TEXTS[README], re.MULTILINE)
    assert shown == [(name, verdicts[name]) for name in EXCERPT if name in verdicts]
    assert len(EXCERPT) == 10


def test_new_tables_take_the_place_of_the_old_ones() -> None:
    for page in (PAGE, README):
        table = TEXTS[PAGE].partition(MARK)[2].lstrip("\n")
        plain = re.sub(r"^!\[.*\n\n?", "", table, flags=re.MULTILINE)
        pictures = re.findall(r"\(pictures/(seeds_\w+\.png)\)", table)
        new = with_excerpt(TEXTS[page], plain) if page == README else with_tables(TEXTS[page], plain, pictures)
        assert new == TEXTS[page]
