"""Splits by groups: all examples of a group, such as the pictures of one person, are in the same set.

Otherwise a test set would ask for what the network has seen. Sets then have about the sizes that were asked for.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from src.foundation.errors import UserError

Indices = NDArray[np.int64]


def cut_groups(
    y: Indices, group: Indices, sizes: Mapping[str, int], stratify: bool, stream: np.random.RandomState
) -> dict[str, Indices]:
    """Indices of each set's examples, in the order of the source.

    Groups are drawn one by one, the largest first, and of equal ones in random order. Each goes to the set that then is
    nearest to its share: of the examples or, stratified, of those of each class, as in scikit-learn's
    `StratifiedGroupKFold`.

    Args:
        y: [n], the class of each example.
        group: [n], the group of each example.
        sizes: of the sets, in examples; what they leave is in no set.
        stratify: keep the proportions of the classes.
        stream: draws the order of the groups.

    Raises:
        UserError: there are fewer groups than sets, or a set gets none.
    """
    names, of = np.unique(group, return_inverse=True)
    if len(names) < len(sizes):
        raise UserError(f"data.group: {len(names)} groups for {len(sizes)} sets; allowed: at least one for each set")
    classes = y if stratify else np.zeros_like(y)
    counts = np.zeros((len(names), int(classes.max()) + 1))  # [groups, classes]
    np.add.at(counts, (of, classes), 1)

    left = len(y) - sum(sizes.values())
    shares = np.array([*sizes.values(), *([left] if left else [])]) / len(y)  # [sets, or one more]
    wanted = np.maximum(shares[:, None] * counts.sum(axis=0), 1e-9)  # [sets, classes]
    have, goes = np.zeros_like(wanted), np.empty(len(names), np.int64)
    order = stream.permutation(len(names))
    for one in order[np.argsort(-counts[order].sum(axis=1), kind="stable")]:
        # What the squares of what is missing, in units of what is wanted, lose by the group.
        gain = (((wanted - have) ** 2 - (wanted - have - counts[one]) ** 2) / wanted).sum(axis=1)
        goes[one] = place = int(gain.argmax())
        have[place] += counts[one]
    parts = {part: np.flatnonzero(goes[of] == place).astype(np.int64) for place, part in enumerate(sizes)}
    if empty := [part for part, rows in parts.items() if not len(rows)]:
        largest = int(np.bincount(of).max())
        raise UserError(
            f"data.group: no group is left for the {empty[0]} set; the largest of {len(names)} groups has {largest:,} "
            f"examples; allowed: a larger data.split.{empty[0]}, or another data.group"
        )
    return parts
