"""Learning curves of many variants: the mean over the seeds, in a band from the lowest seed to the highest."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from src.analysis import formats
from src.figures import canvas, key, scales

History = Mapping[str, Sequence[float]]
_WIDTH, _PANEL = 7.6, 2.7  # inches: the sheet, and a panel's height
_LEFT, _GAP, _RIGHT, _ABOVE, _BELOW = 0.6, 0.65, 0.15, 0.3, 0.55
_LINE = 0.18  # of the note
_THIN: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "alpha": 0.8}  # of training
_FEW = 4  # variants, whose training curves stay legible between those of validation
_MARKS = 6  # on a curve, at most


def draw(histories: Mapping[str, Sequence[History]], baseline: str) -> Figure:
    """Two panels over the epochs: accuracy and loss on the validation set; for few variants those in training, too.

    Where a seed has stopped earlier than the others, the line goes on, thinner, as the mean of those that have not.

    Args:
        histories: by variant, of each finished run the columns `epoch`, `train_loss`, `train_accuracy`, `valid_loss`
            and `valid_accuracy`; values that are not finite leave a gap.
        baseline: the variant drawn in ink.
    """
    looks = canvas.styles(histories, plain=baseline)
    finished = {variant: runs for variant, runs in histories.items() if runs}
    below, note = not_shown(histories)
    sets = ("valid", "train") if len(finished) <= _FEW else ("valid",)
    handles = [key.handle(looks[variant], variant) for variant in finished]
    if "train" in sets:
        handles.append(Line2D([], [], color=canvas.MUTED, **_THIN, label="on the training set"))
    legend = key.height(handles, _WIDTH)
    under = _BELOW + legend + note_height(note)
    height = canvas.HEADER + _ABOVE + _PANEL + under

    figure = canvas.new_figure(_WIDTH, height, "Learning curves", arrange=False)
    width = (_WIDTH - _LEFT - _GAP - _RIGHT) / 2
    for side, quantity in enumerate(("accuracy", "loss")):
        left = _LEFT + side * (width + _GAP)
        axes = canvas.add_axes(figure, left, under, width, _PANEL)
        canvas.set_style(axes)
        shown: list[NDArray[np.float64]] = []
        for position, (variant, runs) in enumerate(finished.items()):
            for part in sets:
                values = stacked(runs, f"{part}_{quantity}")
                if quantity == "loss" or variant not in below:
                    shown.append(values.ravel())
                if part == "train":
                    axes.plot(*mean(runs, values), color=looks[variant].color, **_THIN)
                else:
                    draw_curve(axes, runs, values, looks[variant], position)
        prepare = scales.accuracy if quantity == "accuracy" else scales.positive
        unit = prepare(axes, "y", np.concatenate(shown))
        heading = f"Validation {quantity}, {unit}" if unit else f"Validation {quantity}"
        axes.set_title(heading, loc="left", fontsize=canvas.TEXT, color=canvas.INK)
        count_epochs(axes)
    key.draw(figure, handles, under - _BELOW)
    write_note(figure, note)
    return figure


def not_shown(histories: Mapping[str, Sequence[History]]) -> tuple[Collection[str], str]:
    """The variants whose accuracy is too far below the others' to be shown, and a note that tells what is left out."""
    last = {variant: _last(stacked(runs, "valid_accuracy")) for variant, runs in histories.items() if runs}
    below = scales.outlying(last)
    told = []
    if left_out := [variant for variant in histories if variant not in last]:
        told.append(f"No run finished: {', '.join(left_out)}.")
    if below:
        shown_as = [f"{variant} ({formats.percent(last[variant])} %)" for variant in below]
        told.append(f"Too far down to be shown: {', '.join(shown_as)}.")
    return below, "\n".join(line for text in told for line in textwrap.wrap(text, 110))


def note_height(note: str) -> float:
    """The inches that a note takes at the foot of a figure."""
    return _LINE * (note.count("\n") + bool(note))


def write_note(figure: Figure, note: str) -> None:
    """Writes a note at the foot of a figure."""
    if note:
        width, height = figure.get_size_inches()
        place = (canvas.MARGIN / width, canvas.MARGIN / 2 / height)
        figure.text(*place, note, fontsize=canvas.TEXT - 1.5, color=canvas.MUTED, va="bottom", parse_math=False)


def count_epochs(axes: Axes) -> None:
    """Prepares the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
    axes.margins(x=0.03)
    canvas.label(axes, "Epoch")


def stacked(runs: Sequence[History], column: str) -> NDArray[np.float64]:
    """[runs, evaluations of the longest], NaN where a run has stopped or has no finite value."""
    values = np.full((len(runs), max(len(run[column]) for run in runs)), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[: len(run[column])] = run[column]
    values[~np.isfinite(values)] = np.nan
    return values


def mean(runs: Sequence[History], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The epochs that were evaluated, and the mean of the runs that have come to each; values: by `stacked`."""
    longest = max(runs, key=lambda run: len(run["epoch"]))
    return np.array(longest["epoch"]), np.ma.masked_invalid(values).mean(axis=0).filled(np.nan)


def draw_curve(
    axes: Axes, runs: Sequence[History], values: NDArray[np.float64], look: canvas.Style, position: int
) -> None:
    """Draws the mean of a variant's runs in its band; position: among the variants, so that marks don't coincide."""
    epochs, middle = mean(runs, values)  # [evaluations]
    # Evaluations, until a run has stopped.
    whole = min(np.flatnonzero(np.isfinite(run)).max(initial=-1) + 1 for run in values)
    if len(values) > 1:
        there = np.ma.masked_invalid(values)
        band = there.min(axis=0).filled(np.nan), there.max(axis=0).filled(np.nan)
        axes.fill_between(epochs, *band, color=look.color, alpha=0.13, linewidth=0)
    every = max(1, -(-len(middle) // _MARKS))
    axes.plot(
        epochs[:whole],
        middle[:whole],
        color=look.color,
        linestyle=look.line,
        linewidth=1.7,
        marker=look.marker,
        markersize=4,
        markevery=(position % every, every),
    )
    rest = slice(max(0, whole - 1), None)
    axes.plot(epochs[rest], middle[rest], color=look.color, linestyle=look.line, linewidth=0.9)


def _last(values: NDArray[np.float64]) -> float:
    """The mean of what the runs end with."""
    ends = [run[np.isfinite(run)][-1] for run in values if np.isfinite(run).any()]
    return float(np.mean(ends)) if ends else 0.0
