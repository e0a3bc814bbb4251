"""Decision boundaries: which class a classifier decides for, everywhere on the plane of two features."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from src.figures import plane
from src.figures.run_view import Grid, Points, RunView


def of(run: RunView) -> Figure:
    """The decisions of a network of two features."""
    panels = [(run.heading(part), run.points(part)) for part in ("train", "test")]
    return draw(run.grid(), panels, run.dataset.labels, run.features())


def draw(grid: Grid, panels: Sequence[tuple[str, Points]], labels: Sequence[str], features: tuple[str, str]) -> Figure:
    """Panels side by side: the same regions, in the pale colours of their classes, with other examples upon them.

    Args:
        grid: what the classifier decides for; it may decide for fewer classes than there are.
        panels: a heading, such as the accuracy on a set, and the set's examples.
        labels: names of the classes.
        features: what the axes are called.
    """
    headings = [heading for heading, _ in panels]
    figure, all_axes = plane.panels("Decision boundaries", headings, features, plane.class_handles(labels))
    for axes, (_, points) in zip(all_axes, panels, strict=True):
        plane.draw_regions(axes, grid)
        plane.draw_points(axes, points)
    return figure
