"""Whether a run with a text's own draws gives its printed numbers: a verdict for each number, and for each experiment.

What our own runs show is judged in `lesson_verdict.py`: a mean over seeds is no verdict on one published run.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from src.analysis import formats
from src.studies.replicas.claims import Claim, Group
from src.studies.replicas.collect import Replica, ReplicaRun, Table
from src.studies.replicas.declare import SAME_DRAWS, Experiment

# From best to worst, with how they are counted.
VERDICTS = {
    "exact": "came out exactly",
    "same when rounded": "the same when rounded",
    "holds": "as the words say",
    "close": "close",
    "differs": "different",
    "not comparable": "not comparable",
    "no result": "without a result",
}
SAME = ("exact", "same when rounded", "holds")
_TELLING = 3  # significant digits: one number that is printed with fewer is too coarse to be called exact
_ROUNDING = 1e-12  # of differences, far below any printed digit that is not compared exactly
_CLOSE_SHARE, _CLOSE_LOSS = 0.01, 0.1  # one percentage point; a tenth of a loss
_NO_RUN = "no run has the text's draws"


@dataclass(frozen=True)
class ClaimResult:
    """A claim, and what the run with the same draws has instead."""

    claim: Claim
    value: float | None  # ours; None if the run did not measure it
    difference: float | None  # ours minus the published number, both with the printed digits
    verdict: str  # one of VERDICTS


@dataclass(frozen=True)
class GroupResult:
    """What a text prints together, compared."""

    group: Group
    lines: tuple[tuple[ClaimResult, ...], ...]  # [lines][columns], as in the group

    @property
    def results(self) -> tuple[ClaimResult, ...]:
        """All numbers, line by line."""
        return tuple(itertools.chain.from_iterable(self.lines))

    @property
    def verdict(self) -> str:
        """The worst of its numbers."""
        return worst(self.results)

    @property
    def alone(self) -> ClaimResult | None:
        """The one number, if it is one."""
        return self.results[0] if len(self.results) == 1 else None

    @property
    def same_lines(self) -> int:
        """The number of lines that have every digit."""
        return sum(all(each.verdict in SAME for each in line) for line in self.lines)


@dataclass(frozen=True)
class Row:
    """A line of the first part of the table: an experiment."""

    experiment: Experiment
    run: ReplicaRun | None
    groups: tuple[GroupResult, ...]  # the first one is its headline
    remarks: tuple[str, ...]  # where and why it parts, or can't be compared; failed, stopped early or lost a class

    @property
    def results(self) -> tuple[ClaimResult, ...]:
        """All numbers of the experiment."""
        return tuple(itertools.chain.from_iterable(group.results for group in self.groups))

    @property
    def verdict(self) -> str:
        """The worst of its numbers; that of its headline if all of them are the same."""
        found = worst(self.results)
        return self.groups[0].verdict if found in SAME else found

    @property
    def same(self) -> int:
        """How many of its numbers are the same, in all printed digits."""
        return sum(each.verdict in SAME for each in self.results)


def rows_of(table: Table) -> list[Row]:
    """The lines of the first part, text by text: the experiments of which something is published.

    None if that part was not asked for.
    """
    if SAME_DRAWS not in table.declaration.shown:
        return []
    replicas = sorted(table.replicas, key=lambda each: [*table.declaration.texts].index(each.experiment.text))
    return [_row(replica) for replica in replicas if replica.experiment.groups]


def counts(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many experiments have each of `VERDICTS`."""
    counted = Counter(row.verdict for row in rows)
    return {verdict: counted[verdict] for verdict in VERDICTS}


def worst(results: Sequence[ClaimResult]) -> str:
    """The worst of their verdicts."""
    return max((each.verdict for each in results), key=[*VERDICTS].index)


def compare(claim: Claim, value: float | None, alone: bool = True) -> ClaimResult:
    """Judges a published number by the value of the run with the same draws. alone: it is in no table."""
    published, digits = claim.value, claim.digits
    if value is None:
        return ClaimResult(claim, None, None, "not comparable" if claim.not_comparable else "no result")
    if published is None or digits is None:
        return ClaimResult(claim, value, None, "holds" if _reaches(claim, value) else "differs")
    printed = round(published, digits)
    if printed == published:
        difference = round(round(value, digits) - printed, digits) + 0.0
    else:  # more digits are printed than compared, so that rounding both could put them on two sides of a half
        difference = 0.0 if abs(value - published) <= 10.0**-digits else value - published
    if not difference:
        coarse = alone and len(str(round(abs(printed) * 10**digits))) < _TELLING
        return ClaimResult(claim, value, difference, "same when rounded" if coarse else "exact")
    if claim.not_comparable:
        return ClaimResult(claim, value, difference, "not comparable")
    bound = _CLOSE_LOSS * abs(printed) if claim.about.is_loss else _CLOSE_SHARE
    return ClaimResult(claim, value, difference, "close" if abs(difference) <= bound + _ROUNDING else "differs")


def _reaches(claim: Claim, value: float) -> bool:
    assert claim.least is not None
    return value <= claim.least if claim.about.better == "smaller" else value >= claim.least


def _row(replica: Replica) -> Row:
    run = replica.same
    groups = tuple(GroupResult(group, _compared(group, run)) for group in replica.experiment.groups)
    return Row(replica.experiment, run, groups, tuple(dict.fromkeys(filter(None, _remarks(replica, groups)))))


def _compared(group: Group, run: ReplicaRun | None) -> tuple[tuple[ClaimResult, ...], ...]:
    alone = len(group.claims) == len(group.claims[0]) == 1

    def result(claim: Claim) -> ClaimResult:
        return (
            ClaimResult(claim, None, None, "not comparable") if run is None else compare(claim, run.value(claim), alone)
        )

    return tuple(tuple(result(claim) for claim in line) for line in group.claims)


def _remarks(replica: Replica, groups: Sequence[GroupResult]) -> Iterator[str]:
    run = replica.same
    if run is None:
        yield _NO_RUN
        return
    if run.measured is None:
        yield run.reason
        return
    yield f"stopped early, after epoch {run.measured.stopped}" if run.measured.stopped is not None else ""
    yield f"no test example of {', '.join(run.measured.dead)} is recognized" if run.measured.dead else ""
    results = [each for group in groups for each in group.results]
    yield from (each.claim.not_comparable for each in results if each.verdict == "not comparable")
    yield _parting(results)
    yield replica.experiment.why if any(each.verdict not in SAME for each in results) else ""


def _parting(results: Iterable[ClaimResult]) -> str:
    """Where the run parts from the text: "parts at epoch 10: validation loss 0.517 for 0.548"; empty if nowhere."""
    others = [each for each in results if each.claim.epoch is not None and each.verdict in ("close", "differs")]
    for first in sorted(others, key=lambda each: each.claim.epoch or 0):
        claim, epoch = first.claim, first.claim.epoch
        if claim.value is not None and claim.digits is not None and first.value is not None:
            ours, text = (formats.printed(x, claim.about, claim.digits) for x in (first.value, claim.value))
            when = f"at epoch {epoch}" if epoch else "before training"
            return f"parts {when}: {claim.about.words} {ours} for {text}"
    return ""
