"""A text's claim about one of its experiments: a number with the printed digits, or words."""

from dataclasses import dataclass
from typing import Annotated

from src.foundation.errors import UserError
from src.foundation.schema import show
from src.runs.metric import PARTS, Metric

GOOD = ("larger", "smaller", "neither")
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
    value: float | None = None
    digits: Annotated[int | None, ">= 0", "<= 12"] = None  # decimals of `value` that the text prints
    says: str | None = None
    least: float | None = None
    good: Annotated[str | None, GOOD] = None  # which side of `value` is the better one; null: as the metric has it
    rerun: float | None = None  # the result of a re-run of the text's own code, by others
    note: str = ""  # the reason for a difference, or a quirk of the text

    @property
    def about(self) -> Metric:
        """The metric."""
        return Metric(self.metric)

    @property
    def better(self) -> str:
        """Which side of `value` is better, of GOOD: as declared, else as the metric has it."""
        return self.good or self.about.better

    @property
    def words(self) -> str:
        """`valid/f1` at epoch 10 as "validation F1, epoch 10"."""
        if self.at:
            return f"{self.about.words} at ({', '.join(f'{x:g}' for x in self.at)})"
        return self.about.words + {None: "", 0: ", before training"}.get(self.epoch, f", epoch {self.epoch}")

    def check(self, key: str) -> None:
        """Raises `UserError` for a claim with no value, with two, or about an unknown metric."""
        part = self.about.part
        if part not in PARTS or not self.about.quantity:
            allowed = f"PART/QUANTITY, like test/accuracy, where PART is one of {', '.join(PARTS)}"
            raise UserError(f"{key}.metric={show(self.metric)}: unknown; allowed: {allowed}")
        if (part == "new") != bool(self.at):
            raise UserError(f"{key}.at={show(list(self.at))}: needed for the metric new/CLASS, and for no other one")
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


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A printed table, a line an epoch, from the first."""

    columns: tuple[str, ...]  # metrics
    digits: tuple[Annotated[int, ">= 0", "<= 12"], ...]  # a column
    values: tuple[tuple[float, ...], ...]  # [epochs][columns]
    note: str = ""

    @property
    def claims(self) -> tuple[tuple[Claim, ...], ...]:
        """[epochs][columns]"""
        return tuple(
            tuple(
                Claim(metric=metric, epoch=epoch, value=value, digits=digits)
                for metric, digits, value in zip(self.columns, self.digits, line, strict=True)
            )
            for epoch, line in enumerate(self.values, start=1)
        )

    @property
    def words(self) -> str:
        """The table, as "40 rows of training loss and validation accuracy"."""
        names = [Metric(column).words for column in self.columns]
        *most, last = names
        return f"{len(self.values)} rows of {', '.join(most)}{' and ' if most else ''}{last}"

    def check(self, key: str) -> None:
        """Raises `UserError` for lines of different lengths, or a column that is no metric."""
        if not self.columns or not self.values:
            raise UserError(f"{key}: empty; needs columns, digits and values")
        if len(self.digits) != len(self.columns):
            raise UserError(f"{key}.digits={show(list(self.digits))}: must be {len(self.columns)}, one per column")
        for i, line in enumerate(self.values):
            if len(line) != len(self.columns):
                raise UserError(f"{key}.values[{i}]={show(list(line))}: must be {len(self.columns)}, one per column")
        for i, claim in enumerate(self.claims[0]):
            claim.check(f"{key}.columns[{i}]")
