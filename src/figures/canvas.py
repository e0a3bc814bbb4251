"""What all figures share: the sheet, its colours and font sizes, and how it is saved."""

import html
import io
import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from matplotlib import rc_context, rcdefaults
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from src.figures.agg import Canvas
from src.foundation.files import replacing

rcdefaults()  # a user's matplotlibrc would change the pixels

# 7.6 inches at 110 dots per inch are as wide as the text of a README page.
DPI = 110
MARGIN, HEADER = 0.12, 0.45  # inches, around everything and for the title

TITLE, TEXT, SMALL = 12.0, 10.0, 7.5  # points
LONG = 4  # characters: longer names of classes are rotated
MANY = 40  # classes: of more, not all are named or numbered
_NAMED = 10
_LONGEST = 18  # characters of a name
_TITLE = "title"  # its group id

# Distinct with every common form of colour blindness: M. Okabe and K. Ito, "Color Universal Design", 2008.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
INK, MUTED, RULE = "#222222", "#6B6B6B", "#D9D9D9"
# The CSS variables of a page, which replaces these colours in dark mode.
_VARIABLES = {
    "paper": "#FFFFFF",
    "ink": INK,
    "muted": MUTED,
    "rule": RULE,
    **dict(zip(("blue", "vermillion", "green", "purple", "orange", "sky"), PALETTE, strict=True)),
}
Line = Literal["-", "--", ":", ""]
_LINES: tuple[Line, ...] = ("-", "--", ":")
_MARKERS = "osD^vP"


class Style(NamedTuple):
    """The look of one curve or group of points among many."""

    color: str
    line: Line
    marker: str


def styles(names: Iterable[str], plain: str) -> dict[str, Style]:
    """A look for each name: ink for the one that is `plain`; up to 18 others differ in colour or line."""
    others = [name for name in names if name != plain]
    return {plain: Style(INK, "-", "o")} | {
        name: Style(PALETTE[i % 6], _LINES[i // 6 % 3], _MARKERS[(i + i // 6) % 6]) for i, name in enumerate(others)
    }


def new_figure(width: float, height: float, title: str, arrange: bool = True) -> Figure:
    """A white sheet of `width` x `height` inches with its title at the top left; it draws without a display.

    With `arrange`, matplotlib lays out the axes and their labels below the title (constrained layout).
    """
    layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEADER / height), w_pad=MARGIN, h_pad=MARGIN / 2)
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout=layout if arrange else None)
    Canvas(figure)
    heading = figure.suptitle(title, ha="left", va="top", fontsize=TITLE, color=INK, parse_math=False)
    heading.set_position((MARGIN / width, 1 - MARGIN / height))
    heading.set_gid(_TITLE)
    heading.set_in_layout(False)  # `rect` keeps its room
    shrink(heading, width - 2 * MARGIN)
    return figure


def shrink(text: Text, width: float) -> None:
    """Reduces the font size of `text` until it is at most `width` inches wide."""
    for _ in range(4):  # glyphs are hinted, so a text is not exactly as wide as its size says
        measured = text.get_window_extent().width / DPI
        if measured <= width:
            break
        text.set_fontsize(float(text.get_fontsize()) * min(0.99, width / measured))


def width_of(lines: Iterable[str], size: float) -> float:
    """The width in inches of the longest of `lines` in a font of `size` points."""
    sheet = Figure(dpi=DPI)
    Canvas(sheet)
    text = sheet.text(0, 0, "\n".join(lines), fontsize=size, parse_math=False)
    return float(text.get_window_extent().width) / DPI


def wrapped(name: str, width: int, lines: int = 2) -> str:
    """`name` on at most `lines` lines of `width` characters: broken at spaces if that is enough, else cut off."""
    parts = textwrap.wrap(name, width, break_on_hyphens=False)
    if len(parts) > lines:
        room = width * lines
        fitting = name if len(name) <= room else f"{name[: room - 1]}…"
        parts = [fitting[start : start + width] for start in range(0, len(fitting), width)]
    return "\n".join(parts) or name


