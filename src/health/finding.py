"""A finding: one problem in a checkout, and its repair."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """A problem and its place. There is a `mend` only if it loses nothing that can't be made again."""

    what: str
    where: Path
    mend: Callable[[], object] | None
    advice: str  # what `mend` does; without `mend`, what the user can do
