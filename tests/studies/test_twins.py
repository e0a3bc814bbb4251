"""Twins: a library's network stays the same as ours where the definitions agree, and what does not is refused."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.reporting.twin_report import report
from src.runs.tracker import Tracker
from src.runs.training_run import run
from src.studies.plan import plan
from src.studies.twins.collect import STEPS, collect, in_step
from src.studies.twins.declare import declare
from src.studies.twins.library import LIBRARIES, versions
from src.sweeps.jobs import identified
from src.sweeps.run_study import TWINS, kind_of
from tests.helpers.composing import compose, composed
from tests.helpers.refusals import refusal
from tests.reporting.markup import Markup
from tests.reporting.test_pages import assert_is_whole, assert_needs_nothing_else

HERE = versions()
BOTH = [
    pytest.param(name, marks=pytest.mark.skipif(name not in HERE, reason=f"{name} is not installed: see `make bench`"))
    for name in LIBRARIES
]
PLAIN = (
    "data=digits",
    "train=native",
    "train.dtype=float64",
    "schedule=constant",
    "model.dropout=0.0",
    "train.batch_size=32",
)
OVER = ("train.epochs=3", "model.hidden=[16]")  # 120 updates
FIT = {
    "sgd": ("optimizer=sgd", "optimizer.lr=0.1", "model.act=tanh"),
    "momentum": ("optimizer=momentum", "optimizer.lr=0.05", "model.act=sigmoid"),
    "nesterov": ("optimizer=nesterov", "optimizer.lr=0.05", "model.hidden=[16,8]"),
    "adam": ("optimizer=adam", "optimizer.lr=0.01", "optimizer.eps=1e-30"),  # without what makes them differ
    "a linear model of two layers": ("optimizer=sgd", "model.act=linear"),
    "class weights": ("optimizer=sgd", "model.class_weights=balanced", "train.order=drawn"),
    "a full batch of more than scikit-learn's 200": ("optimizer=sgd", "train.batch_size=null", "train.epochs=120"),
}
PYTORCH = {  # what PyTorch has, and scikit-learn has not
    "an activation a layer": ("optimizer=sgd", "model.hidden=[16,8]", "model.act=[tanh,leaky_relu]"),
    "no hidden layer and no biases": ("optimizer=sgd", "model.hidden=[]", "model.act=[]", "model.bias=false"),
    "the squared error": ("optimizer=sgd", "optimizer.lr=0.5", "model.output=sigmoid", "model.loss=mse"),
    "a cross-entropy a unit": ("optimizer=sgd", "model.output=sigmoid", "model.loss=binary_cross_entropy"),
    "adam with its epsilon, and l2": ("optimizer=adam", "optimizer.l2=0.01"),
    "adamw": ("optimizer=adamw",),
    "rmsprop": ("optimizer=rmsprop", "model.act=sigmoid"),
    "momentum with l2": ("optimizer=momentum", "optimizer.lr=0.05", "optimizer.l2=0.01", "model.act=tanh"),
}


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("overrides", FIT.values(), ids=FIT.keys())
def test_where_the_definitions_agree_the_weights_do(overrides: tuple[str, ...], name: str, digits: Dataset) -> None:
    assert_same(name, composed(*PLAIN, *OVER, *overrides), digits)


@pytest.mark.parametrize("name", BOTH[1:])
@pytest.mark.parametrize("overrides", PYTORCH.values(), ids=PYTORCH.keys())
def test_pytorch_agrees_where_scikit_learn_has_nothing(overrides: tuple[str, ...], name: str, digits: Dataset) -> None:
    config = composed(*PLAIN, *OVER, *overrides)
    assert LIBRARIES["scikit-learn"].unfit(config) or LIBRARIES["scikit-learn"].differences(config)
    assert_same(name, config, digits)


def assert_same(name: str, config: Config, digits: Dataset) -> None:
    assert not LIBRARIES[name].unfit(config)
    found = in_step(config, digits, name, LIBRARIES[name])
    assert len(found.apart) > STEPS
    assert found.apart[0] == 0
    assert 0 < found.early < 1e-9
    np.testing.assert_allclose(*np.transpose(found.loss), rtol=1e-6)
    assert found.accuracy[0] == found.accuracy[1]
    assert found.disagreeing == 0
    assert found.epochs == tuple(range(1, config.train.epochs + 1))
    assert found.updates == tuple(np.array(found.epochs) * (len(found.apart) - 1) // config.train.epochs)


def test_the_definitions_of_adam_differ_and_it_is_said(digits: Dataset) -> None:
    config = composed(*PLAIN, *OVER, "optimizer=adam")
    found = in_step(config, digits, "scikit-learn", LIBRARIES["scikit-learn"])
    assert found.early > 1e-9
    assert [difference for difference in found.differences if "epsilon" in difference]
    assert not LIBRARIES["scikit-learn"].differences(composed(*PLAIN, "optimizer=sgd"))


@pytest.mark.parametrize(
    ("override", "lacking"),
    [
        ("model.dropout=0.2", "model.dropout=0.2"),
        ("model.act=leaky_relu", "model.act=leaky_relu"),
        ("model.hidden=[]", "model.hidden=[]"),
        ("model.bias=false", "model.bias=false"),
        ("optimizer=rmsprop", "optimizer=rmsprop"),
        ("optimizer.l2=0.1", "optimizer.l2"),
        ("optimizer.clip_norm=1", "optimizer.clip_norm"),
        ("schedule=cosine", "schedule=cosine"),
        ("experiment=xor_sigmoid", "model.output=softmax with model.loss=cross_entropy for two classes"),
        ("experiment=raschka_relu", "model.output=sigmoid with model.loss=mse"),
        ("experiment=perceptrons_xor", "train.unit_targets"),
    ],
)
def test_what_no_library_can_train_is_refused_before_anything_runs(
    override: str, lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = ([override], []) if override.startswith("experiment=") else (["experiment=digits"], [override])
    experiment = before[0].removeprefix("experiment=")
    mine = declare("mine", {"title": "?", "twins": {experiment: ["optimizer=sgd", "schedule=constant", *after]}})
    monkeypatch.setattr("src.studies.twins.declare.versions", lambda: {"scikit-learn": "1"})
    message = refusal(plan, mine, ["0"], [], True, compose)
    assert message.startswith(f"ablation.twins.{experiment}: scikit-learn has no ")
    assert lacking in message
    assert "PyTorch" in message  # has no such thing, or would have it and is not here


@pytest.mark.parametrize("error", [ImportError("No module named 'sklearn'"), OSError("lib.so: cannot\nopen")])
def test_a_library_that_can_not_be_imported_is_told_before_anything_runs(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.studies.twins.library.import_module", Mock(side_effect=error))
    mine = declare("mine", {"title": "?", "twins": {"spiral_mlp": []}})
    message = refusal(plan, mine, ["0"], [], True, compose)
    assert message.startswith("scikit-learn is installed but can't be imported (")
    assert "\n" not in message


def test_another_experiment_for_all_is_refused() -> None:
    mine = declare("mine", {"title": "?", "twins": {"spiral_mlp": []}})
    message = refusal(plan, mine, ["0"], ["experiment=quick"], True, compose)
    assert message == "experiment=quick: the experiments are fixed; ablation.twins lists them"


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"title": "?", "twins": None}, "ablation.twins=null: must be names of experiments"),
        ({"title": "?", "twins": ["spiral_mlp"]}, "ablation.twins=['spiral_mlp']: must be names of experiments"),
        ({"title": "?", "twins": {"spiral_mlp": None}}, "ablation.twins.spiral_mlp=null: must be a list of KEY=VALUE"),
        (
            {"title": "?", "twins": {"spiral_mlp": ["x"]}},
            "ablation.twins.spiral_mlp=['x']: must be a list of KEY=VALUE",
        ),
        ({"twins": {"spiral_mlp": []}}, "ablation.title: missing"),
        ({"title": "?", "twins": {"spiral_mlp": []}, "only": []}, "ablation.only=[]: no such key"),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(tree: dict[str, Any], told: str) -> None:
    assert kind_of(tree) is TWINS
    assert refusal(declare, "mine", tree).startswith(told)


def test_the_report_shows_each_twin_and_the_watched_training_is_the_run(
    home: Path, digits: Dataset, tmp_path: Path
) -> None:
    tree = {"title": "The same?", "twins": {"digits": ["optimizer=sgd", "schedule=constant", "model.hidden=[8]"]}}
    study = plan(declare("mine", tree), ["0"], ["train.epochs=4", "tracking=off"], True, compose)
    [job] = study.jobs
    outcome = run(job.config, digits, Tracker())
    twins = collect(study, identified(study.jobs))
    [runs] = [each.runs for each in twins.experiments]
    assert [each.library for each in runs] == list(HERE)
    found = runs[0]
    assert found.accuracy[0] == outcome.result["test"]["accuracy"]
    losses = [record["train_loss"] for record in outcome.folder.journal()]
    assert [ours for ours, _ in found.loss] == losses  # to the bit
    made = report(twins, "mine", tmp_path / "mine")
    assert {file.name for file in made.folder.iterdir()} == {
        "index.html",
        "summary.json",
        "table.md",
        *(f"curves_digits_{number}.png" for number in range(len(HERE))),
    }
    same, *absent = made.verdict
    assert same == f"{len(HERE)} of {len(HERE)} twins have the same weights after 100 updates, to 1e-09."
    assert absent == [f"{name} is not installed here." for name in LIBRARIES if name not in HERE]
    assert "scikit-learn" in made.table
    html = made.page.read_text()
    assert_is_whole(Markup(html))
    assert_needs_nothing_else(Markup(html), html)
    assert not report(twins, "mine", made.folder).new
