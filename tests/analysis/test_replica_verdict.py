"""Verdicts: exact at the printed digits, within the interval of a single run, or on one side of it."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from src.analysis.replica_verdict import VERDICTS, compare, counts, prediction, rows_of
from src.analysis.statistics import interval
from src.studies.replicas.claims import Rows
from tests.studies.replicas.synthetic import claim, experiment, table, words

LOSS = {"metric": "valid/loss"}
SHARES = st.floats(0, 1)
RUNS = st.lists(SHARES, min_size=3, max_size=8)


# --- one run, digit for digit ----------------------------------------------------------------------------------------


@given(SHARES, st.integers(1, 6), st.integers(-3, 3), st.sampled_from(["test/accuracy", "valid/loss"]))
def test_a_run_is_exact_when_it_prints_the_same_and_otherwise_on_the_side_of_its_difference(
    value: float, digits: int, steps: int, metric: str
) -> None:
    printed = float(f"{value:.{digits}f}")
    other = round(printed + steps * 10.0**-digits, digits)
    same, compared = (compare(claim(each, digits, metric=metric), [value], single=True) for each in (printed, other))
    assert (same.verdict, same.difference, same.low, same.high) == ("exact", 0, None, None)
    assert math.copysign(1, same.difference or 0) == 1  # which is spelt without a sign
    assert compared.difference == pytest.approx(-steps * 10.0**-digits)
    side = "better" if (steps < 0) == (metric == "test/accuracy") else "worse"
    assert compared.verdict == (side if steps else "exact")


# --- many runs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_the_bounds_are_those_of_one_more_draw(n: int) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    low, high = prediction(interval(values))
    spread = values.std(ddof=1) * math.sqrt(1 + 1 / n)
    assert (low, high) == pytest.approx(scipy.stats.t.interval(0.95, n - 1, values.mean(), spread))


@given(RUNS, SHARES, st.integers(1, 6))
def test_the_verdict_says_on_which_side_of_the_bounds_the_printed_number_lies(
    values: list[float], published: float, digits: int
) -> None:
    published = float(f"{published:.{digits}f}")
    half = 0.5 * 10.0**-digits
    for metric, under in (("test/accuracy", "better"), ("valid/loss", "worse")):
        compared = compare(claim(published, digits, metric=metric), values, single=False)
        assert compared.low is not None
        assert compared.high is not None
        assert compared.difference == pytest.approx(np.mean(values) - published)
        if published + half < compared.low:
            assert compared.verdict == under
        elif published - half > compared.high:
            assert compared.verdict == ("worse" if under == "better" else "better")
        else:
            assert compared.verdict == "within interval"


@given(SHARES, st.integers(1, 4), st.integers(3, 6))
def test_runs_that_all_print_the_published_number_are_never_beside_it(value: float, digits: int, n: int) -> None:
    # Their spread is zero, and so is the width of their interval: the number's own rounding is all that is left.
    assert compare(claim(float(f"{value:.{digits}f}"), digits), [value] * n, single=False).verdict == "within interval"


@given(RUNS)
def test_shares_stay_between_0_and_1_and_losses_go_where_they_go(values: list[float]) -> None:
    share, loss = (compare(claim(metric=m), values, single=False) for m in ("test/accuracy", "valid/loss"))
    assert share.mean is not None
    assert loss.mean is not None
    for bounds in ((share.low, share.high), (share.mean.low, share.mean.high)):
        assert all(bound is not None and 0 <= bound <= 1 for bound in bounds)
    assert (loss.low, loss.high) == prediction(interval(values))


def test_fewer_than_three_runs_have_numbers_and_no_verdict_and_none_has_no_result() -> None:
    for n in (1, 2):
        compared = compare(claim(0.5, 2), [0.9] * n, single=False)
        assert (compared.verdict, compared.difference) == ("no verdict", pytest.approx(0.4))
    compared = compare(claim(), [], single=False)
    assert (compared.verdict, compared.mean, compared.difference) == ("no result", None, None)


def test_where_no_side_is_the_good_one_a_number_outside_differs() -> None:
    for published in (0.1, 0.9):
        for single in (True, False):
            compared = compare(claim(published, 1, good="neither"), [0.5] * (1 if single else 5), single)
            assert compared.verdict == "differs"
    assert compare(claim(0.9, 1, metric="new/c1", at=(1.0,)), [0.5] * 3, single=False).verdict == "differs"


# --- words -----------------------------------------------------------------------------------------------------------


@given(st.lists(SHARES, min_size=1, max_size=7), SHARES)
def test_words_hold_where_more_than_half_of_the_runs_reach_what_they_are_taken_for(
    values: list[float], least: float
) -> None:
    reach = sum(value >= least for value in values)
    compared = compare(words(least=least), values, single=False)
    assert compared.verdict == ("holds" if reach > len(values) / 2 else "worse")
    assert compared.difference is None
    most = compare(words(least=least, **LOSS), values, single=False)
    assert most.verdict == ("holds" if sum(value <= least for value in values) > len(values) / 2 else "worse")


# --- rows ------------------------------------------------------------------------------------------------------------

PRINTED = Rows(columns=("train/loss", "valid/accuracy"), digits=(2, 3), values=((0.5, 0.8), (0.25, 0.9)))
SAME = {"train/loss@1": [0.4951], "valid/accuracy@1": [0.8002], "train/loss@2": [0.25], "valid/accuracy@2": [0.9]}


@pytest.mark.parametrize(
    ("changes", "verdict", "same", "remarks"),
    [
        ({}, "exact", 2, ()),
        ({"train/loss@2": [0.24]}, "better", 1, ()),
        ({"train/loss@2": [0.27]}, "worse", 1, ()),
        ({"valid/accuracy@1": [0.799]}, "worse", 1, ()),
        (
            {"train/loss@2": [None], "valid/accuracy@2": [None]},
            *("no result", 1, ("not reached: the run stopped before epoch 2",)),
        ),
    ],
)
def test_a_printed_table_is_called_what_the_worst_of_it_is_called(
    changes: dict[str, list[float | None]], verdict: str, same: int, remarks: tuple[str, ...]
) -> None:
    [row] = rows_of(table(experiment("one", rows=PRINTED, values={**SAME, **changes}, seeds=[123])))
    assert (row.verdict, row.same, row.remarks) == (verdict, same, remarks)


# --- a table ---------------------------------------------------------------------------------------------------------


def test_every_claim_has_its_row_in_the_order_of_texts_and_experiments() -> None:
    values = {"test/accuracy": [0.95] * 5}
    rows = rows_of(table(experiment("b", claim(), claim(0.5), values=values), experiment("none")))
    assert [(row.experiment.name, row.verdict) for row in rows] == [
        ("b", "within interval"),
        ("b", "better"),
        ("none", ""),
    ]
    assert counts(rows) == {**dict.fromkeys(VERDICTS, 0), "within interval": 1, "better": 1}


def test_what_failed_and_what_stopped_early_is_said_and_the_others_count() -> None:
    late = claim(0.4, 1, metric="valid/loss", epoch=40, note="a quirk")
    losses: list[float | None] = [0.4, None, 0.39, 0.41, None]
    failed = {1: "diverged at epoch 3"}
    [row] = rows_of(table(experiment("one", late, values={"valid/loss@40": losses}, failures=failed)))
    assert row.compared is not None
    assert row.compared.values == (0.4, 0.39, 0.41)
    assert row.verdict == "within interval"
    assert row.remarks == (
        "a quirk",
        "seed 1: diverged at epoch 3",
        "not reached: 1 of 5 runs stopped before epoch 40",
    )


def test_how_many_runs_reach_what_is_said_is_said() -> None:
    [row] = rows_of(table(experiment("one", words(), values={"test/accuracy": [1.0, 0.8, 1.0, 0.99, 0.5]})))
    assert (row.verdict, row.remarks) == ("holds", ("3 of 5 runs reach it",))
