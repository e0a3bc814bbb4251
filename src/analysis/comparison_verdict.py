"""What the numbers of variants say, in plain English. Accuracies are in percent, their differences in points."""

from collections.abc import Sequence
from dataclasses import dataclass

from src.analysis.statistics import ALPHA, FEWEST, Effect, Interval, wilcoxon_floor
from src.runs.metric import SETS, Metric, set_names
from src.studies.comparisons.results import Results, StudyRun

_MOST_NAMES = 6  # in one list
_WANT = f"for want of {FEWEST} shared seeds"
# By verdict, the words for one, for several, and after "none of", if all have the verdict and that reads better.
_OF_STEPS = {
    "better": ("helps", "help", ""),
    "worse": ("hurts", "hurt", ""),
    "no difference": ("changes nothing", "change nothing", ""),
    "undecided": ("can't be told from no change", "can't be told from no change", "can be told from no change"),
    "no verdict": (f"has no verdict {_WANT}", f"have no verdict {_WANT}", f"has a verdict, {_WANT}"),
}
_OF_VARIANTS = {
    "better": ("is better", "are better", ""),
    "worse": ("is worse", "are worse", ""),
    "no difference": ("equals it with every shared seed", "equal it with every shared seed", ""),
    "undecided": ("can't be told from it", "can't be told from it", "can be told from it"),
    "no verdict": _OF_STEPS["no verdict"],
}


@dataclass(frozen=True)
class Comparison:
    """A variant against another one, over the seeds that both have finished."""

    variant: str
    against: str
    effect: Effect | None  # of `report_on`; None if they have no finished seed in common
    corrected_p: float | None  # Holm's, over all comparisons of the study; None for fewer than 3 pairs
    verdict: str  # better, worse, no difference, undecided, no verdict


@dataclass(frozen=True)
class VariantSummary:
    """The numbers of a variant."""

    variant: str
    changes: tuple[str, ...]
    chosen_by: Interval | None  # over seeds; None if no run finished
    reported: Interval | None
    failures: tuple[str, ...]  # such as "seed 2: diverged at epoch 3"
    against_baseline: Comparison | None  # None for the baseline
    step: Comparison | None  # against the variant before, in a cumulative study


def sentences(results: Results, rows: Sequence[VariantSummary]) -> tuple[str, str]:
    """The result of the chosen variant, and how many variants (steps, in a cumulative study) are better, worse, ..."""
    if (chosen := results.chosen) is None:
        return "No run of the study finished, so there is nothing to rank.", _first_failure(results)
    return _of_chosen(results, rows, chosen), _of_others(results, rows)


def notes(results: Results, rows: Sequence[VariantSummary], family: Sequence[Comparison]) -> tuple[str, ...]:
    """What a reader should know about the numbers, one sentence each. family: the distinct comparisons of the study."""
    said = []
    if copies := [name for part, name in set_names(results.data).items() if name != SETS[part]]:
        said.append(f"Not all sets have examples of their own: {', '.join(copies)}.")
    if results.choose_by != results.report_on and len(rows) > 1:
        said.append(f"Variants are ranked by {results.choose_by}; effects and tests are about {results.report_on}.")
    if results.choose_by.is_loss or results.report_on.is_loss:
        said.append("A loss is better when it is smaller, and an effect is positive if the variant is better.")
    tested = [comparison for comparison in family if comparison.corrected_p is not None]
    if tested:
        said.append(
            "Effects are mean differences of runs with the same seed, with 95 % Student-t intervals; the p of their "
            f"paired t-tests are corrected by Holm's method for {_count(len(tested), 'comparison')}."
        )
    if len(results.seeds) < FEWEST:
        said.append(f"With fewer than {FEWEST} seeds there are numbers, but no verdicts.")
    elif len(tested) < len(family):
        short = _listing([f"{each.variant} against {each.against}" for each in family if each.corrected_p is None])
        said.append(f"There is no verdict where fewer than {FEWEST} shared seeds finished: {short}.")
    most = max((c.effect.n for c in tested if c.effect), default=0)
    if tested and wilcoxon_floor(most) >= ALPHA:
        said.append(
            f"With {most} seeds Wilcoxon's test can't go below p = {wilcoxon_floor(most):g}, so it can only confirm "
            "the direction."
        )
    failed = [run for run in results.runs if run.status != "finished"]
    if failed:
        who = _listing([_failed_seeds(row.variant, failed) for row in rows if row.failures], "; ")
        said.append(
            f"{len(failed)} of {_count(len(results.runs), 'run')} failed ({who}); comparisons leave out their pairs, "
            "and variants with fewer failures rank first."
        )
    return tuple(said)


def _first_failure(results: Results) -> str:
    first = results.runs[0]
    reason = " ".join(first.reason.split()).rstrip(".")
    if len(results.runs) == 1:
        return f"The only one, {first.variant} with seed {first.seed}, failed: {reason}."
    return f"The first of {len(results.runs)} failures is that of {first.variant} with seed {first.seed}: {reason}."


