"""Decision boundaries: which class a classifier decides for, everywhere on the plane of two features."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from src.data.dataset import Examples
from src.figures import plane
from src.figures.run_view import Grid, RunView


def of(run: RunView) -> Figure:
    """The decisions of a network of two features, with the training and with the test set."""
    panels = [(run.heading(part), run.grid(), run.examples(part)) for part in ("train", "test")]
    return draw("Decision boundaries", panels, run.dataset.labels, run.features())


def draw(
    title: str, panels: Sequence[tuple[str, Grid, Examples]], labels: Sequence[str], features: tuple[str, str]
) -> Figure:
    """Panels side by side: regions in the pale colours of their classes, with examples upon them.

    Args:
        title: of the figure.
        panels: of each, a heading, what a classifier decides for (perhaps fewer classes than there are), and examples.
        labels: names of the classes.
        features: what the axes are called.
    """
    headings = [heading for heading, _, _ in panels]
    figure, all_axes = plane.panels(title, headings, features, plane.class_handles(labels))
    for axes, (_, grid, points) in zip(all_axes, panels, strict=True):
        plane.draw_decisions(axes, grid, points)
    return figure
