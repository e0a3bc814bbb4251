"""Examples of a data set: chosen by index or by seed, and turned."""

import numpy as np
import pytest

from src.data.dataset import Dataset
from src.prediction.example import chosen, turn
from tests.helpers.refusals import refusal

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 28 * 28)).astype(np.float64)


def squares(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, 28, 28)


@pytest.mark.parametrize("quarters", range(-5, 6))
def test_quarter_turns_move_pixels_counter_clockwise_and_change_none(quarters: int) -> None:
    turned = turn(IMAGES, (28, 28), 90 * quarters)
    assert np.array_equal(squares(turned), np.rot90(squares(IMAGES), quarters, axes=(1, 2)))


@pytest.mark.parametrize("angle", [1.0, 45, -30.5, 1e6])
def test_any_turn_gives_whole_values_in_range_and_whole_rounds_change_nothing(angle: float) -> None:
    turned = turn(IMAGES, (28, 28), angle)
    assert turned.shape == IMAGES.shape
    assert np.array_equal(turned, np.rint(turned))
    assert 0 <= turned.min() <= turned.max() <= 255
    assert np.array_equal(turned, turn(IMAGES, (28, 28), angle + 360))
    assert not np.array_equal(turned, IMAGES)


def test_a_turn_is_about_the_middle_and_uncovers_blank_paper() -> None:
    disk = np.hypot(*(np.indices((28, 28)) - 13.5)) < 8
    turned = turn(255.0 * disk.reshape(1, -1), (28, 28), 33)
    assert np.abs(turned / 255 - disk.ravel()).mean() < 0.02  # but for its edge, a disk stays as it is
    assert squares(turn(np.full((1, 784), 255.0), (28, 28), 45))[0, 0, 0] == 0


def test_an_example_is_chosen_by_its_index_or_by_a_seed(digits: Dataset) -> None:
    last = len(digits.test.y) - 1
    assert [chosen(digits, "test", index) for index in (0, last)] == [0, last]
    drawn = [chosen(digits, "test", None, seed) for seed in range(50)]
    assert drawn == [chosen(digits, "test", None, seed) for seed in range(50)]
    assert len(set(drawn)) > 40
    assert 0 <= min(drawn) < max(drawn) <= last
    for index in (-1, last + 1, 10**30):
        assert f"index={index}: must be >= 0 and <= {last}; the test set has" in refusal(chosen, digits, "test", index)
