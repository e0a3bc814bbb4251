"""A metric's name, and all that follows from it."""

import json
from typing import Any

import pytest

from src.runs.metric import SETS, STANDARD, Metric, set_names
from src.training.metrics import LOSSES, METRICS, WITH_DROPOUT


@pytest.mark.parametrize("part", SETS)
@pytest.mark.parametrize("suffix", ["", WITH_DROPOUT])
@pytest.mark.parametrize("name", ["loss", "accuracy", *METRICS])
def test_every_quantity_is_a_loss_or_a_share(name: str, suffix: str, part: str) -> None:
    metric = Metric(f"{part}/{name}{suffix}")
    assert (metric.part, metric.quantity) == (part, name + suffix)
    assert metric.is_loss == (name in LOSSES)
    assert metric.better == ("smaller" if name in LOSSES else "larger")
    assert metric.in_percent == (name == "accuracy")
    assert metric.words.startswith(f"{SETS[part]} ")
    assert "_" not in metric.words


@pytest.mark.parametrize(
    ("name", "words", "better"),
    [
        ("valid/f1", "validation F1", "larger"),
        ("train/binary_cross_entropy", "training binary cross-entropy", "smaller"),
        ("valid/mae", "validation MAE", "smaller"),
        ("test/rmse_with_dropout", "test RMSE with dropout", "smaller"),
        ("units/lower left", "training accuracy of the unit for the lower left", "larger"),
        ("new/loss", "probability of loss", "neither"),
    ],
)
def test_it_knows_its_words_and_its_better_side(name: str, words: str, better: str) -> None:
    assert (Metric(name).words, Metric(name).better) == (words, better)


@pytest.mark.parametrize(
    ("recipe", "valid", "test"),
    [
        ({}, "validation", "test"),
        ({"split": {"train": 0.7}}, "validation", "test"),
        ({"split": {"overlap": "none"}}, "validation", "test"),
        ({"split": {"overlap": "valid_is_test"}}, "validation (= test)", "test"),
        ({"split": {"overlap": "all"}}, "validation (= training)", "test (= training)"),
    ],
)
def test_a_set_that_is_a_copy_says_of_which(recipe: dict[str, Any], valid: str, test: str) -> None:
    assert set_names(recipe) == {"train": "training", "valid": valid, "test": test}


def test_it_is_its_name_in_files_and_finds_its_value_in_a_result() -> None:
    assert json.dumps(STANDARD[0]) == '"train/loss"'
    result = {part: {"loss": i, "accuracy": i / 10} for i, part in enumerate(SETS)}
    assert [metric.of(result) for metric in STANDARD] == [0, 0.0, 1, 0.1, 2, 0.2]
