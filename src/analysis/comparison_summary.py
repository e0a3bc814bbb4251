"""The numbers of a comparison of variants: those of its table, its figures and its verdict."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from src.analysis.comparison_verdict import Comparison, VariantSummary, notes, sentences
from src.analysis.statistics import FEWEST, Effect, Interval, McNemar, holm, interval, mcnemar, paired, verdict
from src.runs.metric import Metric
from src.studies.comparisons.results import Results, StudyRun

_Finished = dict[str, dict[int, StudyRun]]  # by variant and seed, in the order of the declaration


@dataclass(frozen=True)
class SingleModels:
    """Two single models of one seed, on the test set: who is right where the other is wrong."""

    seed: int
    baseline: str
    chosen: str
    mcnemar: McNemar


@dataclass(frozen=True)
class Summary:
    """All the numbers of a study."""

    rows: tuple[VariantSummary, ...]  # in the order of the declaration
    chosen: str | None  # the best by `choose_by`; None where nothing finished
    single_models: SingleModels | None  # the baseline and the chosen variant; None where they are one
    verdict: tuple[str, str]  # two sentences
    notes: tuple[str, ...]  # what a reader should know: few seeds, failures, what Wilcoxon's test can't show


def summarize(results: Results, seconds: Mapping[str, float], y_test: ArrayLike | None) -> Summary:
    """The numbers of a study.

    Args:
        results: of the study.
        seconds: of training, by fingerprint, as far as they are known.
        y_test: [n_test] int, the true classes of the test set, for `single_models`; None if they are not available.

    Raises:
        ValueError: labels that are not as many as the predictions.
    """
    names = [variant.name for variant in results.variants]
    finished: _Finished = {name: {} for name in names}
    for run in results.runs:
        if run.status == "finished":
            finished[run.variant][run.seed] = run
    comparisons = _compare(results, names, finished)
    before = dict(zip(names[1:], names, strict=False)) if results.cumulative else {}
    rows = tuple(
        VariantSummary(
            name,
            variant.changes,
            chosen_by=_mean(results.values(name, results.choose_by)),
            reported=_mean(results.values(name, results.report_on)),
            seconds=_mean_seconds(finished[name], seconds),
            failures=tuple(
                f"seed {run.seed}: {run.reason}"
                for run in results.runs
                if run.variant == name and run.status != "finished"
            ),
            against_baseline=comparisons.get((name, results.baseline)),
            step=comparisons.get((name, before.get(name, ""))),
        )
        for name, variant in zip(names, results.variants, strict=True)
    )
    return Summary(
        rows,
        results.chosen,
        _single_models(results.baseline, results.chosen, finished, y_test),
        sentences(results, rows, results.chosen),
        notes(results, rows, tuple(comparisons.values())),
    )


def _compare(results: Results, names: Sequence[str], finished: _Finished) -> dict[tuple[str, str], Comparison]:
    """By (variant, against), each pair once: a cumulative study's first step is its first comparison, too."""
    pairs = [(name, results.baseline) for name in names if name != results.baseline]
    if results.cumulative:
        pairs += [(after, before) for before, after in itertools.pairwise(names)]
    effects = {(a, b): _effect(finished[a], finished[b], results.report_on) for a, b in pairs}
    tested = {
        pair: effect.p_t for pair, effect in effects.items() if effect and effect.n >= FEWEST and effect.p_t is not None
    }
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    return {
        pair: Comparison(*pair, effect, corrected.get(pair), verdict(effect, corrected.get(pair)))
        for pair, effect in effects.items()
    }


def _effect(variant: Mapping[int, StudyRun], against: Mapping[int, StudyRun], metric: Metric) -> Effect | None:
    shared = [seed for seed in variant if seed in against]
    sign = -1 if metric.is_loss else 1  # an effect is positive if the variant is better
    ours, theirs = ([sign * metric.of(runs[seed].result or {}) for seed in shared] for runs in (variant, against))
    return paired(ours, theirs) if shared else None


def _single_models(
    baseline: str, chosen: str | None, finished: _Finished, y_test: ArrayLike | None
) -> SingleModels | None:
    if y_test is None or chosen is None or chosen == baseline:
        return None
    for seed, ours in finished[chosen].items():
        theirs = finished[baseline].get(seed)
        if theirs is not None and theirs.predicted is not None and ours.predicted is not None:
            y = np.asarray(y_test)
            return SingleModels(seed, baseline, chosen, mcnemar(theirs.predicted == y, ours.predicted == y))
    return None


def _mean(values: Sequence[float]) -> Interval | None:
    return interval(values) if values else None


def _mean_seconds(runs: Mapping[int, StudyRun], seconds: Mapping[str, float]) -> float | None:
    known = [seconds[run.fingerprint] for run in runs.values() if run.fingerprint in seconds]
    return float(np.mean(known)) if known else None
