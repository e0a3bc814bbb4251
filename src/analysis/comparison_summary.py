"""The numbers of a comparison of variants: those of its table, its figures and its verdict."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from src.analysis.comparison_verdict import Comparison, VariantSummary, notes, sentences
from src.analysis.statistics import FEWEST, Effect, McNemar, holm, interval, mcnemar, paired, verdict
from src.studies.comparisons.results import Results


@dataclass(frozen=True)
class SingleModels:
    """Two single models of one seed, on the test set: which is right where the other is wrong."""

    seed: int
    baseline: str
    chosen: str
    mcnemar: McNemar


@dataclass(frozen=True)
class Summary:
    """All the numbers of a study."""

    rows: tuple[VariantSummary, ...]  # in the order of the declaration
    chosen: str | None  # the best by `choose_by`; None if nothing finished
    single_models: SingleModels | None  # the baseline and the chosen variant; None if they are the same
    verdict: tuple[str, str]  # two sentences
    notes: tuple[str, ...]  # what a reader should know: few seeds, failures, what Wilcoxon's test can't show


def summarize(results: Results, y_test: ArrayLike) -> Summary:
    """The numbers of a study.

    Args:
        results: of the study.
        y_test: [n_test] int, the true classes of the test set, for `single_models`.

    Raises:
        ValueError: labels that are not as many as the predictions.
    """
    names = [variant.name for variant in results.variants]
    comparisons = _compare(results, names)
    before = dict(zip(names[1:], names, strict=False)) if results.cumulative else {}
    rows = []
    for name, variant in zip(names, results.variants, strict=True):
        runs = [run for run in results.runs if run.variant == name]
        chosen_by, reported = (results.values(name, metric) for metric in (results.choose_by, results.report_on))
        rows.append(
            VariantSummary(
                name,
                variant.changes,
                chosen_by=interval(chosen_by) if chosen_by else None,
                reported=interval(reported) if reported else None,
                failures=tuple(f"seed {run.seed}: {run.reason}" for run in runs if not run.result),
                against_baseline=comparisons.get((name, results.baseline)),
                step=comparisons.get((name, before.get(name, ""))),
            )
        )
    return Summary(
        tuple(rows),
        results.chosen,
        _single_models(results, y_test),
        sentences(results, rows),
        notes(results, rows, tuple(comparisons.values())),
    )


def _compare(results: Results, names: Sequence[str]) -> dict[tuple[str, str], Comparison]:
    """By (variant, against), each pair once: a cumulative study's first step is its first comparison, too."""
    pairs = [(name, results.baseline) for name in names if name != results.baseline]
    if results.cumulative:
        pairs += [(after, before) for before, after in itertools.pairwise(names)]
    effects = {pair: _effect(results, *pair) for pair in pairs}
    tested = {
        pair: effect.p_t for pair, effect in effects.items() if effect and effect.n >= FEWEST and effect.p_t is not None
    }
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {
        pair: Comparison(*pair, effect, corrected.get(pair), verdict(effect, corrected.get(pair)))
        for pair, effect in effects.items()
    }


def _effect(results: Results, variant: str, against: str) -> Effect | None:
    sign = -1 if results.report_on.is_loss else 1  # an effect is positive if the variant is better
    ours, theirs = [], []
    for seed in results.seeds:
        one, other = results.run(variant, seed).result, results.run(against, seed).result
        if one and other:
            ours.append(sign * results.report_on.of(one))
            theirs.append(sign * results.report_on.of(other))
    return paired(ours, theirs) if ours else None


def _single_models(results: Results, y_test: ArrayLike) -> SingleModels | None:
    baseline, chosen = results.baseline, results.chosen
    if chosen is None or chosen == baseline:
        return None
    for seed in results.seeds:
        theirs, ours = results.run(baseline, seed).predicted, results.run(chosen, seed).predicted
        if theirs is not None and ours is not None:
            y = np.asarray(y_test)
            return SingleModels(seed, baseline, chosen, mcnemar(theirs == y, ours == y))
    return None
