"""The table of runs: every run folder is a row, whatever its state, and a summary says what the folder does."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from src.data.dataset import Dataset
from src.foundation.schema import flatten
from src.reporting.run_table import ordered, run_table
from src.runs import listing
from src.runs.frame import runs_frame
from src.runs.listing import rows
from src.runs.summary import SUMMARY, configuration, summarized
from src.runs.tracker import Tracker
from src.runs.training_run import Outcome, run
from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.composing import Small
from tests.helpers.refusals import assert_rejected


def outcome(home: Path, digits: Dataset, small: Small, *overrides: str) -> Outcome:
    return run(small(*overrides), digits, Tracker())


def test_a_row_has_the_configuration_and_what_the_results_say(home: Path, digits: Dataset, small: Small) -> None:
    config = small("model.act=tanh", "optimizer.lr=0.1", "seed=3")
    folder = run(config, digits, Tracker()).folder
    [row] = rows()
    assert json.loads((folder.path / SUMMARY).read_text()) == summarized(folder.path)
    whole = dict(flatten(config.semantic(complete=True)))
    assert configuration(row) == {key: value for key, value in whole.items() if key != "data.labels"}  # may be 1 000
    assert row["id"] == folder.path.name
    assert (row["status"], row["data"], row["differs"].split()[0]) == ("finished", "digits", "tanh")
    assert "lr=0.1" in row["differs"]
    result, timing = folder.result(), folder.timing()
    assert row["test/accuracy"] == result["test"]["accuracy"]
    assert row["valid/loss"] == result["valid"]["loss"]
    assert row["kept/epoch"] == result["kept_epoch"]
    assert {name: row[name] for name in timing} == timing
    assert all(not isinstance(value, dict) for value in row.values())


def test_a_run_of_an_earlier_version_gets_its_summary_when_it_is_listed(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(listing, "_MANY", 2)
    before = rows()
    assert capsys.readouterr().err == ""
    for file in runs.glob(f"*/{SUMMARY}"):
        file.unlink()
    (runs / ".defaults.json").write_text("{")  # damaged: composed again
    assert rows() == before
    assert capsys.readouterr().err.count("the next time is quick\n") == 1
    assert len(list(runs.glob(f"*/{SUMMARY}"))) == len(before) == 3
    [first, *_] = runs.glob(f"*/{SUMMARY}")
    for damage in ("", "{", "[]", "{}", first.read_text().replace(first.parent.name, "0" * 64)):
        first.write_text(damage)
        assert rows() == before


def test_a_summary_is_gone_as_soon_as_the_run_is_not_finished(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = outcome(home, digits, small).folder
    summary = folder.path / SUMMARY
    whole = summary.read_bytes()
    seen = []

    class Looking(Tracker):
        def started(self, folder: Path) -> None:
            seen.append((folder / SUMMARY).exists())
            raise RuntimeError("the training fails")

    with pytest.raises(RuntimeError):
        run(small("train.fresh=true"), digits, Looking())
    assert seen == [False]
    assert summary.read_bytes() == whole  # of the former results, which are restored
    # As a process leaves it that is killed while it writes the summary.
    cut_off = summary.rename(folder.path / ".summary.json.1-0123abcd.tmp")
    assert run(small(), digits, Tracker()).reused
    assert (summary.read_bytes(), cut_off.exists()) == (whole, False)
    folder.mark("failed", "damaged", "damaged: its model")
    assert not summary.exists()
    [row] = rows()
    assert (row["status"], row["reason"], "test/accuracy" in row) == ("failed", "damaged: its model", False)


def test_every_folder_is_a_row_whatever_is_left_of_it(runs: Path) -> None:
    one, other, third = sorted(path for path in runs.iterdir() if path.is_dir())
    (one / SUMMARY).unlink()
    status = json.loads((one / "status.json").read_text())
    (one / "status.json").write_text(json.dumps(status | {"status": "running"}))  # and nobody holds its lock
    for name in (SUMMARY, "config.yaml", "run.json"):
        (other / name).unlink()
    (third / SUMMARY).unlink()
    (third / "status.json").write_text("{")
    (runs / "replays").mkdir()
    (runs / ("0" * 64)).mkdir()  # made, and killed before it had begun
    found = {row["id"]: row for row in rows()}
    assert found.keys() == {one.name, other.name, third.name}
    assert [found[path.name]["status"] for path in (one, other, third)] == ["killed", "finished", "damaged"]
    assert found[other.name]["data"] is None
    assert "test/accuracy" in found[other.name]
    done = run_main("runs")
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 5)


def test_metrics_are_sorted_best_first_and_what_lacks_a_value_comes_last() -> None:
    found = [{"id": str(k), "test/accuracy": a, "test/loss": 1 - a, "n": k} for k, a in enumerate((0.5, 0.9, 0.7))]
    found.append({"id": "3", "n": None})

    def order(column: str, backwards: bool = False) -> str:
        return "".join(row["id"] for row in ordered(found, column, backwards))

    assert order("test/accuracy") == order("test/loss") == "1203"
    assert order("test/accuracy", backwards=True) == "0213"
    assert (order("n"), order("n", backwards=True)) == ("0123", "2103")
    assert order("id") == "0123"


def test_json_and_csv_have_all_columns_and_the_table_fits(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    known = rows()
    columns = list(dict.fromkeys(name for row in known for name in row))
    printed = json.loads(run_main("runs", "--json").stdout)
    assert [{name: row.get(name) for name in columns} for row in known] == [
        {name: row[name] for name in columns} for row in printed
    ]
    lines = list(csv.DictReader(io.StringIO(run_main("runs", "--csv", "--columns", "id,seed,model.hidden").stdout)))
    assert [line["id"] for line in lines] == [row["id"] for row in known]
    assert {line["model.hidden"] for line in lines} == {"[8]"}
    table = run_main("runs").stdout.splitlines()
    assert len(table) == 5
    assert max(map(len, table)) <= 120
    assert run_main("runs", "--columns", "?").stdout.split() == sorted({*columns})


def test_conditions_and_orders_of_the_command(runs: Path) -> None:
    where = 'model.act == "tanh" and test/accuracy > 0'
    [found] = json.loads(run_main("runs", "--json", "--where", where).stdout)
    assert found["model.act"] == "tanh"
    seeds = json.loads(run_main("runs", "--json", "--sort=-seed", "--columns", "seed").stdout)
    assert seeds == json.loads(run_main("runs", "--sort", "-seed", "--json", "--columns", "seed").stdout)
    assert [row["seed"] for row in seeds] == sorted((row["seed"] for row in seeds), reverse=True)
    assert run_main("runs", "--where", "seed == 99").stdout == "no such run\n"
    for possible in ('status == "killed"', 'data == "spiral"', 'model.act == "sigmoid"', 'name == "anything"'):
        assert run_main("runs", "--where", possible).stdout == "no such run\n"
    for words, message in {
        ("--where", "model.act == tanh"): 'quote it: "tanh"',
        ("--where", "act == 'tanh'"): "act: no such column; did you mean model.act?",
        ("--where", 'model.act != "tahn"'): "model.act can't be 'tahn'; did you mean tanh?",
        ("--where", 'model.act not in ["relu", "tahn"]'): "did you mean tanh?",
        ("--where", '"finishd" != status'): "status can't be 'finishd'; did you mean finished?",
        ("--where", 'data != "xorall"'): "data can't be 'xorall'; did you mean xor_all?",
        ("--where", 'optimizer.name != "momentun"'): "did you mean momentum?",
        ("--where", "seed == 99", "--where", "seed < 99"): "--where: given twice; give it once",
        ("--sort", "seed", "--sort=-seed"): "--sort: given twice; give it once",
        ("--sort", "test/acuracy"): "--sort test/acuracy: no such column; did you mean test/accuracy?",
        ("--columns", "id,nmae"): "--columns nmae: no such column; did you mean name?",
        ("--columns", ","): "--columns: give names of columns",
        ("--json", "--csv"): "not allowed with argument --json",
        ("--were", "x"): "--were: no such option of `python -m src.runs`; did you mean --where?",
    }.items():
        assert_rejected(run_main("runs", *words), message)


def test_without_runs_the_table_says_how_to_make_one(home: Path) -> None:
    for words in ((), ("--where", "model.act == 'relu'")):
        assert "python -m src.train" in run_main("runs", *words).stdout
    assert json.loads(run_main("runs", "--json").stdout) == []
    assert runs_frame().empty


def test_a_frame_has_the_same_runs(runs: Path) -> None:
    frame = runs_frame("test/accuracy > 0")
    known = rows()
    assert list(frame.index) == [row["id"] for row in known]
    assert list(frame["test/accuracy"]) == [row["test/accuracy"] for row in known]
    assert str(frame["ended"].dt.tz) == "UTC"
    assert frame.groupby("model.act")["valid/accuracy"].mean().size == 2


def test_the_notebook_runs(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # which the notebook changes
    cells = json.loads((ROOT / "docs/runs.ipynb").read_text())["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"]
            exec("".join(cell["source"]), names)
    assert len(names["runs"]) == 3


def test_a_narrow_screen_cuts_what_differs_and_keeps_the_seed_of_a_name() -> None:
    row = {"id": "f" * 64, "name": "relu-fan_in_uniform-momentum s12", "differs": "x" * 80, "data": "a" * 30}
    for width in (60, 80, 200):
        *_, line = run_table([row], ["id", "name", "differs", "data"], width).splitlines()
        assert " s12 " in line
        assert line.startswith("ffffffff  ")
        assert len(line) <= max(width, 8 + 2 + 22 + 2 + 16 + 2 + 12)
