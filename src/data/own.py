"""What the readers of own data share: classes from labels, and the limits of classes and of memory."""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError

MOST_LABELS = 1000


def indexed(values: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Class indices [n], and the labels that they stand for, of label values [n], numbers or texts."""
    distinct, y = np.unique(values, return_inverse=True)
    return y.astype(np.int64), tuple(map(str, distinct.tolist()))


def require_classes(where: object, labels: Iterable[str]) -> None:
    """Raises `UserError` unless there are 2 to 1 000 classes."""
    if not 2 <= (count := len(found := [*labels])) <= MOST_LABELS:
        named = f" ({found[0]})" if count == 1 else ""
        raise UserError(f"{where}: {count} class{'' if count == 1 else 'es'}{named}; allowed: 2 to {MOST_LABELS:,}")


def require_memory(where: object, needed: int) -> None:
    """Raises `UserError` if reading takes more bytes than this machine has memory."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise UserError(
            f"{where}: takes {needed / 2**30:,.1f} GiB of memory; this machine has {there / 2**30:,.1f} GiB"
        )
