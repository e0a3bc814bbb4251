"""The report of published experiments: its page, and its table in other forms."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from src.analysis.replica_verdict import rows_of
from src.foundation.files import json_text
from src.reporting.replica_report import as_json, metrics, report
from src.reporting.replica_tables import as_csv, cells, console, markdown, sentence
from tests.reporting.reports import ACCURACIES, everything, hostile_table, written_table
from tests.studies.replicas.synthetic import claim, experiment, table


def test_every_claim_and_run_is_on_the_page_with_all_that_there_is_to_it(tmp_path: Path) -> None:
    of = everything()
    page = written_table(tmp_path / "report", of)
    words = page.words()
    for row in rows_of(of):
        told = cells(row)
        shown = [told.experiment, told.quantity, told.published, told.ours, told.bounds, told.difference, told.verdict]
        for cell in (*shown, *row.remarks):
            assert cell == "-" or cell in words, cell
    for replica in of.replicas:
        assert replica.command in words
        assert replica.experiment.note in words
        for run in replica.runs:
            assert run.command in words
            assert f"#run-{replica.experiment.name}-{run.seed}" in page.values("href")
            assert run.fingerprint in page.values("title")
    for text in of.declaration.texts.values():
        assert text.title in words
        assert text.note in words
    assert "94.33 %" in words  # the re-run
    assert sentence(rows_of(of)) in words
    assert of.command in words
    without = written_table(tmp_path / "without", table(experiment("one"), texts=of.declaration.texts, only=("one",)))
    assert "The first text" in without.words()
    assert "The second" not in without.words()  # as nothing of it was asked for
    # The printed table is there in full, and what is not the same is marked.
    assert "1 of 2 the same" in words
    for number in ("0.0206", "88.84 %", "0.0163", "90.74 %", "0.0164", "90.00 %"):
        assert number in words
    marked = [attributes for tag, attributes in page.tags if tag == "td" and "failure" in attributes.get("class", "")]
    assert len(marked) == 2


def test_every_verdict_comes_up_and_is_counted_and_the_table_has_every_row_in_other_forms_too() -> None:
    of = everything()
    rows = rows_of(of)
    told = sentence(rows)
    assert told == (
        "Of 11 published results, 1 came out exactly, 2 within our interval, 1 as the words say, 1 better, "
        "1 different, 3 worse, 1 without a verdict, 1 without a result."
    )
    assert {row.verdict for row in rows} - {""} == {
        *("exact", "within interval", "holds", "better", "differs", "worse", "no verdict", "no result"),
    }
    assert sum(map(int, re.findall(r"\d+", told)[1:])) == 11
    # As text, a line a row; as JSON, with every run.
    assert len(console(rows).splitlines()) == len(markdown(rows).splitlines()) == 2 + len(rows)
    for row, line in zip(rows, console(rows).splitlines()[2:], strict=True):
        assert line.startswith(row.experiment.name)
        assert line.rstrip().endswith(row.verdict or "-")
    tree = json.loads(json_text(as_json(of, rows)))
    assert [row["verdict"] for row in tree["rows"]] == [row.verdict for row in rows]
    assert sum(tree["verdicts"].values()) == 11
    runs = {each.experiment.name: len(each.runs) for each in of.replicas}
    assert {each["name"]: len(each["runs"]) for each in tree["experiments"]} == runs
    assert metrics(rows)["exact"] == 1
    assert all(isinstance(value, float) for value in metrics(rows).values())


def test_no_text_of_the_user_breaks_a_line_of_markdown() -> None:
    lines = markdown(rows_of(hostile_table())).splitlines()
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


def test_the_csv_has_every_published_number_and_all_bits_of_ours() -> None:
    of = everything()
    lines = list(csv.DictReader(io.StringIO(as_csv(of, rows_of(of)))))
    assert len(lines) == 10 + 4
    first = lines[0]
    shown = {"metric": "test/accuracy", "published": "0.9401", "digits": "4", "rerun": "0.9433"}
    assert shown.items() <= first.items()
    assert float(first["mean"]) == pytest.approx(sum(ACCURACIES) / 5, abs=1e-15)
    assert len(first["fingerprints"].split()) == 5
    verdicts = [line["verdict"] for line in lines if line["experiment"] == "exact"]
    assert verdicts == ["exact", "exact", "exact", "worse", "worse"]


def test_a_report_of_the_same_numbers_is_left_as_it_is(tmp_path: Path) -> None:
    made = report(everything(), "mine", tmp_path / "mine")
    assert made.new
    assert made.verdict == (sentence(rows_of(everything())),)
    assert {file.name for file in made.folder.iterdir()} == {"index.html", "summary.json", "table.csv", "table.md"}
    assert not report(everything(), "mine", made.folder).new
    assert report(table(experiment("one")), "mine", made.folder).new
