"""The page of published experiments, and its table in other forms: all is there, and nothing breaks out."""

import csv
import io
import itertools
import json
import re
from pathlib import Path

import pytest

from src.analysis.published_verdict import rows_of
from src.reporting.published import as_json, make_published_report, metrics
from src.reporting.published_page import render
from src.reporting.published_tables import as_csv, cells, console, markdown, sentence
from src.studies.replicas.claims import Rows
from src.studies.replicas.collect import Table
from src.studies.replicas.declare import Text
from tests.reporting.markup import Markup
from tests.reporting.studies import HOSTILE
from tests.studies.replicas.synthetic import claim, experiment, table, words

LINEAGE = {"git.commit": "0123456789abcdef0123456789abcdef01234567", "git.dirty": "false", "code": "same"}
FILES = ("index.html", "summary.json", "table.csv", "table.md")
PRINTED = Rows(columns=("train/loss", "valid/accuracy"), digits=(4, 4), values=((0.0206, 0.8884), (0.0163, 0.9074)))
ACCURACIES = [0.9391, 0.9402, 0.9385, 0.9411, 0.9396]


def everything() -> Table:
    """A table in which every verdict comes up, and everything that a claim can have."""
    seen = {"test/accuracy": ACCURACIES, "valid/loss@10": [0.51, 0.52, 0.5, 0.49, None], "test/f1": [0.5] * 5}
    many = experiment(
        "many",
        claim(0.9401, 4, rerun=0.9433),
        claim(0.51, 2, metric="valid/loss", epoch=10, note="its losses are those of the test set"),
        claim(0.7, 1, good="neither"),
        claim(0.8, 2),
        claim(0.999, 3),
        words(),
        words(says="about half", least=0.4, metric="test/f1"),
        values=seen,
        note="Something about it.",
    )
    rows = {
        "train/loss@1": [0.02061],
        "valid/accuracy@1": [0.8884],
        "train/loss@2": [0.0164],
        "valid/accuracy@2": [0.9],
    }
    exact = experiment(
        "exact", claim(0.9439, 4), rows=PRINTED, values={"test/accuracy": [0.94391], **rows}, seeds=[123]
    )
    two = experiment("two", claim(), values={"test/accuracy": [0.95, 0.96]}, runs=2)
    failed = experiment("failed", claim(0.5, 1), failures=dict.fromkeys(range(5), "diverged at epoch 3"))
    nothing = experiment("nothing", text="b", note="The text trains nothing with it.")
    texts = {
        "a": Text(title="The first text", note="a note"),
        "b": Text(title="The second"),
        "c": Text(title="No more"),
    }
    return table(many, exact, two, failed, nothing, texts=texts)


def page(of: Table, lineage: dict[str, str] = LINEAGE) -> Markup:
    return Markup(render(of, rows_of(of), lineage, FILES))


def test_every_claim_is_on_the_page_with_all_that_there_is_to_it() -> None:
    of = everything()
    words_of_it = page(of).words()
    for row in rows_of(of):
        told = cells(row)
        shown = [told.experiment, told.quantity, told.published, told.ours, told.bounds, told.difference, told.verdict]
        for cell in (*shown, *row.remarks):
            assert cell == "-" or cell in words_of_it, cell
    for replica in of.replicas:
        assert replica.command in words_of_it
        assert replica.experiment.note in words_of_it
        for run in replica.runs:
            assert run.command in words_of_it
    for text in of.declaration.texts.values():
        assert text.title in words_of_it
        assert text.note in words_of_it
    assert "94.33 %" in words_of_it  # the re-run
    assert sentence(rows_of(of)) in words_of_it
    assert of.command in words_of_it


def test_every_verdict_comes_up_and_is_counted() -> None:
    rows = rows_of(everything())
    told = sentence(rows)
    assert told == (
        "Of 11 published results, 1 came out exactly, 2 within our interval, 1 as the words say, 1 better, "
        "1 different, 3 worse, 1 without a verdict, 1 without a result."
    )
    assert {row.verdict for row in rows} - {""} == {
        *("exact", "within interval", "holds", "better", "differs", "worse", "no verdict", "no result"),
    }
    assert sum(map(int, re.findall(r"\d+", told)[1:])) == 11


