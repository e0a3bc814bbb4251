"""A study's statistics against SciPy, enumeration and simulation, and their properties."""

import itertools
import math
import random
import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from src.analysis.statistics import Effect, Interval, holm, interval, mcnemar, paired, verdict, wilcoxon_floor
from src.foundation.files import ROOT

SEEDS = [3, 5, 10]
STUDIES = 2000
any_float = st.floats(-1e90, 1e90)
any_pairs = st.lists(st.tuples(any_float, any_float), min_size=1, max_size=12)
counted_pairs = st.lists(st.tuples(st.integers(5, 9995), st.integers(-5, 5)), min_size=2, max_size=12)
any_p = st.lists(st.floats(0, 1), max_size=12)


def of_differences(d: list[float] | list[int] | NDArray[np.float64]) -> Effect:
    return paired(d, np.zeros(len(d)))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 9), st.integers(0, 9))
def test_mcnemar_is_the_binomial_test_of_the_disagreements(b: int, c: int, both: int, none: int) -> None:
    first = [True] * (both + b) + [False] * (none + c)
    second = [True] * both + [False] * (b + none) + [True] * c
    result = mcnemar(first, second)
    assert (result.only_first, result.only_second) == (b, c)
    assert result.p == pytest.approx(stats.binomtest(b, b + c).pvalue if b + c else 1, rel=1e-9)
    assert mcnemar(second, first).p == result.p


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
def test_equals_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(20):
        variant, baseline = rng.normal(0.97, 0.01, (2, n))
        effect, theirs = paired(variant, baseline), stats.ttest_rel(variant, baseline)
        assert effect.p_t == pytest.approx(theirs.pvalue, rel=1e-8)
        assert (effect.low, effect.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-7, abs=1e-12)
        assert effect.p_wilcoxon == pytest.approx(stats.wilcoxon(variant, baseline, method="exact").pvalue, rel=1e-10)
        assert effect.improvement == pytest.approx(stats.mannwhitneyu(variant, baseline).statistic / n**2)
        around = stats.t(n - 1, np.mean(variant), stats.sem(variant)).interval(0.95)
        of = interval(variant)
        assert (of.mean, of.sd, of.low, of.high) == pytest.approx((variant.mean(), variant.std(ddof=1), *around))


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9))
def test_wilcoxon_with_zeros_and_ties_counts_all_signs(d: list[int]) -> None:
    rank = stats.rankdata([abs(x) for x in d if x])
    plus = sum(r for r, x in zip(rank, filter(None, d), strict=True) if x > 0)
    center = rank.sum() / 2
    sums = [np.dot(rank, signs) for signs in itertools.product((0, 1), repeat=len(rank))]
    expected = np.mean([abs(s - center) >= abs(plus - center) - 1e-9 for s in sums])
    assert of_differences(d).p_wilcoxon == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", range(2, 12))
def test_the_floor_is_reached_where_all_agree_and_never_passed(n: int) -> None:
    assert (wilcoxon_floor(0), wilcoxon_floor(1), wilcoxon_floor(n)) == (1, 1, 2 / 2**n)
    assert of_differences(np.arange(1.0, n + 1)).p_wilcoxon == wilcoxon_floor(n)
    for d in np.random.default_rng(n).normal(2, 1, (50, n)):
        p = of_differences(d).p_wilcoxon
        assert p is not None
        assert p >= wilcoxon_floor(n)


# Simulation: studies of accuracies on 10 000 images, where what a seed does to all variants is shared by them.


def simulate(variants: int, seeds: int) -> NDArray[np.float64]:
    """[STUDIES, variants, seeds], each with a true mean of 0.97."""
    rng = np.random.default_rng([variants, seeds])
    shared = rng.normal(0.97, 0.004, (STUDIES, 1, seeds))
    return np.round(shared + rng.normal(0, 0.003, (STUDIES, variants, seeds)), 4)


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("compute", [lambda v, b: interval(v - b + 0.97), lambda v, b: paired(v + 0.97, b)])
def test_intervals_cover_the_truth_as_often_as_they_say(seeds: int, compute: Callable[..., Interval | Effect]) -> None:
    intervals = [compute(variant, baseline) for variant, baseline in simulate(2, seeds)]
    covered = np.mean([of.low <= 0.97 <= of.high for of in intervals if of.low is not None and of.high is not None])
    assert abs(covered - 0.95) < 0.015


