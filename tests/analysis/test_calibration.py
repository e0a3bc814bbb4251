"""The expected calibration error against a plain loop and by its properties."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from src.analysis.calibration import reliability

predictions = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def test_bins_are_closed_on_the_right_and_zero_joins_the_first() -> None:
    bins = reliability([0.0, 0.25, 0.2500001, 0.5, 1.0], [1, 1, 0, 1, 0], bins=4)
    np.testing.assert_array_equal(bins.count, [2, 2, 0, 1])
    np.testing.assert_array_equal(bins.accuracy, [1, 0.5, np.nan, 0])
    np.testing.assert_allclose(bins.confidence, [0.125, 0.37500005, np.nan, 1])
    np.testing.assert_array_equal(bins.edges, [0, 0.25, 0.5, 0.75, 1])
    # Two bins by hand: (0.9 + 0.8) / 2 against 1/2, and (0.3 + 0.1) / 2 against 0, each with half of the weight.
    halves = reliability([0.9, 0.8, 0.3, 0.1], [True, False, False, False], bins=2)
    assert halves.expected_calibration_error == pytest.approx(0.5 * 0.35 + 0.5 * 0.2, abs=1e-15)


@given(predictions, st.integers(1, 30))
@example([(1.0, True)], 15)
@example([(1.0, False)], 15)
@example([(0.0, True)], 15)
def test_equals_the_definition_and_stays_in_bounds(pairs: list[tuple[float, bool]], bins: int) -> None:
    grouped = reliability([p for p, _ in pairs], [hit for _, hit in pairs], bins)
    expected = 0.0
    for index in range(bins):
        low, high = grouped.edges[index], grouped.edges[index + 1]
        members = [(p, hit) for p, hit in pairs if low < p <= high or (index == 0 and p == 0)]
        if members:
            gap = np.mean([hit for _, hit in members]) - np.mean([p for p, _ in members])
            expected += len(members) / len(pairs) * abs(gap)
        assert grouped.count[index] == len(members)
    assert grouped.expected_calibration_error == pytest.approx(expected, abs=1e-12)
    assert 0 <= grouped.expected_calibration_error <= 1


@pytest.mark.parametrize(
    ("confidence", "correct"),
    [
        ([], []),
        ([0.5], [True, False]),
        ([[0.5]], [[True]]),
        ([1.1], [True]),
        ([-0.1], [True]),
        ([float("nan")], [True]),
    ],
)
def test_what_is_no_confidence_is_refused(confidence: list[float], correct: list[bool]) -> None:
    with pytest.raises(ValueError, match="confidence"):
        reliability(confidence, correct)
