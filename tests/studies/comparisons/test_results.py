"""A study's results, from run folders to the folder that keeps them, and back."""

import functools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.data.dataset import Dataset
from src.data.recipes import Recipe
from src.foundation import schema
from src.foundation.errors import RunFailed
from src.runs.fingerprint import code_digest, fingerprint
from src.runs.folder import HISTORY, RunFolder
from src.runs.metric import Metric
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.studies.comparisons.collect import (
    _KEPT,
    collect,
    command_of,
    headline_file,
    keep,
    results_of,
    seconds_of,
    write_headline,
)
from src.studies.comparisons.declare import declare
from src.studies.comparisons.results import Results, read_results
from src.studies.plan import plan
from tests.helpers.composing import composed
from tests.helpers.refusals import refusal

HUGE = "optimizer.lr=1e20"  # at which every training diverges
VARIANTS = {"relu": [], "tanh": ["model.act=tanh"]}
SMALL = ["experiment=digits", "optimizer=sgd", "schedule=constant", "model.hidden=[8]"]
SMALL += ["train.epochs=2", "tracking=off"]
identified = functools.cache(fingerprint)


class Small:
    """A small study, of which a test trains some and collects all."""

    def __init__(self, dataset: Dataset, *arguments: str, **more: Any) -> None:
        tree = {"title": "Which?", "baseline": "relu", "variants": VARIANTS} | more
        self.dataset = dataset
        self.study = plan(declare("mine", tree), ["0", "1"], arguments, True, lambda given: composed(*SMALL, *given))
        self.digests = [identified(job.config, dataset) for job in self.study.jobs]

    def trained(self) -> "Small":
        """Trains what has not finished, as a sweep does: one that diverges stops no other."""
        for job in self.study.jobs:
            try:
                run(job.config, self.dataset, Tracker())
            except RunFailed:
                continue
        return self

    def collected(self, target: Path) -> Results:
        return keep(results_of(self.study, self.digests), target)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> Path:
    """A folder in the place of the repository, in which the study has been trained and collected."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.runs.folder.home", lambda: folder)
        Small(digits).trained().collected(folder / "results")
    return folder


@pytest.fixture
def target(home: Path) -> Path:
    return home / "models" / "studies" / "mine"


@pytest.fixture
def study(home: Path, once: Path, digits: Dataset) -> Small:
    """The study, trained and not collected."""
    shutil.copytree(once / "runs", home / "runs")
    return Small(digits)


@pytest.fixture
def kept(home: Path, once: Path) -> Path:
    """The study's results, as DVC brings them into a checkout where nothing was trained."""
    return Path(shutil.copytree(once / "results", home / "results"))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def inodes(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder with what a rewrite changes."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in (folder, *folder.rglob("*"))}


def same(one: Results, other: Results) -> bool:
    """Equality, arrays included."""
    apart = [[replace(run, predicted=None) for run in results.runs] for results in (one, other)]
    arrays = zip(one.runs, other.runs, strict=True)
    return (
        replace(one, runs=()) == replace(other, runs=())
        and apart[0] == apart[1]
        and all(np.array_equal(a.predicted, b.predicted) for a, b in arrays)  # type: ignore[arg-type]
    )


# --- there and back --------------------------------------------------------------------------------------------------


def test_what_is_collected_is_what_the_run_folders_hold(study: Small, target: Path, digits: Dataset) -> None:
    results = study.collected(target)
    assert [(run.variant, run.seed) for run in results.runs] == [("relu", 0), ("relu", 1), ("tanh", 0), ("tanh", 1)]
    for found, of, job in zip(results.runs, study.digests, study.study.jobs, strict=True):
        folder = RunFolder.of(of["fingerprint"])
        assert (found.status, found.reason, found.command) == ("finished", "", command_of(job.config))
        assert found.fingerprint == of["fingerprint"]
        assert found.result == folder.result()
        assert found.history == {column: [epoch[column] for epoch in folder.journal()] for column in HISTORY}
        assert np.mean(found.predicted == digits.test.y) == folder.result()["test"]["accuracy"]
        assert results.run(found.variant, found.seed) is found
    config = study.study.jobs[0].config
    assert (results.name, results.title, results.baseline) == ("mine", "Which?", "relu")
    assert (results.cumulative, results.choose_by, results.report_on) == (False, "valid/accuracy", "test/accuracy")
    assert (results.seeds, results.variants) == (study.study.seeds, study.study.declaration.variants)
    assert results.command == study.study.command
    assert results.digests == {"data": study.digests[0]["data"], "code": code_digest()}  # portable: of no environment
    assert results.digests["data"] == digits.sha256
    assert results.environment == {}
    assert results.recipe == "digits"
    assert results.data == config.semantic()["data"]
    assert schema.build(Recipe, results.data, "data") == schema.build(Recipe, digits.recipe, "data")


def test_a_study_is_identified_by_its_name_and_its_runs(study: Small, target: Path) -> None:
    results = study.collected(target)
    others = [
        results,
        replace(results, name="another"),
        replace(results, runs=results.runs[1:]),
        replace(results, runs=results.runs[::-1]),
    ]
    assert len({other.identity for other in others}) == len(others)
    assert replace(results, title="Why?", environment={}).identity == results.identity


# --- the bytes -------------------------------------------------------------------------------------------------------


def test_the_same_study_gives_the_same_bytes_wherever_and_whenever_it_is_trained(
    study: Small, target: Path, home: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, elsewhere = study.collected(target), home / "elsewhere"
    kept, before = contents(target), inodes(target)
    files = {f"runs/{of['fingerprint']}/{file}" for of in study.digests for file in _KEPT}
    assert set(kept) == {"study.json"} | files
    assert same(study.collected(target), results)
    assert inodes(target) == before  # nothing is touched where nothing has changed
    monkeypatch.setattr("src.runs.folder.home", lambda: elsewhere)
    Small(digits).trained().collected(elsewhere / "again")
    assert contents(elsewhere / "again") == kept
    # Though the run folders have other times in them.
    times = {file.read_bytes() for file in home.rglob("timing.json")}
    assert len(times) > len(study.digests)
    shutil.rmtree(home / "runs")  # reading needs nothing else
    shutil.move(target, elsewhere / "moved")
    assert same(read_results(elsewhere / "moved"), results)


def test_another_title_command_or_variant_is_written(
    study: Small, target: Path, digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.collected(target)
    before = contents(target)
    assert Small(digits, title="Why?").collected(target).title == "Why?"
    monkeypatch.setattr("src.studies.comparisons.collect.command_of", lambda config: "another")
    assert study.collected(target).runs[0].command == "another"
    assert {name for name, content in contents(target).items() if content != before[name]} == {"study.json"}
    # Runs that are no longer in the study leave its folder.
    other = Small(digits, variants={"relu": [], "sigmoid": ["model.act=sigmoid"]}).trained()
    other.collected(target)
    assert {folder.name for folder in (target / "runs").iterdir()} == {of["fingerprint"] for of in other.digests}
    assert [file.name for file in target.parent.iterdir()] == ["mine"]  # nothing half-written beside it


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_variant_that_diverges_is_kept_with_its_reason_and_without_files_and_the_headline_says_so(
    home: Path, target: Path, digits: Dataset
) -> None:
    study = Small(digits, variants={"relu": [HUGE], "tanh": ["model.act=tanh"]}).trained()
    results = study.collected(target)
    assert [run.status for run in results.runs] == ["failed"] * 2 + ["finished"] * 2
    for found in results.runs[:2]:
        assert found.reason.startswith("diverged at epoch ")
        assert (found.result, found.history, found.predicted) == (None, None, None)
        assert not (target / "runs" / found.fingerprint).exists()
    assert same(read_results(target), results)
    before = inodes(target)
    assert same(study.collected(target), results)
    assert inodes(target) == before
    write_headline(results, "mine")
    headline = json.loads(headline_file("mine").read_text())
    assert (headline["finished"], headline["failed"], headline["chosen"]) == (2, 2, "tanh")
    assert "above_baseline" not in headline  # over a baseline that came to nothing
    write_headline(Small(digits, HUGE).collected(target), "mine")
    assert json.loads(headline_file("mine").read_text()) == {"finished": 0, "failed": 4}


def test_a_run_that_is_missing_is_a_failure_until_it_is_trained(study: Small, target: Path) -> None:
    shutil.rmtree(RunFolder.of(study.digests[0]["fingerprint"]).path)
    first = study.collected(target).runs[0]
    assert (first.status, first.reason) == ("failed", "it was never trained")
    assert study.trained().collected(target).runs[0].status == "finished"


# --- damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["study.json", "result.json", "history.csv", "predictions.npz"])
@pytest.mark.parametrize("length", [None, 0, -9], ids=["removed", "emptied", "cut"])
def test_a_damaged_folder_is_refused_with_its_path_and_mended_by_the_same_study(
    study: Small, target: Path, file: str, length: int | None
) -> None:
    expected, before = study.collected(target), contents(target)
    damaged = next(target.rglob(file))
    if length is None:
        damaged.unlink()
    else:
        damaged.write_bytes(damaged.read_bytes()[:length])
    assert str(target) in refusal(read_results, target)
    assert same(study.collected(target), expected)
    assert contents(target) == before


LIES: list[Callable[[dict[str, Any]], Any]] = [
    lambda about: [],
    lambda about: None,
    lambda about: "mine",
    lambda about: {},
    lambda about: about | {"format": 99},
    lambda about: {key: value for key, value in about.items() if key != "seeds"},
    lambda about: about | {"more": 1},
    lambda about: about | {"runs": 3},
    lambda about: about | {"runs": []},
    lambda about: about | {"runs": about["runs"][::-1]},
    lambda about: about | {"runs": [{}]},
    lambda about: about | {"runs": [about["runs"][0] | {"more": 1}]},
    lambda about: about | {"runs": [about["runs"][0] | {"fingerprint": "0" * 64}]},
    lambda about: about | {"runs": [about["runs"][0] | {"fingerprint": 7}]},
    lambda about: about | {"variants": [{"name": "relu"}]},
    lambda about: about | {"variants": None},
    lambda about: about | {"seeds": 5},
]


@pytest.mark.parametrize("lie", LIES)
def test_a_description_that_lies_is_refused(kept: Path, lie: Callable[[Any], Any]) -> None:
    file = kept / "study.json"
    file.write_text(json.dumps(lie(json.loads(file.read_text()))))
    assert str(kept) in refusal(read_results, kept)
    assert "study.json: no such file" in refusal(read_results, kept / "nowhere")


# --- what DVC shows --------------------------------------------------------------------------------------------------


def with_values(results: Results, values: dict[str, tuple[float, float, float]]) -> Results:
    """The same study with other results: valid accuracy, valid loss and test accuracy of each variant."""
    runs = []
    for run_ in results.runs:
        accuracy, loss, test = values[run_.variant]
        assert run_.result is not None
        changed = {"valid": {"accuracy": accuracy, "loss": loss}, "test": {"accuracy": test, "loss": 0.0}}
        runs.append(replace(run_, result=run_.result | changed))
    return replace(results, runs=tuple(runs))


@pytest.mark.parametrize(
    ("choose_by", "chosen", "ranked", "test", "gain"),
    [("valid/accuracy", "tanh", 0.625, 0.75, -0.125), ("valid/loss", "relu", 0.25, 0.875, 0.0)],
)
def test_the_test_set_chooses_nothing_and_a_smaller_loss_is_better(
    study: Small, target: Path, home: Path, choose_by: str, chosen: str, ranked: float, test: float, gain: float
) -> None:
    results = with_values(study.collected(target), {"relu": (0.5, 0.25, 0.875), "tanh": (0.625, 0.5, 0.75)})
    write_headline(replace(results, choose_by=Metric(choose_by)), "mine")
    assert json.loads((home / "metrics/mine.json").read_text()) == {
        "finished": 4,
        "failed": 0,
        "chosen": chosen,
        choose_by.replace("/", "_"): ranked,
        "test_accuracy": test,
        "above_baseline": gain,
    }


def test_times_are_of_the_runs_that_are_on_this_machine(study: Small, target: Path, home: Path) -> None:
    results = study.collected(target)
    folders = [RunFolder.of(of["fingerprint"]) for of in study.digests]
    assert seconds_of(results) == {folder.path.name: folder.timing()["seconds"] for folder in folders}
    shutil.rmtree(folders[0].path)
    assert seconds_of(results).keys() == {folder.path.name for folder in folders[1:]}
    shutil.rmtree(home / "runs")  # as in a checkout to which DVC has brought the results
    assert seconds_of(results) == {}


def test_nothing_of_the_machine_is_in_the_results_of_portable_runs(home: Path, target: Path, digits: Dataset) -> None:
    portable = Small(digits, "train.arithmetic=portable").trained().collected(target)
    assert (portable.environment, portable.digests.keys()) == ({}, {"data", "code"})
    native = Small(digits, "train.arithmetic=native").trained().collected(home / "native")
    assert native.environment["numpy"] == np.__version__
    assert native.digests.keys() == {"data", "code", "env"}


# --- where it all is -------------------------------------------------------------------------------------------------


def test_a_study_as_declared_is_where_dvc_tracks_it_and_another_one_is_not(
    study: Small, home: Path, digits: Dataset
) -> None:
    longer = Small(digits, "train.epochs=4")
    plain, other = study.study, longer.study
    assert (plain.results, plain.report) == (home / "models/studies/mine", home / "reports/mine")
    assert plain.tracked
    assert other.report == home / "runs" / "studies" / other.name
    assert not other.tracked
    assert {other.results, other.report}.isdisjoint({plain.results, plain.report})
    # The pipeline may have other data than the file says: that is the study of this pipeline.
    staged = replace(other, stage=True)
    assert (staged.results, staged.report, staged.tracked) == (plain.results, plain.report, True)
    # Only one that DVC tracks writes its headline.
    assert same(collect(plain, study.digests), read_results(plain.results))
    assert headline_file("mine").exists()
    headline_file("mine").unlink()
    collect(other, longer.digests)
    assert not headline_file("mine").exists()
