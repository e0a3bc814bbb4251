"""From perceptrons to a network: what each unit finds, and what they find together."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from src.figures import plane


class Unit(NamedTuple):
    """A unit that says yes or no everywhere on the plane."""

    name: str  # such as "finds lower left"
    grid: plane.Grid  # labels: 0 no, 1 yes
    points: plane.Points  # y: 1 for the examples that it is to find


def draw(units: Sequence[Unit], features: tuple[str, str], title: str = "From perceptrons to a network") -> Figure:
    """A panel a unit: where it says yes, and upon it the examples, of which it is to find some.

    Args:
        units: at least one.
        features: what the axes are called.
        title: of the figure.
    """
    handles = plane.class_handles(["not to be found", "to be found"])
    figure, all_axes = plane.panels(title, [unit.name for unit in units], features, handles)
    for axes, unit in zip(all_axes, units, strict=True):
        plane.draw_regions(axes, unit.grid)
        plane.draw_points(axes, unit.points)
    return figure
