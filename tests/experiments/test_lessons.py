"""What the published experiments teach, at full length: each lesson fails where the network does not learn it."""

from collections.abc import Callable, Sequence
from statistics import mean
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Trained = Callable[..., dict[str, Any]]
SEEDS = range(5)
PARTS = ("train", "valid", "test")


def over_seeds(trained: Trained, experiment: str, parts: Sequence[str] = ("test",)) -> list[float]:
    """The accuracy of each seed, a mean over parts."""
    results = [trained(experiment, f"seed={seed}") for seed in SEEDS]
    return [mean(result[part]["accuracy"] for part in parts) for result in results]


def test_straight_lines_fail_on_the_spiral_and_a_hidden_layer_solves_it(trained: Trained) -> None:
    linear, mlp, adam = (over_seeds(trained, f"spiral_{name}") for name in ("linear", "mlp", "adam"))
    assert max(linear) < 0.65
    assert min(mlp + adam) > 0.95


def test_dropout_and_glorot_weights_solve_the_spiral_too(trained: Trained) -> None:
    assert min(over_seeds(trained, "spiral_dropout")) > 0.9


@pytest.mark.parametrize("name", ["xor_sigmoid", "xor_tanh", "xor_relu", "xor_single_output"])
def test_three_hidden_units_separate_xor(trained: Trained, name: str) -> None:
    # Three units are just enough: now and then a training ends where two of them do the same.
    accuracies = over_seeds(trained, name, PARTS)
    assert sum(accuracy == 1 for accuracy in accuracies) >= 3
    assert min(accuracies) > 0.7


def test_without_an_activation_function_xor_can_not_be_separated(trained: Trained) -> None:
    # One straight line has at most three of the four blobs on their own sides.
    assert max(over_seeds(trained, "xor_linear", PARTS)) < 0.85


def test_three_perceptrons_make_xor(trained: Trained) -> None:
    for seed in SEEDS:
        result = trained("perceptrons_xor", f"seed={seed}")
        assert result["units"] == {"lower_left": 1.0, "upper_right": 1.0}
        assert [result[part]["accuracy"] for part in PARTS] == [1.0, 1.0, 1.0]


def test_noise_is_memorized_and_not_generalized(trained: Trained) -> None:
    results = [trained("noise_overfit", f"seed={seed}") for seed in SEEDS]
    on_train = mean(result["train"]["accuracy"] for result in results)
    # All 45 examples that were held out: 23 alone say little, as each is more than 4 points.
    held_out = mean((22 * result["valid"]["accuracy"] + 23 * result["test"]["accuracy"]) / 45 for result in results)
    assert on_train > 0.65
    assert held_out < 0.45  # chance is a third
    assert on_train - held_out > 0.4


def test_the_tutorials_network_reads_raw_digits_as_well_as_published_and_can_be_beaten(trained: Trained) -> None:
    assert trained("digits_8x8")["test"]["accuracy"] == pytest.approx(0.77, abs=0.04)
    assert min(over_seeds(trained, "digits_8x8_better")) > 0.97


def test_cross_entropy_beats_the_squared_error_and_momentum_beats_none(trained: Trained) -> None:
    mse, ce, momentum = (
        trained(f"weidman_{name}", "train.epochs=10")["test"]["accuracy"] for name in ("mse", "ce", "momentum")
    )
    assert mse + 0.05 < ce  # not by luck: the tenth of 50 epochs
    assert ce < momentum
