"""Decision boundaries: which class a classifier decides for, everywhere on the plane of two features."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from src.figures import plane


def draw(
    grid: plane.Grid,
    panels: Sequence[tuple[str, plane.Points]],
    labels: Sequence[str],
    features: tuple[str, str],
    title: str = "Decision boundaries",
) -> Figure:
    """Panels side by side: the same regions, in the pale colours of their classes, with other examples upon them.

    Args:
        grid: what the classifier decides for; it may decide for fewer classes than there are.
        panels: a heading, such as the accuracy on a set, and the set's examples.
        labels: names of the classes.
        features: what the axes are called.
        title: of the figure.
    """
    headings = [heading for heading, _ in panels]
    figure, all_axes = plane.panels(title, headings, features, plane.class_handles(labels))
    for axes, (_, points) in zip(all_axes, panels, strict=True):
        plane.draw_regions(axes, grid)
        plane.draw_points(axes, points)
    return figure
