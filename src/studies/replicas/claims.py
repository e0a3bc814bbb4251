"""What a text says of one of its experiments: claims with the printed digits, tables of them, and lessons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from src.foundation.errors import UserError
from src.foundation.schema import show
from src.runs.metric import PARTS, Metric
from src.training.metrics import SCORES, WITH_DROPOUT

_EPOCHS = ("train", "valid")  # have a journal


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One quantity of one experiment, at the end of the run or after an epoch, and what its text says about it.

    Either a number, `value` with its `digits`, or words, `says` with `least`, the smallest value that we accept for
    them (the largest, if smaller is better).
    """

    metric: str  # such as test/accuracy; accuracies are fractions
    epoch: Annotated[int | None, ">= 0"] = None  # after which it is read from the journal; null: of the run's result
    at: tuple[float, ...] = ()  # the raw features of a new point, where the metric is new/CLASS
    label: str | None = None  # a class, of whose examples the metric is: precision, recall or f1 of the test set
    value: float | None = None
    digits: Annotated[int | None, ">= 0", "<= 17"] = None  # decimals of `value` that are compared
    says: str | None = None
    least: float | None = None
    rerun: float | None = None  # the result of a re-run of the text's own code, by others
    not_comparable: str = ""  # why the same draws can't give this number
    note: str = ""  # a quirk of the text

    @property
    def about(self) -> Metric:
        """The metric."""
        return Metric(self.metric)

    @property
    def words(self) -> str:
        """`valid/f1` at epoch 10 as "validation F1, epoch 10"."""
        if self.at:
            return f"{self.about.words} at ({', '.join(f'{x:g}' for x in self.at)})"
        if self.label is not None:
            return f"{self.about.words} of {self.label}"
        return self.about.words + {None: "", 0: ", before training"}.get(self.epoch, f", epoch {self.epoch}")

    def check(self, key: str) -> None:
        """Raises `UserError` for a claim with no value, with two, or about an unknown metric."""
        part = self.about.part
        if part not in PARTS or not self.about.quantity:
            allowed = f"PART/QUANTITY, like test/accuracy, where PART is one of {', '.join(PARTS)}"
            raise UserError(f"{key}.metric={show(self.metric)}: unknown; allowed: {allowed}")
        if (part == "new") != bool(self.at):
            raise UserError(f"{key}.at={show(list(self.at))}: needed for the metric new/CLASS, and for no other one")
        if self.label is not None and (part != "test" or self.about.quantity.removesuffix(WITH_DROPOUT) not in SCORES):
            allowed = ", ".join(f"test/{name}" for name in SCORES)
            raise UserError(f"{key}.label={show(self.label)}: {show(self.metric)} has no classes; allowed: {allowed}")
        if self.epoch is not None and part not in _EPOCHS:
            raise UserError(f"{key}.epoch={self.epoch}: {show(self.metric)} is measured only at the end; allowed: null")
        if (self.value is None) == (self.says is None):
            raise UserError(f"{key}.value: give either value with digits, or says with least")
        companion, of = ("digits", "value") if self.says is None else ("least", "says")
        stranger = "least" if self.says is None else "digits"
        if getattr(self, companion) is None:
            raise UserError(f"{key}.{companion}: missing; {of} needs it")
        if getattr(self, stranger) is not None:
            raise UserError(f"{key}.{stranger}={show(getattr(self, stranger))}: not allowed with {of}")


