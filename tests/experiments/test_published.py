"""The published experiments at full length: one comes out digit for digit, and each lesson is learned."""

import re
from collections.abc import Sequence
from statistics import mean

import pytest

from src.config.tree import read_yaml
from tests.conftest import ROOT, Shell
from tests.experiments.conftest import Trained, mirrored

pytestmark = pytest.mark.slow
LINE = re.compile(r"^epoch +(\d+)/40  train (\d\.\d{4}) +(\d\d\.\d\d)%  valid \d\.\d{4} +(\d\d\.\d\d)%", re.MULTILINE)
SEEDS = range(5)
OURS = ("rng=default", "draws=default")  # not the text's random numbers, with which one run is all that there is
PARTS = ("train", "valid", "test")


def over_seeds(trained: Trained, experiment: str, *overrides: str, parts: Sequence[str] = ("test",)) -> list[float]:
    """The accuracy of each seed, a mean over parts."""
    results = [trained(experiment, *OURS, *overrides, f"seed={seed}").result for seed in SEEDS]
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
    accuracies = over_seeds(trained, name, "data=xor", parts=PARTS)
    assert sum(accuracy == 1 for accuracy in accuracies) >= 3
    assert min(accuracies) > 0.7


def test_without_an_activation_function_xor_can_not_be_separated(trained: Trained) -> None:
    # One straight line has at most three of the four blobs on their own sides.
    assert max(over_seeds(trained, "xor_linear", "data=xor", parts=PARTS)) < 0.85


def test_three_perceptrons_make_xor(trained: Trained) -> None:
    for seed in SEEDS:
        result = trained("perceptrons_xor", *OURS, "data=xor", f"seed={seed}").result
        assert result["units"] == {"lower_left": 1.0, "upper_right": 1.0}
        assert [result[part]["accuracy"] for part in PARTS] == [1.0, 1.0, 1.0]


def test_noise_is_memorized_and_not_generalized(trained: Trained) -> None:
    results = [trained("noise_overfit", *OURS, f"seed={seed}").result for seed in SEEDS]
    on_train = mean(result["train"]["accuracy"] for result in results)
    # All 45 examples that were held out: 23 alone say little, as each is more than 4 points.
    held_out = mean((22 * result["valid"]["accuracy"] + 23 * result["test"]["accuracy"]) / 45 for result in results)
    assert on_train > 0.65
    assert held_out < 0.45  # chance is a third
    assert on_train - held_out > 0.3


def test_the_tutorials_network_reads_raw_digits_as_well_as_published_and_can_be_beaten(trained: Trained) -> None:
    assert mean(over_seeds(trained, "digits_8x8", "data=digits_raw")) == pytest.approx(0.8, abs=0.05)
    assert min(over_seeds(trained, "digits_8x8_better")) > 0.97


def test_cross_entropy_beats_the_squared_error_and_momentum_beats_none(trained: Trained) -> None:
    mse, ce, momentum = (
        trained(f"weidman_{name}", "train.epochs=10").result["test"]["accuracy"] for name in ("mse", "ce", "momentum")
    )
    assert mse + 0.05 < ce  # not by luck: the tenth of 50 epochs
    assert ce < momentum


def test_all_40_rows_and_the_test_accuracy_of_raschkas_relu_network_come_out(shell: Shell) -> None:
    published = read_yaml(ROOT / "conf/ablation/replicas.yaml")["ablation"]["published"]["raschka_relu"]
    rows = [
        (str(epoch), f"{loss:.4f}", *(f"{100 * accuracy:.2f}" for accuracy in accuracies))
        for epoch, (loss, *accuracies) in enumerate(published["rows"]["values"], 1)
    ]
    assert len(rows) == 40
    ran = shell("python", "-m", "src.train", "experiment=raschka_relu", "tracking=off", *mirrored())
    assert ran.returncode == 0, ran.stderr
    assert LINE.findall(ran.stdout) == rows
    assert "test accuracy 96.09%" in ran.stdout


def test_raschkas_untrained_sigmoid_network_and_its_first_epoch_come_out(shell: Shell) -> None:
    command = ("python", "-m", "src.train", "experiment=raschka_sigmoid", "train.epochs=1", "tracking=off")
    ran = shell(*command, *mirrored())
    assert ran.returncode == 0, ran.stderr
    # Published: 0.3 and 9.4 % before training. The rest is what a re-run of the text's own arithmetic gives.
    assert re.search(r"^epoch 0/1 .* valid 0\.2707 +9\.36%", ran.stdout, re.MULTILINE), ran.stdout
    assert re.search(r"^epoch 1/1  train 0\.0499 +76\.15%  valid 0\.\d{4} +75\.98%", ran.stdout, re.MULTILINE)


def test_the_page_s_row_of_raschkas_sigmoid_network_that_goes_on_comes_out(shell: Shell) -> None:
    def trained(*more: str) -> str:
        ran = shell("python", "-m", "src.train", "experiment=raschka_sigmoid", *more, "tracking=off", *mirrored())
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    first = re.search(r"^run folder +(.+)$", trained("train.epochs=11"), re.MULTILINE)
    assert first
    told = trained(f"train.start_from='{first[1]}'")
    columns = r"train \d\.\d{4} +(\d\d\.\d\d)%  valid \d\.\d{4} +(\d\d\.\d\d)%"
    start, end = (re.search(rf"^epoch +{epoch}/40  {columns}", told, re.MULTILINE) for epoch in (1, 40))
    test = re.search(r"^test accuracy (\d\d\.\d\d)%", told, re.MULTILINE)
    assert start
    assert end
    assert test
    row = " | ".join(f"{percent} %" for percent in (start[1], end[1], end[2], test[1]))
    assert f"| ours, after 11 epochs | {row} |" in (ROOT / "docs/published.md").read_text()
