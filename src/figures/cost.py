"""Accuracy against its cost: the seconds of a training."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from src.analysis.comparison_verdict import VariantSummary
from src.analysis.statistics import Interval
from src.figures import canvas, key, scales

_WIDTH, _PANEL, _ABOVE = 7.6, 3.2, 0.1  # inches: the sheet, the panel's height, and half a number above it
_LEFT, _BELOW = 0.75, 0.55
_FACTOR = 4  # between the longest and the shortest training, above which the seconds have a logarithmic scale
_RINGS, _STEP = 4, 7  # of places for a name around its point: how many, and how many points apart


def draw(variants: Sequence[VariantSummary], seconds: Mapping[str, float], baseline: str, metric: str) -> Figure:
    """A point per variant with the 95 % interval of its mean; names are beside the points, or in a key if crowded.

    Args:
        variants: those with seconds and a finished run are drawn; there must be one.
        seconds: of training, by variant.
        baseline: the variant drawn in ink.
        metric: an accuracy, in words.
    """
    looks = canvas.styles([row.variant for row in variants], plain=baseline)
    known = {
        row.variant: (seconds[row.variant], row.reported) for row in variants if row.variant in seconds and row.reported
    }
    figure, all_named = _draw(known, looks, metric, with_key=False)
    return figure if all_named else _draw(known, looks, metric, with_key=True)[0]


def _draw(
    known: Mapping[str, tuple[float, Interval]], looks: Mapping[str, canvas.Style], metric: str, with_key: bool
) -> tuple[Figure, bool]:
    """The figure, and whether all points are named, which is always so with a key."""
    below = scales.outlying({name: reported.mean for name, (_, reported) in known.items()})
    note = key.note({name: known[name][1].mean for name in below})
    named = [key.handle(looks[name]._replace(line=""), name) for name in known if name not in below]
    handles = named if with_key else []
    foot = key.height(handles, _WIDTH, note)
    figure = canvas.new_figure(
        _WIDTH, canvas.HEADER + _ABOVE + _PANEL + _BELOW + foot, "Accuracy and its cost", arrange=False
    )
    axes = canvas.add_axes(figure, _LEFT, _BELOW + foot, _WIDTH - _LEFT - 0.2, _PANEL)
    canvas.set_style(axes)
    points, bars, values = {}, [], []
    for name, (seconds, reported) in known.items():
        if name in below:
            continue
        look, bounds = looks[name], [bound for bound in (reported.low, reported.high) if bound is not None]
        axes.plot([seconds] * len(bounds), bounds, color=look.color, linewidth=1.5)
        axes.plot(seconds, reported.mean, look.marker, color=look.color, markersize=6)
        points[name] = (seconds, reported.mean)
        bars += [[(seconds, bound) for bound in bounds]] if bounds else []
        values += [reported.mean, *bounds]
    unit = scales.accuracy(axes, "y", values)
    _set_seconds(axes, [seconds for seconds, _ in points.values()])
    canvas.label(axes, "Training of one run, seconds")
    canvas.label(axes, y=f"{metric[:1].upper()}{metric[1:]}, {unit}", size=canvas.TEXT - 1)
    key.draw(figure, handles, foot, note)
    return figure, with_key or _name(axes, points, bars)


def _set_seconds(axes: Axes, seconds: Sequence[float]) -> None:
    least, most = min(seconds), max(seconds)
    if least > 0 and most > _FACTOR * least:
        scales.positive(axes, "x", seconds)
        return
    margin = 0.12 * (most - least) or 0.1 * most or 1.0
    axes.set_xlim(least - margin, most + margin)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10)))


def _name(axes: Axes, points: Mapping[str, tuple[float, float]], bars: Sequence[Sequence[tuple[float, float]]]) -> bool:
    """Writes each name at the nearest free place to its point; returns whether there was room for all."""
    dots = axes.transData.transform(list(points.values()))  # [n, 2], in dots, as all below
    unit = canvas.DPI / 72
    taken = [Bbox.from_extents(x, y, x, y).padded(5 * unit) for x, y in dots]
    taken += [Bbox(axes.transData.transform(bar)).padded(2 * unit) for bar in bars]
    room = axes.get_window_extent().padded(-2 * unit)
    for (name, point), (x, y) in zip(points.items(), dots, strict=True):
        text = axes.annotate(
            canvas.wrapped(name, 30),
            point,
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=canvas.TEXT - 1.5,
            color=canvas.INK,
            ha="center",
            va="center",
            parse_math=False,
        )
        width, height = text.get_window_extent().size
        places = (box for box in _around(x, y, width, height, unit) if room.count_contains(box.corners()) == 4)
        place = next((box for box in places if not box.count_overlaps(taken)), None)
        if place is None:
            return False
        taken.append(place)
        text.set_position((((place.x0 + place.x1) / 2 - x) / unit, ((place.y0 + place.y1) / 2 - y) / unit))
    return True


def _around(x: float, y: float, width: float, height: float, unit: float) -> Iterator[Bbox]:
    """Boxes of a size around a point, nearest first: right, left, above, below, then the diagonals."""
    for ring, eighth in itertools.product(range(1, _RINGS + 1), (0, 4, 2, 6, 1, 7, 3, 5)):
        cx = x + math.cos(eighth * math.pi / 4) * (width / 2 + _STEP * ring * unit)
        cy = y + math.sin(eighth * math.pi / 4) * (height / 2 + _STEP * ring * unit)
        yield Bbox.from_bounds(cx - width / 2, cy - height / 2, width, height)
