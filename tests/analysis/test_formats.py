"""How a report shows numbers."""

from collections.abc import Callable

import pytest

from src.analysis import formats


@pytest.mark.parametrize(
    ("spell", "number", "text"),
    [
        *((formats.percent, *pair) for pair in [(0.97314, "97.31"), (1.0, "100.00"), (0.0, "0.00")]),
        *((formats.points, *pair) for pair in [(0.0042, "+0.42"), (-0.0042, "−0.42"), (0.862, "+86.20")]),
        *((formats.points, zero, "0.00") for zero in (0.0, -0.00004)),  # what rounds to zero has no sign
        *((formats.p_value, *pair) for pair in [(1.0, "1.0000"), (0.01234, "0.0123"), (0.0001, "0.0001")]),
        (formats.p_value, 9e-5, "< 0.0001"),
        *((formats.seconds, *pair) for pair in [(0.417, "0.42 s"), (9.996, "10.0 s"), (99.94, "99.9 s")]),
        *((formats.seconds, *pair) for pair in [(99.96, "1 min 40 s"), (3599.6, "1 h 00 min"), (7500, "2 h 05 min")]),
    ],
)
def test_numbers_are_short_and_have_their_units(spell: Callable[[float], str], number: float, text: str) -> None:
    assert spell(number) == text
