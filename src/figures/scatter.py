"""Data of two features: every example as a point on the plane."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from src.figures import canvas, plane
from src.figures.data_view import DataView
from src.runs.metric import SETS

# Face, edge and size by set; the colour and the shape of a point are those of its class.
_LOOKS = {"train": ("", "white", 4.5), "valid": ("white", "", 5.0), "test": ("", canvas.INK, 5.5)}


def of(data: DataView) -> Figure:
    """Filled points for training, hollow ones for validation, points with a dark outline for testing."""
    sets = {part: data.examples(part) for part in SETS}
    named = [_handle(part, data.names[part], len(examples.y)) for part, examples in sets.items()]
    handles = plane.class_handles(data.dataset.labels)
    figure, (axes,) = plane.panels("The data", [""], data.features(), handles, named)
    for part, examples in sets.items():
        face, edge, size = _LOOKS[part]
        plane.draw_points(axes, examples, size, face, edge)
    return figure


def _handle(part: str, name: str, count: int) -> Line2D:
    face, edge, size = _LOOKS[part]
    look: dict[str, Any] = {
        "color": face or canvas.MUTED,
        "markeredgecolor": edge or canvas.MUTED,
        "markeredgewidth": 0.8,
    }
    return Line2D([], [], linestyle="", marker="o", markersize=size, label=f"{name} ({count:,})", **look)
