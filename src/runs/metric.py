"""A metric of a run: a quantity, measured on a set of examples."""

import re
from collections.abc import Mapping
from typing import Any

from src.data.splits import OVERLAPS
from src.training.metrics import LOSSES, WITH_DROPOUT

SETS = {"train": "training", "valid": "validation", "test": "test"}
# Beside sets of examples. units: training accuracies of hidden units, by the groups that they find; new: the
# probabilities of a new point's classes.
PARTS = (*SETS, "units", "new")


def set_names(recipe: Mapping[str, Any]) -> dict[str, str]:
    """What the sets of a plain recipe are called; "validation (= test)" if its test set serves as validation set."""
    own = OVERLAPS[recipe.get("split", {}).get("overlap", "none")]
    return {part: name if part in own else f"{name} (= {SETS[own[-1]]})" for part, name in SETS.items()}


def part_names(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The sets by their short names, with the same addition: "valid (= test)"."""
    return {part: part + name.removeprefix(SETS[part]) for part, name in set_names(recipe).items()}


class Metric(str):
    """A metric by its name, PART/QUANTITY, such as test/accuracy: in files and messages it is just this text."""

    __slots__ = ()

    @property
    def part(self) -> str:
        """What it is measured on, one of PARTS."""
        return self.partition("/")[0]

    @property
    def quantity(self) -> str:
        """What is measured, such as accuracy_with_dropout."""
        return self.partition("/")[2]

    @property
    def is_loss(self) -> bool:
        """Whether it is a loss: of any size, and better when smaller. All other metrics are shares, from 0 to 1."""
        return self.part in SETS and self.quantity.removesuffix(WITH_DROPOUT) in LOSSES

    @property
    def in_percent(self) -> bool:
        """Whether it is shown in percent: accuracies and probabilities are."""
        return self.part not in SETS or self.quantity.removesuffix(WITH_DROPOUT) == "accuracy"

    @property
    def better(self) -> str:
        """Which side is better: smaller for losses, larger for shares, neither for the probability of a class."""
        return "smaller" if self.is_loss else "neither" if self.part == "new" else "larger"

    @property
    def words(self) -> str:
        """`valid/f1` as "validation F1"."""
        if self.part == "units":
            return f"training accuracy of the unit for the {self.quantity.replace('_', ' ')}"
        if self.part == "new":
            return f"probability of {self.quantity}"
        quantity = self.quantity.replace("_", " ").replace("cross entropy", "cross-entropy")
        quantity = re.sub(r"\b(f1|mae|rmse)\b", lambda name: name[0].upper(), quantity)
        return f"{SETS.get(self.part, self.part)} {quantity}"

    def of(self, result: Mapping[str, Any]) -> float:
        """Its value in a run's result.json."""
        return float(result[self.part][self.quantity])


# The metrics that every result.json has.
STANDARD = tuple(Metric(f"{part}/{quantity}") for part in SETS for quantity in ("loss", "accuracy"))
