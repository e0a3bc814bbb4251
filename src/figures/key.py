"""Below a figure's panels: a key, in columns as wide as its names, and a note on what is not shown."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from src.analysis import formats
from src.figures import canvas

_TYPE = canvas.TEXT - 1
_ROW, _HANDLE = 0.2, 0.52  # inches: an entry's height, and the width before its words
_LONGEST = 60  # characters
_LINE = 0.18  # inches, of the note


def handle(look: canvas.Style, name: str) -> Line2D:
    """The entry of a variant."""
    label = canvas.wrapped(name, _LONGEST, lines=1)
    return Line2D(
        *([], []), color=look.color, linestyle=look.line, marker=look.marker, markersize=4, linewidth=1.7, label=label
    )


def note(too_low: Mapping[str, float], missing: Sequence[str] = ()) -> str:
    """Lines on the variants that are not drawn: accuracies too far below the others', and names without a result."""
    sentences = [f"No run finished: {', '.join(missing)}."] if missing else []
    if too_low:
        names = ", ".join(f"{name} ({formats.percent(accuracy)} %)" for name, accuracy in too_low.items())
        sentences.append(f"Too far down to be shown: {names}.")
    return "\n".join(line for sentence in sentences for line in textwrap.wrap(sentence, 110))


def height(handles: Sequence[Line2D], width: float, note: str = "") -> float:
    """The inches that a key and a note take below a figure of `width` inches."""
    entries = _ROW * -(-len(handles) // _columns(handles, width)) + 0.1 if handles else 0
    return entries + _LINE * len(note.splitlines())


def draw(figure: Figure, handles: Sequence[Line2D], top: float, note: str = "") -> None:
    """Draws the key with its upper edge `top` inches above the figure's lower edge, where a note goes."""
    width, tall = figure.get_size_inches()
    if handles:
        room = width - 2 * canvas.MARGIN - _HANDLE
        anchor = {"bbox_to_anchor": (canvas.MARGIN / width, top / tall), "borderaxespad": 0, "borderpad": 0}
        spacing = {"columnspacing": 1.2, "labelspacing": 0.35}
        size = _TYPE * min(1, room / _widest(handles))
        canvas.legend(figure, "upper left", _columns(handles, width), size, handles=handles, **anchor, **spacing)
    if note:
        place = canvas.MARGIN / width, canvas.MARGIN / 2 / tall
        figure.text(*place, note, fontsize=canvas.TEXT - 1.5, color=canvas.MUTED, va="bottom", parse_math=False)


def _columns(handles: Sequence[Line2D], width: float) -> int:
    return max(1, min(len(handles), int((width - canvas.MARGIN) / (_widest(handles) + _HANDLE))))


def _widest(handles: Sequence[Line2D]) -> float:
    return canvas.width_of([str(handle.get_label()) for handle in handles], _TYPE)
