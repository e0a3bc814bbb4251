"""What data of two features look like: every example as a point on their plane."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from src.figures import canvas, plane
from src.figures.run_view import PARTS, Points, RunView

# How the sets are told apart: the colour and the shape of a point are its class's.
_LOOKS = {"train": ("", "white", 4.5), "valid": ("white", "", 5.0), "test": ("", canvas.INK, 5.5)}


def of(run: RunView) -> Figure:
    """All examples of two features."""
    return draw({part: run.points(part) for part in PARTS}, run.dataset.labels, run.features())


def draw(sets: Mapping[str, Points], labels: Sequence[str], features: tuple[str, str]) -> Figure:
    """One panel: filled points for training, hollow ones for validation, points with a dark rim for testing.

    Args:
        sets: examples by the name of their set: train, valid, test.
        labels: names of the classes.
        features: what the axes are called.
    """
    named = [_handle(name, len(points.y)) for name, points in sets.items()]
    figure, (axes,) = plane.panels("The data", [""], features, plane.class_handles(labels), named)
    for name, points in sets.items():
        face, edge, size = _LOOKS[name]
        plane.draw_points(axes, points, size, face, edge)
    return figure


def _handle(name: str, count: int) -> Line2D:
    face, edge, size = _LOOKS[name]
    grey = canvas.MUTED
    return Line2D(
        *([], []),
        linestyle="",
        marker="o",
        markersize=size,
        color=face or grey,
        markeredgecolor=edge or grey,
        markeredgewidth=0.8,
        label=f"{name} ({count:,})",
    )
