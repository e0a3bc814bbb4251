import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from src.training import scores
from src.training.metrics import confusion

CLASSES = 4
LABELS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)


@settings(deadline=None)
@given(pairs=LABELS)
def test_scores_are_sklearns_even_where_a_class_is_missing(pairs: list[tuple[int, int]]) -> None:
    y, predicted = np.array(pairs).T
    found = scores.of(confusion(y, predicted, CLASSES))
    labels = range(CLASSES)
    each = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    for ours, theirs in zip(found, each, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    for average, mean in (("weighted", scores.weighted), ("macro", scores.macro)):
        expected = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0, average=average)
        assert tuple(mean(found)) == pytest.approx(expected[:3])


def test_all_right_is_1_and_all_wrong_is_0() -> None:
    right = scores.of(np.diag([3, 2, 5]))
    assert (right.precision == 1).all()
    assert scores.weighted(right) == (1, 1, 1)
    wrong = scores.of(np.array([[0, 3], [2, 0]]))
    assert scores.macro(wrong) == (0, 0, 0)