def set_style(axes: Axes) -> None:
    """The look of axes with curves or bars: no box, a pale grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=TEXT - 1)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def add_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place, in inches from the lower left corner, on a figure without automatic layout."""
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def label(axes: Axes, x: str = "", y: str = "", size: float = TEXT) -> None:
    """Writes the labels of the axes."""
    for name, write in ((x, axes.set_xlabel), (y, axes.set_ylabel)):
        if name:
            write(name, fontsize=size, color=INK, parse_math=False)


def title(axes: Axes, words: str, width: float = math.inf) -> None:
    """Writes a title at the top left of the axes, at most `width` inches wide."""
    shrink(axes.set_title(words, loc="left", fontsize=TEXT, color=INK, parse_math=False), width)


def legend(figure: Figure, loc: Any, ncols: int, size: float = TEXT, **more: Any) -> None:
    """A key without a frame; `more` as for `Figure.legend`."""
    look = {"loc": loc, "ncols": ncols, "fontsize": size, "frameon": False, "labelcolor": INK}
    drawn = figure.legend(**look | more)
    for text in drawn.get_texts():
        text.set_parse_math(False)


def name_classes(axes: Axes, labels: Sequence[str], both: bool = True) -> None:
    """Names the classes along the horizontal axis, rotated if they are long, and along the vertical axis if `both`.

    Of more than `MANY` classes only some are named, and of long names the middle is left out.
    """
    labels = [label if len(label) <= _LONGEST else f"{label[:9]}…{label[-8:]}" for label in labels]
    step = 1 if len(labels) <= MANY else -(-len(labels) // _NAMED)
    places, labels = range(0, len(labels), step), labels[::step]
    axes.set_xticks(places, labels, parse_math=False)
    if both:
        axes.set_yticks(places, labels, parse_math=False)
    if max(map(len, labels)) > LONG:
        for text in axes.get_xticklabels():
            text.set(rotation=45, ha="right", rotation_mode="anchor")


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG, atomically. Two equal figures give the same bytes: the file has no program name and no date."""
    drawn = figure.canvas
    assert isinstance(drawn, Canvas)
    with replacing(path) as file:
        # Figure.savefig would draw all of it twice.
        drawn.print_png(file, metadata={"Software": None})  # type: ignore[no-untyped-call]


def svg(figure: Figure, name: str, describes: str) -> str:
    """An `<svg>` element for a page: without the title, and with CSS variables for colours and fonts.

    `name` makes its ids unique on the page; `describes` is the text alternative.
    """
    buffer = io.StringIO()
    titles = figure.findobj(lambda artist: artist.get_gid() == _TITLE)
    for title in titles:
        title.set_visible(False)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True)
    for title in titles:
        title.set_visible(True)

    width, height = (72 * inches for inches in figure.get_size_inches())
    content = buffer.getvalue().split("</defs>", 1)[1]  # before it: dates, and styles for the whole page
    content = re.sub(r"<[^>]*>", lambda tag: _for_a_page(tag[0]), content)
    # Matplotlib's ids are digests of coordinates to their last digits, which differ between machines.
    ids = {old: f"{name}-{n}" for n, old in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', content)))}
    content = re.sub(r'(?<= id=")[^"]+|(?<=#)[^")]+(?=[")])', lambda found: ids.get(found[0], found[0]), content)
    left, top = 72 * MARGIN - 1, 72 * HEADER
    width, height = width - left, height - top
    return (
        f'<svg viewBox="{left:g} {top:g} {width:g} {height:g}" width="{4 / 3 * width:.0f}" '
        f'height="{4 / 3 * height:.0f}" role="img" aria-label="{html.escape(describes)}">{content}'
    )


def _for_a_page(tag: str) -> str:
    if tag.startswith("<g id="):
        return "<g" + tag[tag.index('"', len('<g id="')) + 1 :]
    for variable, color in _VARIABLES.items():
        tag = tag.replace(color.lower(), f"var(--{variable})")
    tag = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", tag).replace("xlink:href", "href")
    tag = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)
    return " ".join(tag.split())
