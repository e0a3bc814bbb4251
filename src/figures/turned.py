"""An image and the same turned, with the network's probabilities for each."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from src.analysis import formats
from src.figures import canvas, mosaic
from src.figures.run_view import RunView

_WIDTH, _SIDE, _ROW = 7.6, 1.5, 2.15  # inches: the sheet, a picture's side, from one row to the next
_LEFT, _RIGHT, _HEAD = 2.35, 0.15, 0.3  # of the bars, and above them; inches


def of(run: RunView) -> Figure:
    """A test image, upright and turned."""
    labels, (x, y, _) = run.dataset.labels, run.dataset.test
    wrong = run.known["test"].labels != y
    # A six may become a nine; if no six is classified correctly, show another image.
    another = y != labels.index("6") if "6" in labels else wrong
    upright = np.asarray(x[np.lexsort((another, wrong))[0]], np.float64)
    center, scale = (np.asarray(run.dataset.scaling[name]) for name in ("center", "scale"))
    raw = upright * scale + center  # each pixel may be scaled in its own way
    pair = np.stack([raw, raw[::-1]])
    found = run.predict((pair - center) / scale)
    title = f"A test image, turned by 180 degrees, for {run.scored('test')}"
    return draw(run.images(pair), found.probabilities, found.labels, labels, title, ("Upright", "Turned"))


def draw(
    images: NDArray[np.floating],
    probabilities: NDArray[np.floating],
    predicted: Sequence[int] | NDArray[np.integer],
    labels: Sequence[str],
    title: str,
    names: Sequence[str],
) -> Figure:
    """A row for each image: the image, and a bar for the probability of each class; the predicted one is highlighted.

    Args:
        images: [n, h, w], any range.
        probabilities: [n, K], in [0, 1].
        predicted: [n], indices of classes.
        labels: K names of the classes.
        title: of the sheet.
        names: of the images.
    """
    rotated = max(map(len, labels)) > canvas.LONG
    step = _ROW + rotated * canvas.width_of(labels, canvas.TEXT - 1) * math.sin(math.pi / 4)
    height = canvas.HEADER + len(images) * step
    figure, sheet = mosaic.sheet(_WIDTH, height, title)
    look = {"vmin": images.min(), "vmax": images.max(), "cmap": mosaic.GREYS}
    for row, (image, shares, taken, name) in enumerate(zip(images, probabilities, predicted, names, strict=True)):
        top = canvas.HEADER + row * step
        mosaic.place(sheet, image, canvas.MARGIN, top + _HEAD, _SIDE, **look)
        bottom = height - (top + _HEAD + _SIDE)
        axes = canvas.add_axes(figure, _LEFT, bottom, _WIDTH - _LEFT - _RIGHT, _SIDE)
        canvas.set_style(axes)
        axes.grid(visible=False, axis="x")
        colors = [canvas.BLUE if k == taken else canvas.SKY for k in range(len(labels))]
        axes.bar(range(len(labels)), 100 * shares, width=0.7, color=colors)
        canvas.name_classes(axes, labels, both=False)
        axes.tick_params(axis="x", length=0)
        axes.set(xlim=(-0.6, len(labels) - 0.4), ylim=(0, 100))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=(2.5, 5)))
        canvas.label(axes, y="Probability, %", size=canvas.TEXT - 1)
        heading = f"{name}: taken for {labels[taken]} ({formats.probability(shares[taken])})"
        sheet.text(_LEFT, top + 0.7 * _HEAD, heading, fontsize=canvas.TEXT, color=canvas.INK, parse_math=False)
    return figure