def _of_chosen(results: Results, rows: Sequence[VariantSummary], chosen: str) -> str:
    row = next(row for row in rows if row.variant == chosen)
    assert row.chosen_by is not None  # of a chosen variant, at least one run finished
    assert row.reported is not None
    ranking, report = results.choose_by, results.report_on
    ranked = _estimate(row.chosen_by.mean, [], ranking, "" if ranking.is_loss else " %")
    bounds = [row.reported.low, row.reported.high] if row.reported.n >= FEWEST else []
    mean = _estimate(row.reported.mean, bounds, report, "" if report.is_loss else " %")
    reached = f"reaches {'a loss of ' * report.is_loss}{mean} on the {SETS[report.part]} set"
    if len(rows) == 1:
        return f"{chosen}, the only variant, has {ranked} by {ranking} and {reached}."
    alone = sum(row.chosen_by is not None for row in rows) == 1
    apposition = ", the only variant that finished," if alone else ", the baseline," if not row.against_baseline else ""
    spared = any(other.chosen_by and len(other.failures) > len(row.failures) for other in rows)
    among = " among the variants with the fewest failures" if spared else ""
    said = f"{chosen}{apposition} ranks first by {ranking} ({ranked}){among} and {reached}"
    return f"{said}{_beside(row.against_baseline, report)}." if row.against_baseline else f"{said}."


def _beside(comparison: Comparison, metric: Metric) -> str:
    effect, baseline = comparison.effect, comparison.against
    if effect is None:
        return f", but shares no finished seed with {baseline}, so there is no verdict"
    if comparison.verdict == "no difference":
        return f", just as {baseline} does with every shared seed"
    flipped = -1 if effect.mean < 0 else 1  # "6 points below": the size of the difference, then its side
    bounds = sorted(flipped * bound for bound in (effect.low, effect.high) if bound is not None)
    unit = "" if metric.is_loss else " points"
    size = _estimate(flipped * effect.mean, bounds if effect.n >= FEWEST else [], metric, unit)
    side = "from" if not effect.mean else "above" if (effect.mean > 0) != metric.is_loss else "below"
    said = f", {size} {side} {baseline}"
    if comparison.corrected_p is None:
        return f"{said} over {_count(effect.n, 'shared seed')}, too few for a verdict"
    p = "p < 0.0001" if comparison.corrected_p < 0.0001 else f"p = {round(comparison.corrected_p, 4):g}"
    agree = f", {effect.agreeing} of {effect.n} seeds agree{'s' * (effect.agreeing == 1)}" if effect.mean else ""
    undecided = ", which does not tell the two apart" if comparison.verdict == "undecided" else ""
    return f"{said} (corrected {p}{agree}){undecided}"


def _of_others(results: Results, rows: Sequence[VariantSummary]) -> str:
    compared = [c for row in rows if (c := row.step if results.cumulative else row.against_baseline)]
    said_of = _OF_STEPS if results.cumulative else _OF_VARIANTS
    one, many = ("step", "steps") if results.cumulative else ("variant", "variants")
    against = "" if results.cumulative else f" compared with {results.baseline}"
    by_verdict = {verdict: [c.variant for c in compared if c.verdict == verdict] for verdict in said_of}
    by_verdict = {verdict: names for verdict, names in by_verdict.items() if names}
    if not compared:
        return "There is nothing to compare it with."
    if len(by_verdict) > 1:
        parts = [
            f"{len(names)} {said_of[verdict][len(names) > 1]} ({_listing(names)})"
            for verdict, names in by_verdict.items()
        ]
        return f"Of the {len(compared)} {many}{against}, {', '.join(parts[:-1])} and {parts[-1]}."
    singular, plural, positive = said_of[next(iter(by_verdict))]
    if len(compared) == 1:
        return f"The only {one}{against}, {compared[0].variant}, {singular}."
    if positive:
        none = f"Neither of the 2 {many}" if len(compared) == 2 else f"None of the {len(compared)} {many}"
        return f"{none}{against} {positive}."
    return f"{'Both' if len(compared) == 2 else f'All {len(compared)}'} {many}{against} {plural}."


def _failed_seeds(variant: str, failed: Sequence[StudyRun]) -> str:
    seeds = [str(run.seed) for run in failed if run.variant == variant]
    return f"{variant} with {'seeds' if len(seeds) > 1 else 'seed'} {_listing(seeds)}"


def _estimate(mean: float, bounds: Sequence[float | None], metric: Metric, unit: str) -> str:
    within = ", ".join(_number(bound, metric) for bound in bounds if bound is not None)
    return f"{_number(mean, metric)}{unit}{f' [{within}]' if within else ''}"


def _number(x: float, metric: Metric) -> str:
    """Four significant digits of a loss; an accuracy times 100 with two decimals, or more if these would be zeros."""
    if metric.is_loss:
        return f"{x:.4g}"
    return f"{100 * x:.2f}" if abs(x) >= 5e-5 or not x else f"{100 * x:.1g}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _listing(names: Sequence[str], comma: str = ", ") -> str:
    """All names, or all but the last few if there are too many: `a, b, c, d, e and 3 more`."""
    if len(names) <= _MOST_NAMES:
        return comma.join(names)
    return f"{comma.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1} more"