@pytest.mark.parametrize("seeds", SEEDS)
def test_where_nothing_differs_a_study_seldom_finds_a_difference(seeds: int) -> None:
    false_alarms = 0
    for baseline, *variants in simulate(5, seeds):
        effects = [paired(variant, baseline) for variant in variants]
        corrected = holm([effect.p_t or 0.0 for effect in effects])
        verdicts = {verdict(effect, p) for effect, p in zip(effects, corrected, strict=True)}
        false_alarms += bool(verdicts & {"better", "worse"})
    assert 0.02 < false_alarms / STUDIES < 0.065  # Holm is a little strict, as the variants share their baseline


# Properties.


@given(any_pairs)
def test_nothing_is_ever_nan(pairs: list[tuple[float, float]]) -> None:
    variant, baseline = zip(*pairs, strict=True)
    effect, spread = paired(variant, baseline), interval(variant)
    for name, value in [*vars(effect).items(), *vars(spread).items()]:
        several = value if isinstance(value, tuple) else (value,)
        assert all(v is None or math.isfinite(v) for v in several), name
        assert (value is None) == (len(pairs) == 1 and name in ("sd", "low", "high", "p_t", "p_wilcoxon")), name
    assert len(effect.differences) == effect.n == len(pairs)
    assert 0 <= effect.improvement <= 1
    assert effect.p_t is None or 0 <= effect.p_t <= 1
    assert effect.p_wilcoxon is None or wilcoxon_floor(effect.n) <= effect.p_wilcoxon <= 1


@given(st.lists(any_float, min_size=3, max_size=12))
def test_identical_pairs_make_no_difference(values: list[float]) -> None:
    effect = paired(values, values)
    assert (effect.mean, effect.sd, effect.low, effect.high, effect.p_t, effect.p_wilcoxon) == (0, 0, 0, 0, 1, 1)
    assert (effect.improvement, effect.agreeing) == (0.5, len(values))
    assert verdict(effect, effect.p_t) == "no difference"


@given(any_pairs)
def test_swapping_negates(pairs: list[tuple[float, float]]) -> None:
    variant, baseline = zip(*pairs, strict=True)
    there, back = paired(variant, baseline), paired(baseline, variant)
    assert there.mean == -back.mean
    assert there.differences == tuple(-d for d in back.differences)
    assert (there.p_t, there.sd, there.agreeing) == (back.p_t, back.sd, back.agreeing)
    assert there.p_wilcoxon == pytest.approx(back.p_wilcoxon)
    assert there.improvement == pytest.approx(1 - back.improvement)
    assert "-0.0" not in re.findall(r"-?[^,() =]+", repr((there, back)))
    if back.low is not None and back.high is not None:
        assert (there.low, there.high) == (-back.high, -back.low)


@given(counted_pairs)
@example([(9701, 11), (9501, 11), (6000, -11), (5000, 15)])  # 0.9712 - 0.9701 < 0.9512 - 0.9501 in floating point
def test_accuracies_say_what_counts_say(counts: list[tuple[int, int]]) -> None:
    # Rounding in the last bit of a difference of accuracies makes neither ranks nor signs.
    baseline, gain = np.array(counts).T
    variant = baseline + gain
    of_counts, effect = paired(variant, baseline), paired(variant / 10_000, baseline / 10_000)
    assert effect.p_wilcoxon == of_counts.p_wilcoxon
    assert effect.p_t == pytest.approx(of_counts.p_t, rel=1e-6)
    assert (effect.improvement, effect.agreeing) == (of_counts.improvement, of_counts.agreeing)
    assert effect.mean == pytest.approx(np.mean(gain) / 10_000, rel=1e-9, abs=1e-15)
    assert (effect.mean == 0) == (sum(gain) == 0)


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=12), st.integers(1, 5000))
def test_equal_differences_are_the_limit_of_the_t_test(baseline: list[int], gain: int) -> None:
    counts = np.array(baseline)
    effect = paired((counts + gain) / 10_000, counts / 10_000)
    assert (effect.low, effect.high, effect.sd, effect.p_t) == (effect.mean, effect.mean, 0, 0)
    assert effect.mean == gain / 10_000
    assert (effect.p_wilcoxon, effect.agreeing) == (wilcoxon_floor(len(baseline)), len(baseline))


@given(st.lists(st.floats(0, 3), min_size=2, max_size=12))
@example([0.18, 0.27, 0.45])
def test_differences_of_losses_are_equal_up_to_rounding(baseline: list[float]) -> None:
    # The 13th digit is a 5: what floating point makes of the sums decides whether the 12th is a 1 or a 2.
    effect = paired(np.array(baseline) + 0.1234567890115, baseline)
    assert (effect.low, effect.high, effect.sd, effect.p_t) == (effect.mean, effect.mean, 0, 0)