def test_the_page_is_whole_and_needs_nothing_else() -> None:
    of = everything()
    html = render(of, rows_of(of), LINEAGE, FILES)
    whole = Markup(html)
    assert "script" not in [tag for tag, _ in whole.tags]
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html
    ids = whole.values("id")
    assert len(set(ids)) == len(ids)
    for target in whole.values("href", "aria-labelledby"):
        assert target.startswith("data:") or target.removeprefix("#") in ids, target
    assert not re.search(r"\b(nan|None|inf|Undefined)\b", whole.words())
    levels = [int(tag[1]) for tag, _ in whole.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for _, attributes in whole.tags:
        if "scroll" in attributes.get("class", "").split():
            assert attributes["tabindex"] == "0"


def test_every_run_is_linked_to_its_line() -> None:
    of = everything()
    whole = page(of)
    for replica in of.replicas:
        for run in replica.runs:
            assert f"#run-{replica.experiment.name}-{run.seed}" in whole.values("href")
            assert run.fingerprint in whole.values("title")


def test_a_printed_table_stands_in_full_and_marks_what_is_not_the_same() -> None:
    whole = page(everything())
    words_of_it = whole.words()
    assert "1 of 2 the same" in words_of_it
    for number in ("0.0206", "88.84 %", "0.0163", "90.74 %", "0.0164", "90.00 %"):
        assert number in words_of_it
    marked = [attributes for tag, attributes in whole.tags if tag == "td" and "failure" in attributes.get("class", "")]
    assert len(marked) == 2


def test_texts_that_are_not_asked_for_are_left_out() -> None:
    of = table(experiment("one"), texts={"a": Text(title="The first"), "b": Text(title="The second")}, only=("one",))
    assert "The first" in page(of).words()
    assert "The second" not in page(of).words()


def test_nothing_of_the_user_breaks_out() -> None:
    attack = HOSTILE + "</style></title><img src=https://example.org onerror=alert(1)>| `x` *y*"
    hostile = experiment(
        "name",
        claim(note=attack),
        words(says=attack),
        claim(metric=f"units/{attack}"),
        values={"test/accuracy": ACCURACIES, f"units/{attack}": ACCURACIES},
        note=attack,
        failures={1: attack},
    )
    of = table(hostile, texts={"a": Text(title=attack, note=attack)}, title=attack)
    whole = page(of, {"git.commit": attack, "code": attack})
    assert "script" not in [tag for tag, _ in whole.tags]
    assert not whole.values("onerror", "src")
    lines = markdown(rows_of(of)).splitlines()
    assert len(lines) == 2 + 3
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {9}
    assert not any("<" in line for line in lines)


def test_numbers_are_spelt_for_people() -> None:
    of = table(
        experiment(
            "one",
            claim(0.9439, 4),
            claim(0.77, 2),
            claim(0.094, 3),
            claim(0.3, 1, metric="valid/loss"),
            claim(0.503, 3, metric="test/f1"),
            values={"test/accuracy": ACCURACIES, "valid/loss": [0.2707] * 5, "test/f1": [0.49] * 5},
        )
    )
    told = [(each.published, each.ours, each.bounds, each.difference) for each in map(cells, rows_of(of))]
    assert told == [
        ("94.39 %", "93.97 %", "93.67 to 94.27", "−0.42"),
        ("77 %", "93.97 %", "93.67 to 94.27", "+16.97"),
        ("9.4 %", "93.97 %", "93.67 to 94.27", "+84.57"),
        ("0.3", "0.2707", "0.2707 to 0.2707", "−0.0293"),
        ("0.503", "0.4900", "0.4900 to 0.4900", "−0.0130"),
    ]


def test_the_table_as_text_has_a_line_a_row() -> None:
    rows = rows_of(everything())
    assert len(console(rows).splitlines()) == 2 + len(rows)
    assert len(markdown(rows).splitlines()) == 2 + len(rows)
    for row, line in zip(rows, console(rows).splitlines()[2:], strict=True):
        assert line.startswith(row.experiment.name)
        assert line.rstrip().endswith(row.verdict or "-")


def test_the_csv_has_every_published_number_and_all_bits_of_ours() -> None:
    of = everything()
    lines = list(csv.DictReader(io.StringIO(as_csv(of, rows_of(of)))))
    assert len(lines) == 10 + 4
    first = lines[0]
    assert (first["metric"], first["published"], first["digits"], first["rerun"]) == (
        *("test/accuracy", "0.9401", "4", "0.9433"),
    )
    assert float(first["mean"]) == pytest.approx(sum(ACCURACIES) / 5, abs=1e-15)
    assert len(first["fingerprints"].split()) == 5
    verdicts = [line["verdict"] for line in lines if line["experiment"] == "exact"]
    assert verdicts == ["exact", "exact", "exact", "worse", "worse"]


def test_the_summary_is_plain_json_with_every_row_and_run() -> None:
    of = everything()
    rows = rows_of(of)
    told = json.loads(json.dumps(as_json(of, rows), allow_nan=False))
    assert [row["verdict"] for row in told["rows"]] == [row.verdict for row in rows]
    assert sum(told["verdicts"].values()) == 11
    assert {each["name"]: len(each["runs"]) for each in told["experiments"]} == {
        each.experiment.name: len(each.runs) for each in of.replicas
    }
    assert metrics(rows)["exact"] == 1
    assert all(isinstance(value, float) for value in metrics(rows).values())


def test_a_report_of_the_same_numbers_is_left_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / "reports" / "mine"
    rows, new = make_published_report(everything(), target)
    assert new
    assert rows == rows_of(everything())
    assert {file.name for file in target.iterdir()} == set(FILES)
    before = {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in target.iterdir()}
    assert make_published_report(everything(), target)[1] is False
    assert {file.name: (file.stat().st_mtime_ns, file.read_bytes()) for file in target.iterdir()} == before
    other = table(experiment("one", claim(), values={"test/accuracy": ACCURACIES}))
    assert make_published_report(other, target)[1]
    assert "experiment=many" not in (target / "index.html").read_text()
    (target / "table.md").unlink()
    assert make_published_report(other, target)[1]
    assert [file.name for file in target.parent.iterdir()] == ["mine"]
