"""A finding: one thing that is wrong in a checkout, and what mends it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where. `mend` is there only if it is safe: nothing is lost that can't be made again."""

    what: str
    where: Path
    mend: Callable[[], object] | None
    advice: str  # what `mend` does; without one, what the user can do
