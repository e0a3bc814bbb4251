"""Runs side by side: `python -m src.compare`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from src.data.dataset import Dataset
from src.foundation.errors import UserError
from src.runs.finished import FinishedRun
from tests.helpers.commands import run_main
from tests.helpers.refusals import assert_rejected


@pytest.fixture
def ids(runs: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fingerprints of finished runs whose data are here."""
    monkeypatch.setattr("src.analysis.run_comparison.prepare", lambda recipe: digits)
    return sorted(file.parent.name for file in runs.glob("*/result.json"))


def test_what_differs_what_was_reached_and_the_test_are_in_table_json_and_page(
    ids: list[str], runs: Path, digits: Dataset
) -> None:
    first, second = (FinishedRun.open(runs / name) for name in ids[:2])
    told = run_main("compare", *(name[:16] for name in ids[:2]))
    assert (told.returncode, told.stderr) == (0, "")
    page = Path(told.stdout.splitlines()[-1])
    text = page.read_text()
    plain = json.loads(run_main("compare", *ids[:2], "--json").stdout)

    keys = {row["name"] for row in plain["differences"] if row["section"] == "configuration"}
    configs = [json.loads(json.dumps(run.plain_config)) for run in (first, second)]
    assert ("seed" in keys) == (configs[0]["seed"] != configs[1]["seed"])
    assert ("model.act" in keys) == (configs[0]["model"]["act"] != configs[1]["model"]["act"])
    assert "train.epochs" not in keys
    y = np.asarray(digits.test.y)
    only = [int(((a == y) & (b != y)).sum()) for a, b in _both(first, second)]
    [pair] = plain["pairs"]
    assert [pair["mcnemar"]["only_first"], pair["mcnemar"]["only_second"]] == only
    assert pair["difference"] == pytest.approx((only[1] - only[0]) / len(y))
    metrics = {(row["section"], row["name"]): row["values"] for row in plain["metrics"]}
    assert metrics["test", "accuracy"] == [run.result["test"]["accuracy"] for run in (first, second)]
    assert metrics["test", "f1"] == [run.scores["overall"]["f1"] for run in (first, second)]
    assert metrics["training", "seconds"] == [run.timing["seconds"] for run in (first, second)]
    accuracies = [f"{run.result['test']['accuracy']:.2%}" for run in (first, second)]
    for shown in (told.stdout, text):
        assert all(word in shown for word in (*keys, *accuracies, "Newcombe", "McNemar"))
    assert "<svg" in text
    assert "data:image/png" in text
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", text)  # it needs no network, and no other file
    before = page.stat().st_mtime_ns
    run_main("compare", *(name[:16] for name in ids[:2]))
    assert page.stat().st_mtime_ns == before


def _both(first: FinishedRun, second: FinishedRun) -> list[tuple[np.ndarray, np.ndarray]]:
    a, b = (np.asarray(run.predictions.labels) for run in (first, second))
    return [(a, b), (b, a)]


def test_runs_that_were_tested_on_other_examples_or_whose_data_are_gone_get_no_test(
    ids: list[str], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = json.loads((runs / ids[1] / "run.json").read_text())
    about["digests"] |= {"data": "0" * 64, "raw_test": "1" * 64}
    (runs / ids[1] / "run.json").write_text(json.dumps(about))

    def gone(recipe: object) -> Dataset:
        raise UserError("the arrays are gone")

    monkeypatch.setattr("src.analysis.run_comparison.prepare", gone)
    told = run_main("compare", *ids)
    assert told.returncode == 0
    assert "no test; they were tested on other examples" in told.stdout
    assert "no test; the test labels are not available: the arrays are gone" in told.stdout
    assert Path(told.stdout.splitlines()[-1]).exists()


def test_a_run_whose_folder_is_elsewhere_is_compared_by_what_is_known(ids: list[str], runs: Path) -> None:
    for name in ("predictions.npz", "test.json", "timing.json"):
        (runs / ids[1] / name).unlink()
    (runs / ids[1]).rename(runs.parent / "from MLflow")
    told = run_main("compare", ids[0], str(runs.parent / "from MLflow"))
    assert (told.returncode, told.stderr) == (0, "")
    assert "no test; " in told.stdout
    assert re.search(r"^training +seconds +[\d.]+ +–$", told.stdout, re.MULTILINE)


def test_a_variable_that_decides_nothing_is_no_difference(ids: list[str], runs: Path) -> None:
    about = json.loads((runs / ids[1] / "run.json").read_text())
    about["surroundings"]["variables"] |= {"OMP_NUM_THREADS": "7", "MKL_CBWR": "AVX2"}
    (runs / ids[1] / "run.json").write_text(json.dumps(about))
    names = {row["name"] for row in json.loads(run_main("compare", *ids[:2], "--json").stdout)["differences"]}
    assert {name for name in names if name.startswith("variables")} == {"variables.MKL_CBWR"}


def test_wrong_runs_are_rejected(ids: list[str], runs: Path) -> None:
    assert_rejected(run_main("compare"), "give two or more runs")
    assert_rejected(run_main("compare", ids[0]), "give two or more runs")
    assert_rejected(run_main("compare", ids[0], ids[0][:20]), "this run is given twice")
    assert_rejected(run_main("compare", *["a"] * 9), "9 runs: at most 8")
    assert_rejected(run_main("compare", ids[0], str(runs / "nothing")), "not a run folder")
    status = runs / ids[1] / "status.json"
    status.write_text(status.read_text().replace("finished", "failed"))
    assert_rejected(run_main("compare", *ids[:2]), "a finished run is needed")
    assert not (runs / "compared").exists()
