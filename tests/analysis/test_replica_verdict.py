"""Verdicts of a run with the text's own draws: digit for digit, or how far off."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.analysis.replica_verdict import SAME, VERDICTS, compare, counts, rows_of
from src.studies.replicas.claims import Rows, Scores
from tests.studies.replicas.synthetic import claim, experiment, table, words

LOSS = {"metric": "valid/loss"}
SHARES = st.floats(0, 1)


# --- one number ------------------------------------------------------------------------------------------------------


@given(SHARES, st.integers(1, 15), st.integers(-3, 3), st.sampled_from(["test/accuracy", "valid/loss"]))
def test_a_number_is_the_same_when_it_prints_the_same_and_nothing_else_is(
    value: float, digits: int, steps: int, metric: str
) -> None:
    printed = float(f"{value:.{digits}f}")
    other = round(printed + steps * 10.0**-digits, digits)
    same, compared = (compare(claim(each, digits, metric=metric), value) for each in (printed, other))
    telling = round(printed * 10**digits) >= 100
    assert (same.verdict, same.difference) == ("exact" if telling else "same when rounded", 0)
    assert math.copysign(1, same.difference or 0) == 1  # which is spelt without a sign
    assert compared.difference == pytest.approx(-steps * 10.0**-digits)
    assert (compared.verdict in SAME) == (steps == 0)


@pytest.mark.parametrize(
    ("value", "digits", "ours", "verdict"),
    [
        (0.3, 1, 0.2707, "same when rounded"),  # which says little
        (0.094, 3, 0.0936, "same when rounded"),
        (0.9609, 4, 0.96091, "exact"),
        (0.502766196810271, 15, 0.5027661968102707, "exact"),
        (0.5027661968102707, 15, 0.5027661968102709, "exact"),  # the 16th digit is not compared
        (0.9615384615384615, 15, 0.9615384615384616, "exact"),  # which round to two numbers of 15 digits
        (0.5027661968102707, 15, 0.5027661968102609, "close"),
    ],
)
def test_a_number_of_fewer_than_three_digits_is_never_called_exact(
    value: float, digits: int, ours: float, verdict: str
) -> None:
    assert compare(claim(value, digits), ours).verdict == verdict


@given(st.integers(-5000, 5000).filter(lambda steps: abs(steps) > 10).map(lambda steps: steps / 10_000))
def test_close_is_a_point_of_a_share_and_a_tenth_of_a_loss(off: float) -> None:
    share, loss = claim(0.5, 4), claim(0.5, 4, **LOSS)
    assert compare(share, 0.5 + off).verdict == ("close" if abs(off) <= 0.01 else "differs")
    assert compare(loss, 0.5 + off).verdict == ("close" if abs(off) <= 0.05 else "differs")


def test_what_can_not_be_compared_says_so_unless_it_is_the_same() -> None:
    other = claim(0.9439, 4, not_comparable="it goes on")
    assert compare(other, 0.9413).verdict == compare(other, None).verdict == "not comparable"
    assert compare(other, 0.9439).verdict == "exact"
    assert compare(claim(), None).verdict == "no result"


@given(SHARES, SHARES)
def test_words_hold_where_the_run_reaches_what_they_are_taken_for(value: float, least: float) -> None:
    assert compare(words(least=least), value).verdict == ("holds" if value >= least else "differs")
    assert compare(words(least=least, **LOSS), value).verdict == ("holds" if value <= least else "differs")


# --- an experiment ---------------------------------------------------------------------------------------------------

PRINTED = Rows(
    columns=("train/loss", "valid/accuracy"), digits=(2, 3), values=((0.5, 0.8), (0.05, 0.9)), first=0, every=10
)
AS_PRINTED = {"train/loss@0": 0.4951, "valid/accuracy@0": 0.8002, "train/loss@10": 0.05, "valid/accuracy@10": 0.9}


@pytest.mark.parametrize(
    ("changes", "verdict", "same", "remarks"),
    [
        ({}, "exact", 4, ()),  # a table is exact even where one of its numbers has a single digit
        ({"train/loss@10": 0.06}, "differs", 3, ("parts at epoch 10: training loss 0.06 for 0.05", "chance")),
        (
            {"train/loss@10": 0.06, "valid/accuracy@0": 0.799},
            *("differs", 2, ("parts before training: validation accuracy 79.9 % for 80.0 %", "chance")),
        ),
        ({"train/loss@10": None, "valid/accuracy@10": None}, "no result", 2, ("chance",)),
    ],
)
def test_an_experiment_has_the_worst_verdict_of_its_numbers(
    changes: dict[str, float | None], verdict: str, same: int, remarks: tuple[str, ...]
) -> None:
    [row] = rows_of(table(experiment("one", rows=PRINTED, same={**AS_PRINTED, **changes}, why="chance")))
    assert (row.verdict, row.same, row.remarks) == (verdict, same, remarks)


def test_the_scores_of_the_test_set_are_one_claim() -> None:
    scores = (Scores(precision=0.5, recall=0.5, f1=0.5), Scores(of="c1", precision=0.25, recall=1.0, f1=0.4))
    of_class = {"test/precision of c1": 0.25, "test/recall of c1": 1.0, "test/f1 of c1": 0.4}
    for changes, verdict in (({}, "exact"), ({"test/f1 of c1": 0.5}, "differs")):
        [row] = rows_of(table(experiment("one", scores=scores, same={**of_class, **changes})))
        [group] = row.groups
        assert (group.group.words, len(group.results)) == ("precision, recall and F1 of all classes and c1", 6)
        assert row.verdict == verdict


def test_numbers_of_several_epochs_say_where_they_part_first() -> None:
    later, earlier = (claim(0.5, 3, **LOSS, epoch=epoch) for epoch in (20, 10))
    in_words = words(metric="valid/accuracy", epoch=5)
    of = experiment("one", in_words, later, earlier, same={"valid/loss@20": 0.51, "valid/loss@10": 0.506})
    assert rows_of(table(of))[0].remarks == ("parts at epoch 10: validation loss 0.506 for 0.500",)


def test_an_experiment_is_one_row_in_the_order_of_texts_and_says_how_its_run_ended() -> None:
    rows = rows_of(
        table(
            experiment("b", claim(0.951, 3, note="a quirk"), claim(0.5), same={"test/accuracy": 0.951}),
            experiment("none"),
            experiment("no draws", claim()),
            experiment("failed", claim(), same="diverged at epoch 3"),
            experiment("early", claim(), same={"test/accuracy": 0.95}, stopped={-1: 30}, dead={-1: ("5", "8")}),
        )
    )
    assert [(row.experiment.name, row.verdict, row.remarks) for row in rows] == [
        ("b", "differs", ()),
        ("no draws", "not comparable", ("no run has the text's draws",)),
        ("failed", "no result", ("diverged at epoch 3",)),
        ("early", "same when rounded", ("stopped early, after epoch 30", "no test example of 5, 8 is recognized")),
    ]
    assert counts(rows) == {
        **dict.fromkeys(VERDICTS, 0),
        **dict.fromkeys(("differs", "not comparable", "no result", "same when rounded"), 1),
    }
    assert rows_of(table(experiment("b", claim()), parts=("ours",))) == []
