"""What was found in own data: what the recipe says about them, and what people are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from src.foundation.errors import UserError
from src.foundation.schema import show

LEAST_OF_A_CLASS = 3  # examples: one for each set


@dataclass(frozen=True)
class Found:
    """What a file or a folder has in it."""

    source: str  # the kind of data
    keys: Mapping[str, Any]  # of the recipe, for this kind
    classes: Mapping[str, int]  # how many examples each has, without those of a published test set
    features: int  # of an example, at least: categories become one for each
    lines: Mapping[str, str]  # what people are shown, by a word
    warnings: tuple[str, ...] = ()
    test: int = 0  # examples of a published test set

    @property
    def examples(self) -> int:
        """How many examples there are to train and validate on, and to test on unless there is a test set."""
        return sum(self.classes.values())


def require_examples(where: object, classes: Mapping[str, int], first: Callable[[str], str] | None = None) -> None:
    """Raises `UserError` for a class that has too few examples to be in each set.

    first: says where the first example of a class is.
    """
    few = {label: count for label, count in classes.items() if count < LEAST_OF_A_CLASS}
    for label, count in few.items():
        place = f", {first(label)}" if first else ""
        others = f"; and {len(few) - 1} other classes with fewer than {LEAST_OF_A_CLASS}" if len(few) > 1 else ""
        raise UserError(
            f"{where}: the class {show(label)} has {count} example{'s' * (count != 1)}{place}{others}; allowed: at "
            f"least {LEAST_OF_A_CLASS}, one for each set; remove it, or merge it with another class"
        )


def counted(classes: Mapping[str, int]) -> str:
    """The classes and their counts in words; of many, the smallest and the largest."""
    if len(classes) <= 12:
        return ", ".join(f"{show(label)} {count:,}" for label, count in classes.items())
    least, most = (pick(classes, key=lambda label: classes[label]) for pick in (min, max))
    return f"{len(classes)}, from {classes[least]:,} examples ({show(least)}) to {classes[most]:,} ({show(most)})"
