"""Images that one classifier gets wrong and another right, and the other way round."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import canvas, mosaic

_SHOWN = 10  # of each kind
_GAP, _HEAD, _EMPTY = 0.45, 0.3, 0.4  # inches


def draw(
    images: mosaic.Images,
    actual: NDArray[np.integer],
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    labels: Sequence[str],
    names: tuple[str, str] = ("baseline", "chosen"),
) -> Figure:
    """Two blocks of up to ten pictures, in the order of the test set: only the first is wrong, only the second is.

    Args:
        images: [n, h, w], any range.
        actual: [n] true classes.
        first: [n] classes that the first classifier predicts.
        second: [n] those of the second one.
        labels: names of the classes.
        names: of the two.
    """
    wrong = first != actual, second != actual
    blocks = [np.flatnonzero(wrong[i] & ~wrong[1 - i]) for i in (0, 1)]
    rows = [math.ceil(min(_SHOWN, len(block)) / mosaic.COLUMNS) for block in blocks]
    heights = [_HEAD + (n * mosaic.pitch(notes=True) or _EMPTY) for n in rows]
    width = 2 * canvas.MARGIN + mosaic.COLUMNS * (mosaic.SIDE + _GAP)
    figure, axes = mosaic.sheet(width, canvas.HEADER + sum(heights), "Where they disagree")
    shown = images[np.concatenate([block[:_SHOWN] for block in blocks])]
    limits = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)

    top = canvas.HEADER
    for name, block, height in zip(names, blocks, heights, strict=True):
        who = f"the {name}" if name.islower() else name
        head = f"Only {who} is wrong: {_count(len(block))}"
        axes.text(canvas.MARGIN, top + 0.18, head, fontsize=canvas.TEXT, color=canvas.INK, weight="bold")
        if not len(block):
            axes.text(canvas.MARGIN, top + _HEAD + 0.15, "none", fontsize=canvas.TEXT, color=canvas.MUTED)
        cases = block[:_SHOWN]
        captions = [f"True {labels[actual[case]]}:" for case in cases]
        notes = [f"{names[0]} {labels[first[case]]}, {names[1]} {labels[second[case]]}" for case in cases]
        mosaic.fill(axes, images[cases], captions, notes, top + _HEAD, _GAP, limits)
        top += height
    return figure


def _count(n: int) -> str:
    if n > _SHOWN:
        return f"{n:,} images, of which the first {_SHOWN}"
    return "1 image" if n == 1 else f"{n} images"
