"""The report of published experiments: its page, and its table in other forms."""

import csv
import io
import json
import re
from pathlib import Path

from src.analysis.lesson_verdict import VERDICTS as OF_LESSONS
from src.analysis.lesson_verdict import lessons_of
from src.analysis.replica_verdict import VERDICTS, rows_of
from src.foundation.files import json_text
from src.reporting.replica_report import as_json, metrics, report
from src.reporting.replica_tables import (
    as_csv,
    cells,
    console,
    lesson_cells,
    lesson_sentence,
    lessons_csv,
    markdown,
    published,
    sentence,
)
from tests.reporting.reports import ACCURACIES, everything, hostile_table, written_table
from tests.studies.replicas.synthetic import claim, experiment, table


def test_every_experiment_claim_lesson_and_run_is_on_the_page(tmp_path: Path) -> None:
    of = everything()
    page = written_table(tmp_path / "report", of)
    words = page.words()
    rows, lessons = rows_of(of), lessons_of(of)
    for shown in (*(cells(row) for row in rows), *(lesson_cells(row) for row in lessons)):
        for cell in shown:
            assert cell in ("-", "") or cell in words, cell
    for row in rows:
        for compared in row.results:
            assert compared.claim.words in words
            assert published(compared.claim) in words
    for replica in of.replicas:
        assert replica.experiment.note in words
        for run in replica.every_run:
            assert run.command in words
            assert run.fingerprint in page.values("title")
    for text in of.declaration.texts.values():
        assert text.title in words
        assert text.note in words
    assert "94.33 %" in words  # the re-run
    assert sentence(rows) in words
    assert lesson_sentence(lessons) in words
    assert of.command in words
    texts = of.declaration.texts
    without = written_table(tmp_path / "without", table(experiment("one"), texts=texts, only=("one",)))
    assert "The first text" in without.words()
    assert "The second" not in without.words()  # as nothing of it was asked for
    # What is not the same is marked.
    marked = [attributes for tag, attributes in page.tags if tag == "td" and "failure" in attributes.get("class", "")]
    assert len(marked) == sum(each.verdict in ("close", "differs") for row in rows for each in row.results)


def test_every_verdict_comes_up_and_is_counted_and_the_table_has_every_row_in_other_forms_too() -> None:
    of = everything()
    rows, lessons = rows_of(of), lessons_of(of)
    assert {each.verdict for row in rows for each in row.results} == {*VERDICTS}
    assert {row.verdict for row in lessons} - {""} == {*OF_LESSONS}
    assert sentence(rows) == (
        "With the same draws, of 7 published experiments 1 came out exactly, 1 the same when rounded, 1 as the words "
        "say, 1 close, 2 not comparable, 1 without a result; 10 of 19 numbers are the same."
    )
    assert lesson_sentence(lessons) == ("In our own runs, 1 of 5 lessons hold; undecided: 1; fails: 1; no verdict: 2.")
    # As text, a line a row; as JSON, with every run.
    first, second = console(rows, lessons).split("\n\n")
    for listed, text, name in ((rows, first, cells), (lessons, second, lesson_cells)):
        for row, line in zip(listed, text.splitlines()[2:], strict=True):
            assert line.startswith(row.experiment.name)
            assert line.rstrip().endswith(name(row).verdict)
    tree = json.loads(json_text(as_json(of, rows, lessons)))
    assert [row["verdict"] for row in tree["same_draws"]] == [row.verdict for row in rows]
    assert [row["verdict"] for row in tree["ours"]] == [row.verdict for row in lessons]
    assert sum(tree["verdicts"].values()) == 7
    runs = {each.experiment.name: len(each.runs) for each in of.replicas}
    assert {each["name"]: len(each["runs"]) for each in tree["experiments"]} == runs
    assert metrics(rows, lessons)["exact"] == 1
    assert all(isinstance(value, float) for value in metrics(rows, lessons).values())


def test_no_text_of_the_user_breaks_a_line_of_markdown() -> None:
    of = hostile_table()
    tables = [part.splitlines() for part in markdown(rows_of(of), lessons_of(of)).split("### ")[1:]]
    assert [len([line for line in lines if line.startswith("|")]) for lines in tables] == [3, 3, 5]
    for lines, columns in zip(tables, (8, 7, 6), strict=True):
        shown = [line for line in lines if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in shown} == {columns + 1}
        assert not any("<" in line for line in shown)


def test_numbers_are_spelt_for_people() -> None:
    of = table(
        experiment(
            "one",
            claim(0.9439, 4),
            claim(0.77, 2),
            claim(0.3, 1, metric="valid/loss"),
            claim(0.503, 3, metric="test/f1"),
            claim(0.5027661968102707, 15, metric="test/precision"),
            same={
                "test/accuracy": 0.9397,
                "valid/loss": 0.2707,
                "test/f1": 0.49,
                "test/precision": 0.5027661968102709,
            },
            ours={"test/accuracy": ACCURACIES},
        )
    )
    [row], [ours] = rows_of(of), lessons_of(of)
    assert cells(row)[2:6] == ("94.39 %", "93.97 %", "−0.42", "2 of 5 numbers")
    assert lesson_cells(ours)[2:5] == ("test accuracy", "93.97 % [93.85, 94.09]", "-")
    lines = [line for line in markdown([row], []).splitlines() if line.startswith("| `one`")][1:]
    assert [line.split(" | ")[2:5] for line in lines] == [
        ["94.39 %", "93.97 %", "−0.42"],
        ["77 %", "93.97 %", "+17.00"],
        ["0.3", "0.2707", "0"],
        ["0.503", "0.4900", "−0.013"],
        ["0.502766196810271", "0.502766196810271", "0"],
    ]


def test_the_csv_has_every_published_number_and_all_bits_of_ours() -> None:
    of = everything()
    lines = list(csv.DictReader(io.StringIO(as_csv(of, rows_of(of)))))
    assert len(lines) == 19
    shown = {"metric": "test/accuracy", "published": "0.9401", "digits": "4", "rerun": "0.9433", "ours": "0.9391"}
    assert shown.items() <= lines[0].items()
    verdicts = [line["verdict"] for line in lines if line["experiment"] == "rows"]
    assert verdicts == ["exact", "exact", "close", "close", "exact"]
    of_ours = list(csv.DictReader(io.StringIO(lessons_csv(lessons_of(of)))))
    assert [float(line["value"]) for line in of_ours[:5]] == ACCURACIES


def test_a_report_of_the_same_numbers_is_left_as_it_is(tmp_path: Path) -> None:
    of = everything()
    made = report(of, "mine", tmp_path / "mine")
    assert made.new
    assert made.verdict == (sentence(rows_of(of)), lesson_sentence(lessons_of(of)))
    files = {"index.html", "summary.json", "table.csv", "lessons.csv", "table.md", "seeds_a.png", "seeds_b.png"}
    assert {file.name for file in made.folder.iterdir()} == files
    assert not report(everything(), "mine", made.folder).new
    assert report(table(experiment("one")), "mine", made.folder).new
