"""What all figures share: the sheet, its colours and type sizes, and how it is saved."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

from src.files import replacing

# 7.6 inches at 110 dots an inch are as wide as the text of a README page.
DPI = 110
MARGIN, HEADER = 0.12, 0.45  # inches, around everything and for the title

TITLE, TEXT, SMALL = 12.0, 10.0, 7.5  # points

# Told apart with every common form of colour blindness: M. Okabe and K. Ito, "Color Universal Design", 2008.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
INK, MUTED, RULE = "#222222", "#6B6B6B", "#D9D9D9"


def new_figure(width: float, height: float, title: str, arrange: bool = True) -> Figure:
    """A white sheet of `width` x `height` inches with its title at the top left; it draws without a display.

    With `arrange`, axes and their labels share the room below the title by themselves; without, they stay where they
    are put.
    """
    layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEADER / height), w_pad=MARGIN, h_pad=MARGIN / 2)
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout=layout if arrange else None)
    FigureCanvasAgg(figure)
    heading = figure.suptitle(title, ha="left", va="top", fontsize=TITLE, color=INK, parse_math=False)
    heading.set_position((MARGIN / width, 1 - MARGIN / height))
    heading.set_in_layout(False)  # its room is kept by `rect`
    shrink(heading, width - 2 * MARGIN)
    return figure


def shrink(text: Text, width: float) -> None:
    """Reduces the type of `text` until it is at most `width` inches wide."""
    measured = text.get_window_extent().width / DPI
    if measured > width:
        text.set_fontsize(float(text.get_fontsize()) * width / measured)


def set_style(axes: Axes) -> None:
    """Gives axes that carry curves or bars their look: no box, a pale grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=INK, labelsize=TEXT - 1)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def save(figure: Figure, path: Path) -> None:
    """Writes a PNG, atomically. Two equal figures give the same bytes: the file names no program and no date."""
    with replacing(path) as file:
        figure.savefig(file, format="png", metadata={"Software": None}, pil_kwargs={"optimize": True})
