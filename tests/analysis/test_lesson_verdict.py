"""Lessons: in how many of our runs they hold, and how sure that makes us."""

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from src.analysis.lesson_verdict import judge, lessons_of
from src.analysis.proportion import proportion
from tests.studies.replicas.synthetic import experiment, lesson, table

SHARES = st.floats(0, 1)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_clopper_and_pearson_s(counted: tuple[int, int]) -> None:
    k, n = counted
    expected = scipy.stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    found = proportion(k, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 4)])
def test_no_share_has_no_interval(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        proportion(k, n)


@given(st.lists(st.booleans(), max_size=30))
def test_a_lesson_holds_when_chance_would_hardly_give_as_many(met: list[bool]) -> None:
    share, verdict = judge(met)
    assert judge(sorted(met)) == (share, verdict)
    if len(met) < 3:
        assert verdict == "no verdict"
        return
    # Of a fair coin, as many heads or more have a chance below 2.5 %; likewise tails.
    heads, tails = (scipy.stats.binom.sf(count - 1, len(met), 0.5) for count in (sum(met), len(met) - sum(met)))
    assert verdict == ("holds" if heads < 0.025 else "fails" if tails < 0.025 else "undecided")


@given(st.lists(st.tuples(SHARES, SHARES), min_size=3, max_size=12), st.sampled_from([0.0, 0.2]))
def test_a_run_is_compared_with_the_other_experiment_s_of_the_same_seed(
    pairs: list[tuple[float, float]], by: float
) -> None:
    ours, others = zip(*pairs, strict=True)
    one = experiment("one", lessons=(lesson(than="two", by=by),), ours={"test/accuracy": ours}, runs=len(pairs))
    two = experiment("two", ours={"test/accuracy": others}, runs=len(pairs))
    row, plain = lessons_of(table(one, two))
    assert row.met is not None
    assert (row.met.k, row.met.n) == (sum(a - b > by for a, b in pairs), len(pairs))
    assert row.remarks[0].startswith("on average ")
    assert (plain.says, plain.verdict, plain.met) == ("", "", None)


def test_losses_are_better_when_smaller_and_sets_can_be_compared() -> None:
    measured = {"valid/loss": [0.1] * 9, "train/accuracy": [0.9] * 9, "test/accuracy": [0.4] * 9}
    lessons = (
        lesson(metric="valid/loss", least=0.2),
        lesson(metric="valid/loss", least=0.05),
        lesson(metric="train/accuracy", than="test/accuracy", by=0.4),
        lesson(metric="train/accuracy", than="test/accuracy", by=0.6),
    )
    rows = lessons_of(table(experiment("one", lessons=lessons, ours=measured, runs=9)))
    assert [row.verdict for row in rows] == ["holds", "fails", "holds", "fails"]
    assert rows[2].remarks == ("on average +50.00 points against test/accuracy",)


def test_what_failed_stopped_early_or_lost_a_class_is_said_and_a_failure_does_not_meet_the_lesson() -> None:
    accuracies = [0.95, 0.95, 0.5, 0.95, 0.95]
    told = {"failures": {1: "diverged at epoch 3"}, "stopped": {0: 30, 3: 40}, "dead": {2: ("5",)}}
    [row] = lessons_of(table(experiment("one", lessons=(lesson(),), ours={"test/accuracy": accuracies}, **told)))
    assert row.values == ((0, 0.95), (1, None), (2, 0.5), (3, 0.95), (4, 0.95))
    assert (row.met and (row.met.k, row.met.n), row.verdict) == ((3, 5), "undecided")
    assert row.remarks == (
        "seed 1: diverged at epoch 3",
        "2 of 5 runs stopped early, after epoch 30 to 40",
        "seed 2: no test example of 5 is recognized",
    )


def test_without_the_other_experiment_or_any_run_there_is_no_verdict() -> None:
    of = {"test/accuracy": [0.9] * 5}
    [row] = lessons_of(table(experiment("one", lessons=(lesson(than="two"),), ours=of)))
    assert (row.verdict, row.remarks, row.met) == ("no verdict", ("two was not run",), None)
    failed = dict.fromkeys(range(5), "diverged at epoch 3")
    [row] = lessons_of(table(experiment("one", lessons=(lesson(),), failures=failed)))
    assert (row.verdict, row.mean, row.met) == ("no verdict", None, None)
    assert lessons_of(table(experiment("one", ours=of), parts=("same_draws",))) == []
