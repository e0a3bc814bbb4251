"""The report of a comparison: its sentences, tables, figures and files."""

import base64
import csv
import io
import json
import re
from pathlib import Path

import pytest

from src.foundation.files import json_text
from src.reporting.comparison_report import as_json, runs_csv
from src.reporting.times_page import write_times
from tests.reporting.markup import Markup
from tests.reporting.reports import written
from tests.reporting.studies import STUDIES, dataset, make_results, summary_of

pytestmark = pytest.mark.filterwarnings("error")

FIGURES = ["forest", "curves", "sheet", "seeds", "classes", "disagreements"]


def test_sections_come_in_their_order_with_pictures_in_words_that_are_files_too(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    page = written(folder, STUDIES["a ladder"])
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == ["results", *FIGURES, "method", "ledger"]
    pictures = [attributes for tag, attributes in page.tags if tag in ("svg", "img")]
    assert len(pictures) == len(FIGURES)
    for picture in pictures:
        assert len(picture.get("aria-label") or picture["alt"]) > 50
    (source,) = page.values("src")  # the only figure of pixels is the file beside the page
    assert base64.b64decode(source.split(",")[1]) == (folder / "disagreements.png").read_bytes()
    names = {path.name for path in folder.iterdir()}
    assert names == {"index.html", "summary.json", "runs.csv", *(f"{name}.png" for name in FIGURES)}
    assert all((folder / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in FIGURES)
    assert json.loads((folder / "summary.json").read_text())["study"] == "made_up"


def test_numbers_are_spelt_for_people(tmp_path: Path) -> None:
    study = make_results({"a": [0.9, 0.905, 0.9], "b": [0.9123, 0.9171, 0.9126]}, cumulative=False)
    words = written(tmp_path / "report", study).words()
    assert "91.40" in words  # the mean of b
    assert "+1.23" in words  # and its gain
    assert re.search(r"p (= 0\.\d{4}|< 0\.0001)", words)
    by_loss = make_results({"a": [0.9, 0.9, 0.9], "b": [0.95, 0.95, 0.95]}, choose_by="valid/loss")
    words = written(tmp_path / "by loss", by_loss).words()
    assert "Validation loss" in words
    assert "0.15" in words.split()


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    apart = written(tmp_path / "apart", STUDIES["no seed in common"]).words()
    assert "a seed with runs of both variants, is missing" in apart
    tabular = written(tmp_path / "tabular", STUDIES["a ladder"], dataset(image=None)).words()
    assert "The examples are not images" in tabular
    assert "McNemar" in tabular
    best = written(tmp_path / "best", make_results({"a": [0.9] * 3, "b": [0.8] * 3})).words()
    assert "The baseline is the chosen variant itself" in best
    nothing = written(tmp_path / "nothing", make_results({"a": ["killed"], "b": ["killed"]})).words()
    assert "No run of the study finished" in nothing


def test_summary_json_names_what_it_tells() -> None:
    gains = [0.91, 0.93, 0.95, 0.946]
    ladder = {f"step{i}": [gain, gain + 0.002, gain - 0.001] for i, gain in enumerate(gains)}
    results = make_results(ladder, cumulative=True)
    tree = json.loads(json_text(as_json(summary_of(results), results)))
    assert tree["study"] == "made_up"
    assert tree["seeds"] == [0, 1, 2]
    assert tree["digests"].keys() == {"data", "code", "env"}
    step = tree["variants"][3]
    assert step["changes"] == ["model.dropout=0.3"]
    assert step["reported"]["mean"] == pytest.approx(sum(ladder["step3"]) / 3)
    assert step["step"]["against"] == "step2"
    assert step["step"]["verdict"] == "worse"
    assert step["step"]["effect"]["differences"] == pytest.approx([-0.004] * 3)
    assert tree["single_models"]["mcnemar"].keys() == {"only_first", "only_second", "p"}


def test_runs_csv_is_read_back_whole() -> None:
    odd = 'ValueError: "a", b\nand more'
    results = make_results({"mse, plain": [0.9, odd], 'the "best"': [0.95, 0.96]})
    text = runs_csv(results)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.endswith("\n")
    assert "\r" not in text
    cells = [(variant, seed) for variant in ("mse, plain", 'the "best"') for seed in ("0", "1")]
    assert [(row["variant"], row["seed"]) for row in rows] == cells
    failed = rows[1]
    assert (failed["status"], failed["reason"]) == ("failed", odd)
    assert not any(failed[key] for key in ("epochs", "test_loss", "weights_sha256"))
    last, result = rows[3], results.run('the "best"', 1).result
    assert result
    for of in ("train", "valid", "test"):
        for quantity in ("loss", "accuracy"):
            assert float(last[f"{of}_{quantity}"]) == result[of][quantity]
    assert (last["kept_epoch"], last["weights_sha256"]) == ("5", result["weights_sha256"])


def test_times_are_on_a_page_of_their_own_beside_the_report_and_only_where_runs_are(tmp_path: Path) -> None:
    study, target = STUDIES["failures"], tmp_path / "study"
    written(target, study)
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    write_times(study, summary_of(study), {}, target)
    assert [file.name for file in tmp_path.iterdir()] == ["study"]
    seconds = {study.run("a", seed).fingerprint: took for seed, took in ((0, 10.25), (1, 20.75))}
    write_times(study, summary_of(study), seconds | {study.run("b", 1).fingerprint: 3.0, "another": 99.0}, target)
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    file = tmp_path / "study-times.html"
    page, made = Markup(file.read_text()), file.stat()
    write_times(study, summary_of(study), seconds | {study.run("b", 1).fingerprint: 3.0, "another": 99.0}, target)
    assert file.stat() == made  # it is left alone where nothing has changed
    words = page.words()
    assert {"15.5", "10.2", "20.8"} <= {word.removesuffix("s") for word in words.split()}
    assert "2 of 20 runs are here" in words  # not one that failed
    assert "-times.html" in Markup((target / "index.html").read_text()).words()
