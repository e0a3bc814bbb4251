"""One variant of a study beside another one, and the numbers of one variant."""

from dataclasses import dataclass

from src.analysis.statistics import Effect, Interval


@dataclass(frozen=True)
class Comparison:
    """A variant against another one, over the seeds that both have finished."""

    variant: str
    against: str
    effect: Effect | None  # of `report_on`; None where they have no finished seed in common
    corrected_p: float | None  # Holm's, over all comparisons of the study; None for fewer than 3 pairs
    verdict: str  # better, worse, no difference, undecided, no verdict


@dataclass(frozen=True)
class VariantSummary:
    """The numbers of a variant."""

    variant: str
    changes: tuple[str, ...]
    chosen_by: Interval | None  # over seeds; None where no run finished
    reported: Interval | None
    seconds: float | None  # mean of training alone; None where it is not known
    failures: tuple[str, ...]  # such as "seed 2: diverged at epoch 3"
    against_baseline: Comparison | None  # None for the baseline
    step: Comparison | None  # against the variant before, in a cumulative study
