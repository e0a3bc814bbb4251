"""What a study's summary says: against numbers computed plainly, in every case that a study can come to."""

import dataclasses
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.analysis.comparison_summary import Summary, summarize
from src.analysis.comparison_verdict import Comparison, VariantSummary
from src.analysis.statistics import holm, paired
from src.foundation.files import json_text
from src.reporting.comparison_report import as_json
from src.studies.comparisons.results import Results
from tests.reporting.studies import make_results, true_labels

BASE = [0.910, 0.912, 0.909, 0.911, 0.913]
WAVE = np.array([-0.0008, 0.0006, -0.0002, 0.0004, 0.0])
DIVERGED = "diverged at epoch 3"


def plus(gain: float, wave: float = 1.0) -> list[float]:
    """Accuracies that lie `gain` above the base, seed by seed, give or take a wave."""
    return [round(x, 6) for x in (np.array(BASE) + gain + wave * WAVE).tolist()]


LADDER = {
    "mse": BASE,
    "cross_entropy": plus(0.020),
    "relu": plus(0.040),
    "glorot": plus(0.036),
    "momentum": plus(0.050),
    "decay": plus(0.060),
    "dropout": plus(0.060, -2),
}


def told(results: Results, examples: int = 1000) -> Summary:
    return summarize(results, true_labels(examples))


def against_baseline(summary: Summary) -> dict[str, Comparison]:
    return {row.variant: row.against_baseline for row in summary.rows if row.against_baseline}


def row_of(summary: Summary, variant: str) -> VariantSummary:
    return next(row for row in summary.rows if row.variant == variant)


def test_a_ladder_is_told_in_two_sentences() -> None:
    summary = told(make_results(LADDER, cumulative=True))
    assert summary.chosen == "decay"
    assert summary.verdict == (
        "decay ranks first by valid/accuracy (97.10 %) and reaches 97.10 % [96.86, 97.34] on the test set, "
        "6.00 points [5.93, 6.07] above mse (corrected p < 0.0001, 5 of 5 seeds agree).",
        "Of the 6 steps, 4 help (cross_entropy, relu, momentum, decay), 1 hurts (glorot) and "
        "1 can't be told from no change (dropout).",
    )
    without_steps = told(make_results(LADDER))
    assert without_steps.verdict[1] == "All 6 variants compared with mse are better."
    assert not any(row.step for row in without_steps.rows)
    assert told(make_results({"mse": BASE})).notes == ()  # one variant alone needs none


def test_comparisons_are_paired_by_seed_and_corrected_as_one_family() -> None:
    summary = told(make_results(LADDER, cumulative=True))
    names = list(LADDER)
    pairs = [(name, "mse") for name in names[1:]] + list(zip(names[2:], names[1:], strict=False))
    effects = [paired(LADDER[variant], LADDER[against]) for variant, against in pairs]
    corrected = holm([effect.p_t or 0.0 for effect in effects])
    expected = {pair: (effect, p) for pair, effect, p in zip(pairs, effects, corrected, strict=True)}
    found = [c for row in summary.rows for c in (row.against_baseline, row.step) if c]
    assert len(found) == 12  # the first step twice
    assert {(c.variant, c.against): (c.effect, c.corrected_p) for c in found} == expected
    assert row_of(summary, "cross_entropy").step == row_of(summary, "cross_entropy").against_baseline
    assert any("for 11 comparisons" in note for note in summary.notes)


def test_a_smaller_loss_is_better() -> None:
    # The losses made up are 3 (1 - accuracy).
    by_accuracy = told(make_results(LADDER, cumulative=True))
    by_loss = told(make_results(LADDER, cumulative=True, choose_by="valid/loss", report_on="test/loss"))
    assert by_loss.chosen == by_accuracy.chosen
    for one, other in zip(by_loss.rows, by_accuracy.rows, strict=True):
        for ours, theirs in ((one.against_baseline, other.against_baseline), (one.step, other.step)):
            assert (ours is None) == (theirs is None)
            if ours and theirs and ours.effect and theirs.effect:
                assert (ours.verdict, ours.corrected_p) == (theirs.verdict, pytest.approx(theirs.corrected_p, rel=1e-6))
                assert ours.effect.mean == pytest.approx(3 * theirs.effect.mean)
    assert by_loss.rows[0].reported
    assert by_loss.rows[0].reported.mean == pytest.approx(3 * (1 - np.mean(BASE)))
    assert by_loss.verdict[0] == (
        "decay ranks first by valid/loss (0.087) and reaches a loss of 0.087 [0.07983, 0.09417] on the test set, "
        "0.18 [0.178, 0.182] below mse (corrected p < 0.0001, 5 of 5 seeds agree)."
    )
    assert any(note.startswith("A loss is better when it is smaller") for note in by_loss.notes)


