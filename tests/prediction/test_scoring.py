"""Scoring a model on labelled data: its own, and others that fit; what does not fit is refused."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import classification_report, confusion_matrix

from src.data.dataset import PARTS, Dataset, Examples
from src.data.recipes import Recipe, prepare
from src.prediction.scoring import Scored, score
from tests.helpers.refusals import refusal
from tests.prediction.conftest import Trained


def scored(trained: Trained, dataset: Dataset | None = None, part: str = "test") -> Scored:
    return score(trained.model, trained.signature, dataset or trained.dataset, part)


def changed(dataset: Dataset, change: Callable[[Examples], Examples], **more: Any) -> Dataset:
    parts: dict[str, Any] = {part: change(getattr(dataset, part)) for part in PARTS}
    return dataclasses.replace(dataset, **parts, **more)


@pytest.mark.parametrize("name", ["spiral", "xor", "digits8"])
def test_on_its_own_data_a_model_scores_what_its_run_measured(name: str, request: pytest.FixtureRequest) -> None:
    trained: Trained = request.getfixturevalue(name)
    result = json.loads((trained.folder / "result.json").read_text())
    for part in PARTS:
        found = scored(trained, part=part)
        assert {key: found.scores[key] for key in ("loss", "accuracy")}.items() <= result[part].items()
        assert not found.rescaled
    assert scored(trained).scores == json.loads((trained.folder / "test.json").read_text())


def test_scores_are_those_of_scikit_learn(spiral: Trained) -> None:
    found, labels = scored(spiral), spiral.dataset.labels
    x, y, _ = spiral.dataset.test
    predicted = spiral.model.network.decide(spiral.model.network.loss_and_probabilities(np.asarray(x), y)[1])
    np.testing.assert_array_equal(found.confusion, confusion_matrix(y, predicted))
    report = classification_report(y, predicted, target_names=labels, output_dict=True)
    for label in labels:
        assert found.scores["class"][label]["f1"] == pytest.approx(report[label]["f1-score"], rel=1e-12)
        assert found.scores["class"][label]["num_samples"] == report[label]["support"]
    assert found.scores["overall"]["recall"] == pytest.approx(report["weighted avg"]["recall"], rel=1e-12)


def test_labels_and_features_in_another_order_are_matched_by_name(spiral: Trained) -> None:
    whole, n = scored(spiral), len(spiral.dataset.labels)
    reversed_labels = changed(
        spiral.dataset, lambda one: one._replace(y=n - 1 - np.asarray(one.y)), labels=spiral.dataset.labels[::-1]
    )
    found = scored(spiral, reversed_labels)
    assert found.scores == whole.scores
    np.testing.assert_array_equal(found.confusion, whole.confusion)

    scaling = spiral.dataset.scaling
    turned = scaling | {key: scaling[key][::-1] for key in ("center", "scale")}
    swapped = changed(spiral.dataset, lambda one: one._replace(x=np.asarray(one.x)[:, ::-1]), features=("X2", "X1"))
    found = scored(spiral, dataclasses.replace(swapped, scaling=turned))
    assert found.scores["accuracy"] == whole.scores["accuracy"]
    assert found.scores["loss"] == pytest.approx(whole.scores["loss"], rel=1e-5)
    assert scored(spiral, swapped).scores["loss"] != pytest.approx(whole.scores["loss"], rel=1e-2)


def test_data_with_fewer_classes_fit(spiral: Trained) -> None:
    def two(examples: Examples) -> Examples:
        kept = np.asarray(examples.y) < 2
        return Examples(np.asarray(examples.x)[kept], np.asarray(examples.y)[kept])

    found = scored(spiral, changed(spiral.dataset, two, labels=spiral.dataset.labels[:2]))
    whole = scored(spiral)
    assert found.scores["class"]["c3"]["num_samples"] == 0
    np.testing.assert_array_equal(found.confusion[:2], whole.confusion[:2])
    np.testing.assert_array_equal(found.confusion[2], 0)


@pytest.mark.parametrize("scaling", ["none", "unit", "symmetric", "per_feature"])
def test_inputs_are_scaled_as_in_training_whatever_the_recipe_does(
    digits8: Trained, scaling: str, tmp_path: Path
) -> None:
    """Pixels are integers, so nothing is lost on the way: the same scores to the bit."""
    recipe = dataclasses.replace(digits8.recipe, scaling=scaling)
    found, whole = scored(digits8, prepare(recipe, tmp_path)), scored(digits8)
    assert found.rescaled == (scaling != digits8.recipe.scaling)
    assert found.scores == whole.scores


def test_points_scaled_otherwise_score_nearly_the_same(spiral: Trained, tmp_path: Path) -> None:
    found = scored(spiral, prepare(dataclasses.replace(spiral.recipe, scaling="standard"), tmp_path))
    assert found.rescaled
    assert found.scores["loss"] == pytest.approx(scored(spiral).scores["loss"], rel=1e-5)


def test_data_that_do_not_fit_get_one_line(spiral: Trained, xor: Trained, digits8: Trained) -> None:
    for model, dataset, message in (
        (spiral, xor.dataset, f"data={xor.recipe.name}: the model does not know the label 0; allowed: c1, c2, c3"),
        (xor, spiral.dataset, f"data={spiral.recipe.name}: the model does not know the label c1; allowed: 0, 1"),
        (digits8, xor.dataset, f"data={xor.recipe.name}: 2 values an example; the model takes images of 8 x 8"),
        (
            spiral,
            dataclasses.replace(digits8.dataset, labels=("c1",) * 10),
            f"data={digits8.recipe.name}: images of 8 x 8 an example; the model takes 2 values (X1, X2)",
        ),
        (
            spiral,
            dataclasses.replace(spiral.dataset, features=("X1", "x2")),
            f"data={spiral.recipe.name}: no feature X2, which the model takes; did you mean x2? (allowed: X1, x2)",
        ),
        (
            digits8,
            dataclasses.replace(digits8.dataset, image=(4, 16)),
            f"data={digits8.recipe.name}: images of 4 x 16 an example; the model takes images of 8 x 8",
        ),
    ):
        assert refusal(scored, model, dataset).startswith(message)


def test_another_split_of_the_same_examples_is_noticed(spiral: Trained, digits8: Trained, tmp_path: Path) -> None:
    split = digits8.recipe.split
    for trained, changes, seen in (
        (digits8, {"scaling": "none", "name": "mine"}, False),
        (digits8, {"seed": 5}, True),
        (digits8, {"split": dataclasses.replace(split, stratify=not split.stratify)}, True),
        (spiral, {"seed": 5}, False),  # other points
        (spiral, {"split": dataclasses.replace(spiral.recipe.split, stratify=False)}, True),
    ):
        recipe: Recipe = dataclasses.replace(trained.recipe, **changes)
        assert scored(trained, prepare(recipe, tmp_path / str(changes))).seen == seen
    assert not scored(digits8).seen
