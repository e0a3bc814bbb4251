"""The confusion matrix: which class is taken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.reporting.figures import canvas

# A linear scale would leave a good network's few mistakes as white as no mistake at all.
_GAMMA = 0.3


def draw(
    counts: NDArray[np.integer],
    labels: Sequence[str],
    title: str = "Confusion matrix",
    normalize: bool = False,
) -> Figure:
    """A row for each true class, a column for each predicted one, each cell with its number.

    Args:
        counts: [K, K] examples of class i that were predicted as class j.
        labels: K names of the classes.
        title: of the figure.
        normalize: shows percentages of the true class in place of counts; a class without examples has none.
    """
    classes = len(counts)
    examples = counts.sum(axis=1, keepdims=True)  # [K, 1]
    share = np.divide(counts, examples, out=np.full(counts.shape, np.nan), where=examples > 0)
    shown = share if normalize else counts.astype(float)

    figure = canvas.new_figure(5.8, 6.1, f"{title} (% of each true class)" if normalize else title)
    axes = figure.subplots()
    scale = PowerNorm(_GAMMA, vmin=0, vmax=1 if normalize else max(1, counts.max()))
    cmap = colormaps["Blues"].with_extremes(bad=canvas.RULE)
    axes.imshow(shown, norm=scale, cmap=cmap, interpolation="nearest")
    axes.set_xticks(range(classes), labels, parse_math=False)
    if max(map(len, labels)) > 4:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(classes), labels, parse_math=False)
    axes.set_xticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(classes - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, labelsize=canvas.TEXT, labelcolor=canvas.INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Predicted", fontsize=canvas.TEXT + 1, color=canvas.INK)
    axes.set_ylabel("True", fontsize=canvas.TEXT + 1, color=canvas.INK)

    for (true, predicted), value in np.ndenumerate(shown):
        text = axes.text(
            predicted,
            true,
            _percent(value) if normalize else f"{counts[true, predicted]:,}",
            ha="center",
            va="center",
            fontsize=canvas.TEXT * min(1.6, (10 / classes) ** 0.5),
            color=canvas.MUTED if value == 0 else _contrast(cmap(scale(value))),
        )
        canvas.shrink(text, 4.6 / classes)
    return figure


def _percent(share: float) -> str:
    if np.isnan(share):
        return "–"
    return f"{100 * share:.0f}" if share in (0, 1) else f"{100 * share:.1f}"


def _contrast(background: Sequence[float]) -> str:
    # Black and white contrast alike with a relative luminance of 0.18 (WCAG 2.1, with a plain gamma of 2.2).
    luminance = np.dot(np.power(background[:3], 2.2), (0.2126, 0.7152, 0.0722))
    return "black" if luminance > 0.18 else "white"