CASES = {
    "the baseline is best": (
        make_results({"mse": BASE, "a": plus(-0.01)}),
        "mse, the baseline, ranks first by valid/accuracy (91.10 %) and reaches 91.10 % [90.90, 91.30] on the test "
        "set.",
        "The only variant compared with mse, a, is worse.",
    ),
    "best on the validation set, worse on the test set": (
        make_results({"mse": BASE, "a": plus(-0.01)}, valid={"mse": BASE, "a": plus(0.01)}),
        "a ranks first by valid/accuracy (92.10 %) and reaches 90.10 % [89.86, 90.34] on the test set, 1.00 points "
        "[0.93, 1.07] below mse (corrected p < 0.0001, 5 of 5 seeds agree).",
        "The only variant compared with mse, a, is worse.",
    ),
    "identical on both sets": (
        make_results({"mse": BASE, "a": BASE, "b": BASE}),
        "mse, the baseline, ranks first by valid/accuracy (91.10 %) and reaches 91.10 % [90.90, 91.30] on the test "
        "set.",
        "Both variants compared with mse equal it with every shared seed.",
    ),
    "identical on the test set": (
        make_results({"mse": BASE, "a": BASE}, valid={"mse": BASE, "a": plus(0.01)}),
        "a ranks first by valid/accuracy (92.10 %) and reaches 91.10 % [90.90, 91.30] on the test set, just as mse "
        "does with every shared seed.",
        "The only variant compared with mse, a, equals it with every shared seed.",
    ),
    "undecided": (
        make_results({"mse": BASE, "a": plus(0.0002), "b": plus(0.0001), "c": plus(-0.0001)}),
        "a ranks first by valid/accuracy (91.12 %) and reaches 91.12 % [90.88, 91.36] on the test set, 0.02 points "
        "[-0.05, 0.09] above mse (corrected p = 1, 3 of 5 seeds agree), which does not tell the two apart.",
        "None of the 3 variants compared with mse can be told from it.",
    ),
    "a difference that two decimals would hide": (
        make_results({"mse": [0.5, 0.6, 0.7, 0.8], "a": [0.5, 0.6, 0.7, 0.80008]}),
        "a ranks first by valid/accuracy (65.00 %) and reaches 65.00 % [44.45, 85.55] on the test set, 0.002 points "
        "[-0.004, 0.01] above mse (corrected p = 0.391, 1 of 4 seeds agrees), which does not tell the two apart.",
        "The only variant compared with mse, a, can't be told from it.",
    ),
    "a mean of no difference": (
        make_results(
            {"mse": [0.5, 0.6, 0.7], "a": [0.6, 0.5, 0.7]}, valid={"mse": [0.5, 0.6, 0.7], "a": [0.9, 0.9, 0.9]}
        ),
        "a ranks first by valid/accuracy (90.00 %) and reaches 60.00 % [35.16, 84.84] on the test set, 0.00 points "
        "[-24.84, 24.84] from mse (corrected p = 1), which does not tell the two apart.",
        "The only variant compared with mse, a, can't be told from it.",
    ),
    "equal gains": (
        make_results({"mse": BASE, "a": [x + 0.01 for x in BASE]}),
        "a ranks first by valid/accuracy (92.10 %) and reaches 92.10 % [91.90, 92.30] on the test set, 1.00 points "
        "[1.00, 1.00] above mse (corrected p < 0.0001, 5 of 5 seeds agree).",
        "The only variant compared with mse, a, is better.",
    ),
    "two seeds": (
        make_results({"mse": BASE[:2], "a": plus(0.01)[:2], "b": plus(0.02)[:2]}, cumulative=True),
        "b ranks first by valid/accuracy (93.09 %) and reaches 93.09 % on the test set, 1.99 points above mse over 2 "
        "shared seeds, too few for a verdict.",
        "Neither of the 2 steps has a verdict, for want of 3 shared seeds.",
    ),
    "one seed": (
        make_results({"mse": [0.9], "a": [0.95]}),
        "a ranks first by valid/accuracy (95.00 %) and reaches 95.00 % on the test set, 5.00 points above mse over 1 "
        "shared seed, too few for a verdict.",
        "The only variant compared with mse, a, has no verdict for want of 3 shared seeds.",
    ),
    "one variant": (
        make_results({"mse": BASE}),
        "mse, the only variant, has 91.10 % by valid/accuracy and reaches 91.10 % [90.90, 91.30] on the test set.",
        "There is nothing to compare it with.",
    ),
    "a failed baseline": (
        make_results({"mse": [DIVERGED] * 3, "a": BASE[:3], "b": [DIVERGED] * 3}),
        "a, the only variant that finished, ranks first by valid/accuracy (91.03 %) and reaches 91.03 % [90.65, 91.41] "
        "on the test set, but shares no finished seed with mse, so there is no verdict.",
        "Neither of the 2 variants compared with mse has a verdict, for want of 3 shared seeds.",
    ),
    "failures on both sides": (
        make_results({"mse": ["out of memory", *BASE[1:]], "a": [*plus(0.01)[:4], DIVERGED], "b": [DIVERGED] * 5}),
        "a ranks first by valid/accuracy (92.05 %) and reaches 92.05 % [91.76, 92.34] on the test set, 1.03 points "
        "[0.92, 1.13] above mse (corrected p = 0.0005, 3 of 3 seeds agree).",
        "Of the 2 variants compared with mse, 1 is better (a) and 1 has no verdict for want of 3 shared seeds (b).",
    ),
    "nothing finished": (
        make_results({"mse": [DIVERGED, "x"], "a": ["y", "z"]}),
        "No run of the study finished, so there is nothing to rank.",
        "The first of 4 failures is that of mse with seed 0: diverged at epoch 3.",
    ),
    "one run, failed": (
        make_results({"mse": ["OSError: no space\nleft on device."]}),
        "No run of the study finished, so there is nothing to rank.",
        "The only one, mse with seed 0, failed: OSError: no space left on device.",
    ),
    "many variants": (
        make_results({"mse": BASE, "bad": plus(-0.01)} | {f"v{i}": plus(0.01 + i / 1000) for i in range(9)}),
        "v8 ranks first by valid/accuracy (92.90 %) and reaches 92.90 % [92.66, 93.14] on the test set, 1.80 points "
        "[1.73, 1.87] above mse (corrected p < 0.0001, 5 of 5 seeds agree).",
        "Of the 10 variants compared with mse, 9 are better (v0, v1, v2, v3, v4 and 4 more) and 1 is worse (bad).",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_its_sentences(case: str) -> None:
    results, *expected = CASES[case]
    assert list(told(results).verdict) == expected


def test_what_fails_at_times_does_not_rank_first_for_the_seeds_that_went_well() -> None:
    summary = told(make_results({"mse": BASE, "steady": plus(0.01), "wild": [0.99, DIVERGED, 0.99, "x", 0.99]}))
    assert summary.chosen == "steady"
    assert "(92.10 %) among the variants with the fewest failures and reaches" in summary.verdict[0]
    assert row_of(summary, "wild").failures == ("seed 1: diverged at epoch 3", "seed 3: x")
    assert (
        "2 of 15 runs failed (wild with seeds 1, 3); comparisons leave out their pairs, and variants with fewer "
        "failures rank first."
    ) in summary.notes
    # Wilcoxon's floor is that of the most pairs.
    assert any(note.startswith("With 5 seeds Wilcoxon's test can't go below p = 0.0625,") for note in summary.notes)
    effect = against_baseline(summary)["wild"].effect
    assert effect
    assert effect.differences == pytest.approx([0.08, 0.081, 0.077])


def test_of_equal_means_the_baseline_is_chosen_and_then_the_first() -> None:
    # 0.6499999999999999 and 0.65, by the order of summation.
    less, more = [0.7, 0.1, 0.95, 0.85], [0.1, 0.7, 0.95, 0.85]
    assert told(make_results({"a": more, "mse": less, "b": more}, baseline="mse")).chosen == "mse"
    assert told(make_results({"mse": [0.5] * 4, "a": less, "b": more})).chosen == "a"


def test_too_few_shared_seeds_stay_out_of_the_family() -> None:
    summary = told(make_results({"mse": BASE, "a": plus(0.01), "b": [0.99, 0.98, *[DIVERGED] * 3]}))
    whole, few = against_baseline(summary).values()
    assert whole.effect
    assert few.effect
    assert whole.corrected_p == whole.effect.p_t
    assert (few.effect.n, few.corrected_p, few.verdict) == (2, None, "no verdict")
    assert any("for 1 comparison." in note for note in summary.notes)
    assert "There is no verdict where fewer than 3 shared seeds finished: b against mse." in summary.notes


@pytest.mark.parametrize(
    ("seeds", "note"),
    [
        (2, "With fewer than 3 seeds there are numbers, but no verdicts."),
        (3, "With 3 seeds Wilcoxon's test can't go below p = 0.25, so it can only confirm the direction."),
        (5, "With 5 seeds Wilcoxon's test can't go below p = 0.0625, so it can only confirm the direction."),
        (6, None),
    ],
)
def test_notes_on_the_number_of_seeds(seeds: int, note: str | None) -> None:
    values = [*BASE, 0.914][:seeds]
    summary = told(make_results({"mse": values, "a": [x + 0.01 for x in values]}))
    about_seeds = [each for each in summary.notes if re.match(r"With (fewer than )?\d+ seeds", each)]
    assert about_seeds == ([note] if note else [])
    assert "Variants are ranked by valid/accuracy; effects and tests are about test/accuracy." in summary.notes


def test_two_single_models_are_compared_on_the_first_seed_that_both_finished() -> None:
    results = make_results({"mse": [DIVERGED, *BASE[1:]], "a": [0.95, 0.96, *plus(0.02)[2:]]}, seeds=[7, 3, 5, 1, 9])
    single = told(results).single_models
    assert single
    assert (single.seed, single.baseline, single.chosen) == (3, "mse", "a")
    ours, theirs = (results.run(variant, 3).predicted == true_labels() for variant in ("a", "mse"))
    assert single.mcnemar.only_second == sum(o and not t for o, t in zip(ours, theirs, strict=True))
    assert single.mcnemar.only_second - single.mcnemar.only_first == 960 - 912
    assert told(make_results({"mse": BASE, "a": plus(-0.01)})).single_models is None  # the baseline is the chosen one
    with pytest.raises(ValueError, match="shape"):
        summarize(results, true_labels(999))


# Of any study: a few variants, with accuracies that often tie, and failures.
cells = st.one_of(st.integers(9700, 9704).map(lambda right: right / 10_000), st.just(DIVERGED))


@st.composite
def studies(draw: st.DrawFn) -> Results:
    seeds = draw(st.integers(1, 6))
    names = ["mse", "relu", "glorot", "dropout"][: draw(st.integers(1, 4))]
    return make_results(
        {name: draw(st.lists(cells, min_size=seeds, max_size=seeds)) for name in names},
        baseline=draw(st.sampled_from(names)),
        cumulative=draw(st.booleans()),
        choose_by=draw(st.sampled_from(["valid/accuracy", "valid/loss"])),
        report_on=draw(st.sampled_from(["test/accuracy", "test/loss"])),
        examples=10,
    )


@given(studies())
def test_any_study_is_told_in_whole_sentences_and_plain_json(results: Results) -> None:
    summary = told(results, 10)
    for sentence in (*summary.verdict, *summary.notes):
        assert re.fullmatch(r"\S.*[^ .]\.", sentence)
        assert not re.search(r"\bnan\b|None(?! of the)|\binf\b|  |\[\]|\(\)|-0\.00\b", sentence)
        assert not re.search(r"\b1 (are|have|help|hurt|equal|change|seeds|runs|comparisons)\b", sentence)
        assert not re.search(r"\b([2-9]|\d\d+) (is|has|helps|hurts|equals|changes)\b", sentence)
    compared = [c for row in summary.rows if (c := row.step if results.cumulative else row.against_baseline)]
    if counted := re.findall(r"(?:, | and )(\d+) (?!more)", summary.verdict[1]):
        assert sum(map(int, counted)) == len(compared)

    tree = json.loads(json_text(as_json(summary, results)))
    assert [variant["variant"] for variant in tree["variants"]] == [variant.name for variant in results.variants]
    assert tree["chosen"] == summary.chosen
    assert (summary.chosen is None) == all(run.status == "failed" for run in results.runs)
    for comparison in compared:
        decided = comparison.effect is not None and comparison.effect.n >= 3
        assert (comparison.verdict == "no verdict") == (comparison.corrected_p is None) == (not decided)


@given(studies(), st.permutations(range(4)))
def test_the_order_of_declaration_changes_no_number(results: Results, order: list[int]) -> None:
    plain = dataclasses.replace(results, cumulative=False)
    variants = tuple(plain.variants[i] for i in order if i < len(plain.variants))
    runs = tuple(run for variant in variants for run in plain.runs if run.variant == variant.name)
    moved = told(dataclasses.replace(plain, variants=variants, runs=runs), 10)
    assert against_baseline(moved) == against_baseline(told(plain, 10))
    assert {row.variant: row for row in moved.rows} == {row.variant: row for row in told(plain, 10).rows}


def test_a_note_says_that_the_test_set_serves_as_validation_set() -> None:
    results = make_results({"mse": BASE, "a": BASE})
    split = {"train": 0.7, "valid": 0.3, "test": 0.3, "overlap": "valid_is_test"}
    told_so = told(dataclasses.replace(results, data={"split": split})).notes
    assert told_so == ("Not all sets have examples of their own: validation (= test).", *told(results).notes)
