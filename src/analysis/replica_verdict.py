"""Whether our runs reproduce published numbers: one row per claim, and one row for a whole printed table."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from src.analysis.statistics import FEWEST, Interval, interval
from src.studies.replicas.claims import Claim
from src.studies.replicas.collect import Replica, Table
from src.studies.replicas.declare import Experiment

# From best to worst, with how they are counted: a printed table has the worst verdict of its numbers.
VERDICTS = {
    "exact": "came out exactly",
    "within interval": "within our interval",
    "holds": "as the words say",
    "better": "better",
    "differs": "different",
    "worse": "worse",
    "no verdict": "without a verdict",
    "no result": "without a result",
}


@dataclass(frozen=True)
class ClaimResult:
    """A claim, and our runs' values of its quantity."""

    claim: Claim
    values: tuple[float, ...]  # of the runs that measured it, in the order of seeds
    mean: Interval | None  # with its interval; None if no run measured it
    low: float | None  # of the prediction interval for a single run; None for fewer than two runs
    high: float | None
    difference: float | None  # ours minus the published number; for a single run, of the printed digits
    verdict: str  # one of VERDICTS


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    experiment: Experiment
    compared: ClaimResult | None  # None for a printed table, or if nothing is published
    printed: tuple[tuple[ClaimResult, ...], ...]  # [epochs][columns], of a printed table
    verdict: str  # empty if nothing is published
    remarks: tuple[str, ...]  # the reason of a difference; runs that failed, or stopped early

    @property
    def same(self) -> int:
        """Of a printed table: the number of lines that our run reproduces in all digits."""
        return sum(all(each.verdict == "exact" for each in line) for line in self.printed)


def rows_of(table: Table) -> list[Row]:
    """The lines of the table, text by text and experiment by experiment."""
    return [
        row
        for text in table.declaration.texts
        for replica in table.replicas
        if replica.experiment.text == text
        for row in _rows(replica)
    ]


def counts(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many rows have each of `VERDICTS`."""
    counted = Counter(row.verdict for row in rows if row.verdict)
    return {verdict: counted[verdict] for verdict in VERDICTS}


def compare(claim: Claim, values: Sequence[float], single: bool) -> ClaimResult:
    """Judges a claim by our runs' values [runs]. single: whether our one run should give exactly the printed digits."""
    if not values:
        return ClaimResult(claim, (), None, None, None, None, "no result")
    mean = interval(values)
    low, high = prediction(mean)
    if not claim.about.is_loss:  # shares stay between 0 and 1
        mean = replace(mean, low=_share(mean.low), high=_share(mean.high))
        low, high = _share(low), _share(high)
    difference, published, digits = None, claim.value, claim.digits
    if published is None or digits is None:
        verdict = "holds" if 2 * reaching(claim, values) > len(values) else "worse"
    elif single:
        difference = round(round(values[0], digits) - published, digits) + 0.0
        verdict = _side(claim, difference) if difference else "exact"
    else:
        difference = mean.mean - published
        half = 0.5 * 10.0**-digits  # a printed 0.98 may be anything from 0.975 to 0.985
        if len(values) < FEWEST or low is None or high is None:
            verdict = "no verdict"
        elif low <= published + half and published - half <= high:
            verdict = "within interval"
        else:
            verdict = _side(claim, difference)
    return ClaimResult(claim, tuple(values), mean, low, high, difference, verdict)


def prediction(mean: Interval) -> tuple[float | None, float | None]:
    """The prediction interval: bounds that hold one more run in 95 % of all cases, if values are normal.

        mean +- t s sqrt(1 + 1/n),   the mean's own interval, t s / sqrt(n), wider by sqrt(n + 1).

    None and None for fewer than two runs. Hahn and Meeker, "Statistical Intervals", Wiley, 1991.
    """
    if mean.low is None or mean.high is None:
        return None, None
    half = (mean.high - mean.low) / 2 * math.sqrt(mean.n + 1)
    return mean.mean - half, mean.mean + half


def _rows(replica: Replica) -> Iterator[Row]:
    experiment, single = replica.experiment, replica.experiment.single
    for claim in experiment.claims:
        compared = compare(claim, replica.values(claim), single)
        yield Row(experiment, compared, (), compared.verdict, _remarks(replica, claim.note, compared))
    if experiment.rows.values:
        printed = tuple(
            tuple(compare(claim, replica.values(claim), single) for claim in line) for line in experiment.rows.claims
        )
        verdict = max((each.verdict for line in printed for each in line), key=list(VERDICTS).index)
        yield Row(experiment, None, printed, verdict, _remarks(replica, experiment.rows.note, printed[-1][-1]))
    if not experiment.every_claim:
        yield Row(experiment, None, (), "", _remarks(replica, "", None))


def _share(bound: float | None) -> float | None:
    return None if bound is None else min(max(bound, 0.0), 1.0)


def reaching(claim: Claim, values: Sequence[float]) -> int:
    """How many runs reach `least`, which we accept for the words."""
    least = claim.least if claim.least is not None else math.nan
    return sum(value <= least if claim.better == "smaller" else value >= least for value in values)


def _side(claim: Claim, difference: float) -> str:
    if claim.better == "neither":
        return "differs"
    return "better" if (difference < 0) == (claim.better == "smaller") else "worse"


def _remarks(replica: Replica, note: str, last: ClaimResult | None) -> tuple[str, ...]:
    """The note, how many runs reach what the text says, which failed, and how many stopped before the claim's epoch."""
    failed = [f"seed {run.seed}: {run.reason}" for run in replica.runs if not run.measured]
    stopped = []
    if last is not None and (missing := len(replica.runs) - len(failed) - len(last.values)):
        of = f"{missing} of {len(replica.runs)} runs" if len(replica.runs) > 1 else "the run"
        stopped = [f"not reached: {of} stopped before epoch {last.claim.epoch}"]
    reached = []
    if last is not None and last.values and last.claim.says:
        reached = [f"{reaching(last.claim, last.values)} of {len(last.values)} runs reach it"]
    return tuple(filter(None, [note, *reached, *failed, *stopped]))
