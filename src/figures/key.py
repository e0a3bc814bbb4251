"""The key of a figure with many variants: which line and which mark is whose, in columns as wide as the names."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from src.figures import canvas

_TYPE = canvas.TEXT - 1
_ROW, _HANDLE = 0.2, 0.52  # inches: of an entry's height, and what stands before its words
_LONGEST = 60  # characters


def handle(look: canvas.Style, name: str) -> Line2D:
    """The entry of a variant."""
    label = canvas.wrapped(name, _LONGEST, lines=1)
    return Line2D(
        *([], []), color=look.color, linestyle=look.line, marker=look.marker, markersize=4, linewidth=1.7, label=label
    )


def height(handles: Sequence[Line2D], width: float) -> float:
    """The inches that the key takes below a figure of `width` inches."""
    return _ROW * -(-len(handles) // _columns(handles, width)) + 0.1


def draw(figure: Figure, handles: Sequence[Line2D], top: float) -> None:
    """Draws the key with its upper edge `top` inches above the lower edge of the figure."""
    width, tall = figure.get_size_inches()
    room = width - 2 * canvas.MARGIN - _HANDLE
    place = {"bbox_to_anchor": (canvas.MARGIN / width, top / tall), "borderaxespad": 0, "borderpad": 0}
    spacing = {"columnspacing": 1.2, "labelspacing": 0.35}
    size = _TYPE * min(1, room / _widest(handles))
    canvas.legend(figure, "upper left", _columns(handles, width), size, handles=handles, **place, **spacing)


def _columns(handles: Sequence[Line2D], width: float) -> int:
    return max(1, min(len(handles), int((width - canvas.MARGIN) / (_widest(handles) + _HANDLE))))


def _widest(handles: Sequence[Line2D]) -> float:
    return canvas.width_of([str(handle.get_label()) for handle in handles], _TYPE)
