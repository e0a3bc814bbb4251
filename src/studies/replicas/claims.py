"""What a text claims of one of its experiments: a number with the digits that it prints, or a word."""

from dataclasses import dataclass
from typing import Annotated

from src.foundation.errors import UserError
from src.foundation.schema import show
from src.training.metrics import LOSSES, WITH_DROPOUT

# Sets of examples; units: training accuracies of hidden units, by the groups that they find; new: the probabilities of
# a new point's classes.
PARTS = ("train", "valid", "test", "units", "new")
GOOD = ("larger", "smaller", "neither")
_EPOCHS = ("train", "valid")  # have a journal
_SETS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One quantity of one experiment, at the end of the run or after an epoch, and what its text says of it.

    Either a number, `value` with its `digits`, or words, `says` with the `least` value that we take them for (the
    largest, where smaller is better).
    """

    metric: str  # such as test/accuracy; accuracies are fractions
    epoch: Annotated[int | None, ">= 0"] = None  # after which it is read from the journal; null: of the run's result
    at: tuple[float, ...] = ()  # the raw features of a new point, where the metric is new/CLASS
    value: float | None = None
    digits: Annotated[int | None, ">= 0", "<= 12"] = None  # decimals of `value` that the text prints
    says: str | None = None
    least: float | None = None
    good: Annotated[str | None, GOOD] = None  # which side of `value` is the better one; null: as the metric has it
    rerun: float | None = None  # what a re-run of the text's own code came to, elsewhere
    note: str = ""  # the reason for a difference, or a quirk of the text

    @property
    def part(self) -> str:
        """One of PARTS: what it is about."""
        return self.metric.partition("/")[0]

    @property
    def quantity(self) -> str:
        """What is measured on them, such as accuracy_with_dropout."""
        return self.metric.partition("/")[2]

    @property
    def is_accuracy(self) -> bool:
        """Whether it is told in percent, as a probability is, too."""
        return self.part not in _SETS or self.quantity.removesuffix(WITH_DROPOUT) == "accuracy"

    @property
    def is_loss(self) -> bool:
        """Whether it can be of any size, where everything else is a share."""
        return self.part in _SETS and self.quantity.removesuffix(WITH_DROPOUT) in LOSSES

    @property
    def better(self) -> str:
        """Which side is the better one, of GOOD: smaller losses, larger shares, and no side of a probability."""
        if self.good is not None:
            return self.good
        return "smaller" if self.is_loss else "neither" if self.part == "new" else "larger"

    @property
    def in_words(self) -> str:
        """`valid/f1` at epoch 10 as "validation F1, epoch 10"."""
        if self.part == "units":
            return f"training accuracy of the unit for the {self.quantity}"
        if self.part == "new":
            return f"probability of {self.quantity} at ({', '.join(f'{x:g}' for x in self.at)})"
        quantity = self.quantity.replace("_", " ").replace("f1", "F1").replace("cross entropy", "cross-entropy")
        when = {None: "", 0: ", before training"}.get(self.epoch, f", epoch {self.epoch}")
        return f"{_SETS[self.part]} {quantity}{when}"

    def check(self, key: str) -> None:
        """Raises `UserError` where the claim says nothing, says two things, or is about nothing that there is."""
        if self.part not in PARTS or not self.quantity:
            allowed = f"PART/QUANTITY, like test/accuracy, where PART is one of {', '.join(PARTS)}"
            raise UserError(f"{key}.metric={show(self.metric)}: unknown; allowed: {allowed}")
        if (self.part == "new") != bool(self.at):
            raise UserError(f"{key}.at={show(list(self.at))}: needed for the metric new/CLASS, and for no other one")
        if self.epoch is not None and self.part not in _EPOCHS:
            raise UserError(
                f"{key}.epoch={self.epoch}: {show(self.metric)} is measured once, at the end; allowed: null"
            )
        if (self.value is None) == (self.says is None):
            raise UserError(f"{key}.value: needed, with digits; or in its place says, with least; one of the two")
        companion, of = ("digits", "value") if self.says is None else ("least", "says")
        stranger = "least" if self.says is None else "digits"
        if getattr(self, companion) is None:
            raise UserError(f"{key}.{companion}: missing; {of} needs it")
        if getattr(self, stranger) is not None:
            raise UserError(f"{key}.{stranger}={show(getattr(self, stranger))}: not allowed beside {of}")


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
    def in_words(self) -> str:
        """What the table is, such as "40 rows of training loss and validation accuracy"."""
        names = [claim.in_words.partition(",")[0] for claim in self.claims[0]]
        *most, last = names
        return f"{len(self.values)} rows of {', '.join(most)}{' and ' if most else ''}{last}"

    def check(self, key: str) -> None:
        """Raises `UserError` where a line is not as long as the others, or a column is nothing that there is."""
        if not self.columns or not self.values:
            raise UserError(f"{key}: empty; columns, digits and values are needed")
        if len(self.digits) != len(self.columns):
            raise UserError(f"{key}.digits={show(list(self.digits))}: must be {len(self.columns)}, one a column")
        for i, line in enumerate(self.values):
            if len(line) != len(self.columns):
                raise UserError(f"{key}.values[{i}]={show(list(line))}: must be {len(self.columns)}, one a column")
        for i, claim in enumerate(self.claims[0]):
            claim.check(f"{key}.columns[{i}]")
