"""How numbers are spelt in a report."""

import pytest

from src.analysis import formats


@pytest.mark.parametrize(("fraction", "spelt"), [(0.97314, "97.31"), (1.0, "100.00"), (0.0, "0.00")])
def test_accuracies_are_in_percent(fraction: float, spelt: str) -> None:
    assert formats.percent(fraction) == spelt


@pytest.mark.parametrize(
    ("difference", "spelt"),
    [(0.0042, "+0.42"), (-0.0042, "−0.42"), (0.0, "0.00"), (-0.00004, "0.00"), (0.862, "+86.20")],
)
def test_differences_have_a_sign_unless_they_round_to_zero(difference: float, spelt: str) -> None:
    assert formats.points(difference) == spelt


@pytest.mark.parametrize(("p", "spelt"), [(1.0, "1.0000"), (0.01234, "0.0123"), (0.0001, "0.0001"), (9e-5, "< 0.0001")])
def test_p_has_four_decimals(p: float, spelt: str) -> None:
    assert formats.p_value(p) == spelt


@pytest.mark.parametrize(
    ("duration", "spelt"),
    [
        (0.417, "0.42 s"),
        (9.996, "10.0 s"),
        (99.94, "99.9 s"),
        (99.96, "1 min 40 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_durations_have_the_units_of_their_size(duration: float, spelt: str) -> None:
    assert formats.seconds(duration) == spelt
