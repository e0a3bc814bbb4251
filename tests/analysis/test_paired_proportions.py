"""The interval of the difference of two accuracies on the same examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.analysis.paired_proportions import gain, wilson

Counts = tuple[int, int, int, int]  # both right, only the first, only the second, neither
COUNTS = st.tuples(*[st.integers(0, 40)] * 4).filter(any)


def right(counts: Counts) -> tuple[list[bool], list[bool]]:
    first, second = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], counts, axis=0).astype(bool).T
    return first.tolist(), second.tolist()


def test_a_published_interval() -> None:
    """Airway responsiveness before and after a transplantation (Bentur et al. 2009): 0.026 to 0.507."""
    found = gain(*right((1, 1, 7, 12)))
    assert found.difference == pytest.approx(6 / 21)
    assert (round(found.low, 3), round(found.high, 3)) == (0.026, 0.507)
    assert found.mcnemar.p == pytest.approx(2 * 9 / 2**8)
    assert found.at_the_edge  # the interval sees a difference, the exact test of 8 examples does not


@given(COUNTS)
def test_the_interval_has_the_difference_in_it_and_turns_with_the_two(counts: Counts) -> None:
    found, turned = gain(*right(counts)), gain(*reversed(right(counts)))
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert found.at_the_edge == turned.at_the_edge
    k, n = counts[0] + counts[1], sum(counts)
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1


def test_the_interval_holds_the_true_difference_in_95_of_100_cases() -> None:
    draws = np.random.default_rng(0).multinomial(300, [0.9, 0.04, 0.03, 0.03], size=600)
    found = [gain(*right(tuple(map(int, counts)))) for counts in draws]  # type: ignore[arg-type]
    held = np.mean([one.low <= -0.01 <= one.high for one in found])
    assert 0.93 <= held <= 0.98
    assert np.mean([one.at_the_edge for one in found]) < 0.1


def test_no_example_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="no example"):
        gain([], [])
