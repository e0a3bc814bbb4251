"""README.md and docs/: what they quote is true of this tree."""

import re
import shlex
from pathlib import Path

import pytest

from docs.make_published import PAGE, with_table
from src.config.composition import compose
from src.config.tree import read_yaml
from src.reporting.replica_tables import published
from src.studies.replicas.declare import declare
from tests.conftest import ROOT
from tests.helpers.refusals import refusal
from tests.test_imports import ROOMS

README = ROOT / "README.md"
PAGES = [README, *(ROOT / name for name in ("CHANGELOG.md", "SECURITY.md", "benchmarks/README.md"))]
PAGES += sorted((ROOT / "docs").glob("*.md"))
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
        assert (ROOT / f"{command.replace('.', '/')}.py").is_file(), command
    for target in re.findall(r"[`$] ?make ([a-z-]+)", TEXTS[page]):
        assert f"\n{target}:" in makefile, target
    for name in re.findall(r"`((?:src|tests|conf|docs|benchmarks|hydra_plugins)/[\w/.-]*)`", TEXTS[page]):
        assert (ROOT / name).exists(), name


def overrides_in(text: str) -> list[tuple[str, ...]]:
    """The overrides of every training and study that is shown as a command, a grid's first values for all."""
    lines = re.findall(r"^\$ (?:timeout \S+ \S+ \d+ )?python -m src\.(?:train|ablation) (.*)$", text, re.MULTILINE)
    commands = [[word for word in shlex.split(line, comments=True) if not word.startswith("-")] for line in lines]
    return [
        tuple(word if "=[" in word else re.sub(r"range\(\d+\)", "0", word).partition(",")[0] for word in words)
        for words in commands
        if words and "model.act=rleu" not in words
    ]


@pytest.mark.parametrize("overrides", sorted({each for text in TEXTS.values() for each in overrides_in(text)}), ids=str)
def test_commands_that_are_shown_are_allowed(overrides: tuple[str, ...]) -> None:
    compose(overrides)


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


def test_the_table_of_published_experiments_has_every_claim() -> None:
    declared = declare("replicas", read_yaml(ROOT / "conf/ablation/replicas.yaml")["ablation"])
    expected = []
    for experiment in declared.experiments:
        claims = [(claim.words, published(claim), claim.note) for claim in experiment.claims]
        if (rows := experiment.rows).values:
            claims.append((rows.words, f"{len(rows.values)} rows", rows.note))
        expected += [(f"`{experiment.name}`", *each) for each in claims or [("none published", "-", "")]]
    lines = [line for line in TEXTS[PAGE].splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert [(*row[:3], row[-1][: len(note)]) for row, (*_, note) in zip(cells, expected, strict=True)] == expected


def test_a_new_table_takes_the_place_of_the_old_one() -> None:
    table = "".join(line + "\n" for line in TEXTS[PAGE].splitlines() if line.startswith("| "))
    assert with_table(TEXTS[PAGE], table) == TEXTS[PAGE]
    assert with_table("# Page\n\n| a |\n| --- |\n", "| b |\n") == "# Page\n\n| b |\n"
