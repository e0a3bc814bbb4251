"""Combined studies: what may be declared, what is trained, and the best network of all."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docs import make_results
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed
from src.reporting.combined_report import BEST, report
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.studies.combined.collect import Combined, collect, save_and_score
from src.studies.combined.declare import CombinedDeclaration, Member, declare
from src.studies.comparisons.declare import declare as declare_comparison
from src.studies.plan import plan
from src.studies.study import Study
from src.sweeps.jobs import identified
from src.sweeps.run_study import COMBINED, kind_of
from tests.helpers.composing import compose, composed
from tests.helpers.refusals import refusal
from tests.reporting.markup import Markup
from tests.reporting.test_pages import assert_is_whole, assert_needs_nothing_else

TREE = {"title": "Which one?", "studies": ["width", "l2"]}


def test_it_has_the_variants_of_its_studies_each_with_the_file_of_its_own() -> None:
    assert kind_of(TREE) is COMBINED
    found = plan(declare("exercise", TREE), ["0"], ["ablation=exercise", "tracking=off"], True, compose)
    assert [job.variant for job in found.jobs][:5] == [
        *(f"width: hidden=[{units}]" for units in (1024, 512, 256, 128)),
        "l2: l2=0.01, hidden=[1024,1024]",
    ]
    assert {job.config.train.epochs for job in found.jobs if job.variant.startswith("l2")} == {40}
    assert not found.typed
    for job in found.jobs:
        study = job.variant.partition(":")[0]
        assert [override for override in job.overrides if override.startswith("ablation=")] == [f"ablation={study}"]


def test_the_sheets_are_the_grids() -> None:
    [member] = declare("exercise", {"title": "?", "studies": ["learning_rate"]}).members
    assert member.sheets == (8, 8)


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"studies": ["width"]}, "ablation.title: missing"),
        ({**TREE, "studies": []}, "ablation.studies=[]: name at least one comparison"),
        ({**TREE, "studies": "width"}, "ablation.studies=width: must be a list"),
        ({**TREE, "studies": ["widht"]}, "ablation.studies[0]=widht: no such study; did you mean width?"),
        ({**TREE, "studies": ["exercise"]}, "ablation.studies[0]=exercise: no such study"),
        ({**TREE, "studies": ["width", "width"]}, "ablation.studies[1]=width: listed twice"),
        ({**TREE, "studies": ["replicas"]}, "ablation.studies: replicas is no comparison of variants"),
        ({**TREE, "baseline": "width"}, "ablation.baseline=width: no such key"),
    ],
)
def test_what_is_not_right_is_refused(tree: dict[str, Any], told: str) -> None:
    assert refusal(declare, "exercise", tree).startswith(told)


def test_studies_on_different_data_are_refused() -> None:
    tree = {**TREE, "studies": ["width", "ladder"]}
    message = refusal(plan, declare("mine", tree), ["0"], ["ablation=exercise"], True, compose)
    assert message.startswith("ablation.studies: ladder: mse uses other data than width: hidden=[1024]")


# --- two small studies, really trained -------------------------------------------------------------------------------

SMALL = ["data=digits", "train.epochs=2", "model.dropout=0.0", "tracking=off"]


@pytest.fixture
def combined(home: Path, digits: Dataset) -> Combined:
    """Two comparisons of two variants each, one of which never learns."""
    members = []
    for name, key, values in (("widths", "model.hidden", [[4], [16]]), ("rates", "optimizer.lr", [1e-6, 0.01])):
        tree = {"title": f"Which {name}?", "baseline": "", "grids": [{key: values}]}
        tree["baseline"] = f"{key.rpartition('.')[2]}={str(values[0]).replace(' ', '')}"
        study = declare_comparison(name, tree)
        members.append(Member(study=study, sheets=(2,)))
    declaration = CombinedDeclaration(name="mine", title="Which one?", members=tuple(members))

    def without_file(overrides: list[str]) -> Any:
        return composed(*(override for override in overrides if not override.startswith("ablation=")))

    study: Study[CombinedDeclaration] = plan(declaration, ["0"], SMALL, True, without_file)
    for job in study.jobs:
        run(job.config, digits, Tracker())
    return collect(study, identified(study.jobs))


def test_the_best_of_all_is_chosen_by_validation_saved_and_scored_again(
    combined: Combined, digits: Dataset, tmp_path: Path
) -> None:
    for member, results in combined.parts:
        assert [each.name for each in results.variants] == [each.name for each in member.study.variants]
        assert all(each.status == "finished" for each in results.runs)
    best = combined.best(combined.whole)
    assert best is not None
    assert best.result is not None
    accuracies = [each.result["valid"]["accuracy"] for each in combined.whole.runs if each.result]
    assert best.result["valid"]["accuracy"] == max(accuracies) > min(accuracies)
    made = report(combined, "mine", tmp_path / "mine")
    names = {f"{name}.png" for name in ("samples", "sheet_widths_1", "sheet_rates_1", "confusion_widths")}
    names.add("confusion_rates.png")
    assert {file.name for file in made.folder.iterdir()} == names | {"index.html", "summary.json", "table.md", BEST}
    assert best.variant in made.verdict[0]
    assert f"{best.result['test']['accuracy']:.2%}".replace("%", " %") in made.verdict[0]
    # The test accuracy of no other network is shown.
    tested = {f"{100 * each.result['test']['accuracy']:.2f}" for each in combined.whole.runs if each.result}
    shown = {
        f"{100 * each.result[part]['accuracy']:.2f}"
        for each in combined.whole.runs
        if each.result
        for part in ("train", "valid")
    }
    listed = (made.folder / "table.md").read_text() + made.table
    assert not {number for number in tested - shown if number in listed} - {
        f"{100 * best.result['test']['accuracy']:.2f}"
    }
    html = made.page.read_text()
    assert_is_whole(Markup(html))
    make_results.write(made.folder, tmp_path / "results")
    assert {file.name for file in (tmp_path / "results" / "mine").iterdir()} == names
    text = (tmp_path / "results" / "mine.md").read_text()
    assert made.verdict[0] in text
    assert all(f"(mine/{name})" in text for name in names)
    assert_needs_nothing_else(Markup(html), html)
    assert not report(combined, "mine", tmp_path / "mine").new


def test_a_saved_network_that_scores_otherwise_is_an_error(combined: Combined, digits: Dataset, tmp_path: Path) -> None:
    best = combined.best(combined.whole)
    assert best is not None
    assert best.result is not None
    accuracy = best.result["test"]["accuracy"]
    assert save_and_score(best, digits, tmp_path / "best.npz") == accuracy
    assert (tmp_path / "best.npz").read_bytes() == (RunFolder.of(best.fingerprint).path / "model.npz").read_bytes()
    other = replace(best, result={**best.result, "test": {"accuracy": np.nextafter(accuracy, 0)}})
    with pytest.raises(RunFailed, match="loaded again, its test accuracy is"):
        save_and_score(other, digits, tmp_path / "best.npz")