@dataclass(frozen=True)
class Group:
    """Claims that a text prints together: one number, a table, or the scores of the test set."""

    words: str
    claims: tuple[tuple[Claim, ...], ...]  # [lines][columns]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A printed table, a line an epoch."""

    columns: tuple[str, ...]  # metrics
    digits: tuple[Annotated[int, ">= 0", "<= 17"], ...]  # a column
    values: tuple[tuple[float, ...], ...]  # [lines][columns]
    first: Annotated[int, ">= 0"] = 1  # the epoch of the first line
    every: Annotated[int, ">= 1"] = 1  # epochs from line to line

    @property
    def group(self) -> Group:
        """Its claims, as "40 rows of training loss and validation accuracy"."""
        claims = tuple(
            tuple(
                Claim(metric=metric, epoch=self.first + self.every * i, value=value, digits=digits)
                for metric, digits, value in zip(self.columns, self.digits, line, strict=True)
            )
            for i, line in enumerate(self.values)
        )
        return Group(f"{len(self.values)} rows of {_listed(Metric(column).words for column in self.columns)}", claims)

    def check(self, key: str) -> None:
        """Raises `UserError` for lines of different lengths, or a column that is no metric."""
        if not self.columns or not self.values:
            raise UserError(f"{key}: empty; needs columns, digits and values")
        if len(self.digits) != len(self.columns):
            raise UserError(f"{key}.digits={show(list(self.digits))}: must be {len(self.columns)}, one per column")
        for i, line in enumerate(self.values):
            if len(line) != len(self.columns):
                raise UserError(f"{key}.values[{i}]={show(list(line))}: must be {len(self.columns)}, one per column")
        for i, claim in enumerate(self.group.claims[0]):
            claim.check(f"{key}.columns[{i}]")


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Precision, recall and F1 on the test set, of all classes or of one."""

    precision: float
    recall: float
    f1: float
    of: str | None = None  # a class; null: the mean over classes
    macro: bool = False  # the plain mean over classes; false: weighted by class counts
    with_dropout: bool = False  # measured with dropout on
    digits: Annotated[int, ">= 0", "<= 17"] = 15  # decimals that are compared; a float's 17th digit is chance

    @property
    def claims(self) -> tuple[Claim, ...]:
        """[3]"""
        metric = f"test/{'macro_' if self.macro else ''}{{}}{WITH_DROPOUT if self.with_dropout else ''}"
        return tuple(
            Claim(metric=metric.format(name), value=getattr(self, name), digits=self.digits, label=self.of)
            for name in SCORES
        )

    @property
    def words(self) -> str:
        """What they are of: "c1"."""
        return self.of or ("all classes (macro)" if self.macro else "all classes")

    def check(self, key: str) -> None:
        """Raises `UserError` for a mean over one class."""
        if self.macro and self.of is not None:
            raise UserError(f"{key}.macro=true: not allowed with of={show(self.of)}, which is a single class")


def scores_group(scores: Sequence[Scores]) -> Group:
    """Precision, recall and F1 of all classes are one claim."""
    sets = (
        (" with dropout" if on else "", [each.words for each in scores if each.with_dropout == on]) for on in (0, 1)
    )
    of = " and".join(f"{how} of {_listed(words)}" for how, words in sets if words)
    return Group(f"precision, recall and F1{of}", tuple(each.claims for each in scores))


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a text teaches by an experiment, as a condition that each of our runs meets or not.

    A metric is at least `least` (at most, if smaller is better), or better by more than `by` than `than`: another
    metric of the same run, PART/QUANTITY, or the same metric of another experiment with the same seed.
    """

    says: str
    metric: str = "test/accuracy"
    least: float | None = None
    than: str | None = None
    by: Annotated[float, ">= 0"] = 0.0

    @property
    def about(self) -> Metric:
        """The metric."""
        return Metric(self.metric)

    @property
    def other(self) -> str | None:
        """The experiment that it compares with, if any."""
        return None if self.than is None or "/" in self.than else self.than

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The quantities that a run must have measured."""
        metrics = [self.metric, *([self.than] if self.than and not self.other else [])]
        return tuple(Claim(metric=metric, says=self.says, least=0.0) for metric in metrics)

    def check(self, key: str) -> None:
        """Raises `UserError` for a lesson without a condition, with two, or about an unknown metric."""
        if (self.least is None) == (self.than is None):
            raise UserError(f"{key}.least: give either least, or than")
        if self.by and self.than is None:
            raise UserError(f"{key}.by={self.by:g}: not allowed with least")
        for claim in self.claims:
            claim.check(key)

    def holds(self, value: float, other: float | None) -> bool:
        """Whether a run with this value meets it; other: the value of `than`."""
        sign = -1 if self.about.better == "smaller" else 1
        if self.least is not None:
            return sign * value >= sign * self.least
        assert other is not None
        return sign * (value - other) > self.by


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)}{' and ' if most else ''}{last}"