@given(any_float, st.integers(2, 50))
def test_equal_values_have_no_spread(value: float, n: int) -> None:
    assert interval([value] * n) == Interval(n, value, 0, value, value)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.floats(-10, 10), st.floats(0.01, 100))
def test_an_interval_moves_and_stretches_with_its_values(values: list[float], shift: float, scale: float) -> None:
    of, moved = interval(values), interval(shift + scale * np.array(values))
    assert of.low is not None
    assert of.high is not None
    assert of.sd is not None
    assert min(values) - 1e-15 <= of.mean <= max(values) + 1e-15
    assert of.low <= of.mean <= of.high
    assert (moved.mean, moved.sd) == pytest.approx((shift + scale * of.mean, scale * of.sd), abs=1e-12)
    assert (moved.low, moved.high) == pytest.approx((shift + scale * of.low, shift + scale * of.high), abs=1e-10)


@given(any_p, st.floats(0.001, 0.5), st.randoms(use_true_random=False))
@example([0.01, 0.04, 0.03, 0.005], 0.05, random.Random(0))
def test_holm_rejects_as_its_procedure_does_in_any_order(p: list[float], alpha: float, rng: random.Random) -> None:
    corrected = holm(p)
    assert all(raw <= c <= min(1, len(p) * raw) for raw, c in zip(p, corrected, strict=True))
    rejected = set()
    for step, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if (len(p) - step) * p[index] > alpha:
            break
        rejected.add(index)
    assert rejected == {index for index, c in enumerate(corrected) if c <= alpha}
    assert [c for _, c in sorted(zip(p, corrected, strict=True))] == sorted(corrected)
    order = list(range(len(p)))
    rng.shuffle(order)
    assert holm([p[i] for i in order]) == [corrected[i] for i in order]


def test_the_probability_of_improvement_is_over_all_pairs_of_runs() -> None:
    # 3 beats 1 and 2 and ties with 3; 1 ties with 1; 0 beats none.
    assert paired([3, 1, 0], [1, 2, 3]).improvement == pytest.approx((2.5 + 0.5) / 9)
    assert paired([0.1 + 0.2, 0.5], [0.5, 0.3]).improvement == 0.5  # 0.30000000000000004 ties with 0.3


@pytest.mark.parametrize(
    ("differences", "agreeing"), [([1, 2, -1], 2), ([-1, -2, 1, 0], 2), ([1, -1, 0], 1), ([0.1, -0.3, 0.2], 0)]
)
def test_agreeing_differences_have_the_sign_of_their_mean(differences: list[float], agreeing: int) -> None:
    assert of_differences(differences).agreeing == agreeing


@pytest.mark.parametrize(
    ("differences", "corrected_p", "expected"),
    [
        ([1, 2, 3], 0.0499, "better"),
        ([-1, -2, -3], 0.0499, "worse"),
        ([1, 2, 3], 0.05, "undecided"),
        ([1, -1, 0], 1.0, "undecided"),
        ([0, 0, 0], 1.0, "no difference"),
        ([0, 0], 1.0, "no verdict"),
        ([5, 5], 0.0, "no verdict"),
        ([5], None, "no verdict"),
        ([1, 2, 3], None, "no verdict"),
        ([], 0.01, "no verdict"),
    ],
)
def test_verdicts(differences: list[float], corrected_p: float | None, expected: str) -> None:
    assert verdict(of_differences(differences) if differences else None, corrected_p) == expected


@pytest.mark.parametrize("bad", [[], [[0.5, 0.6]], [0.5, float("nan")], [float("inf")], [1e101], 0.5])
def test_what_is_no_vector_of_metrics_is_refused(bad: list[float]) -> None:
    for compute in (interval, lambda values: paired(values, values), lambda values: paired([0.5, 0.5], values)):
        with pytest.raises(ValueError, match=r"vector|finite"):
            compute(bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired([1, 2, 3], [1]), "3 values cannot be paired with 1"),
        (lambda: holm([0.1, 1.1]), "between 0 and 1"),
        (lambda: holm([float("nan")]), "between 0 and 1"),
        (lambda: mcnemar([True], [True, False]), "same examples"),
    ],
)
def test_other_errors_name_the_value(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_scipy_is_not_imported_before_it_is_needed() -> None:
    script = "import sys, src.analysis.comparison_summary; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
