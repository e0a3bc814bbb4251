"""Learning curves of a study's variants: the mean over the seeds, in a band from the lowest seed to the highest."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from src.figures import canvas, key, scales
from src.runs.metric import SETS

History = Mapping[str, Sequence[float]]
Values = np.ma.MaskedArray[Any, np.dtype[np.float64]]
_WIDTH, _RIGHT, _ABOVE, _DOWN, _BELOW = 7.6, 0.15, 0.3, 0.4, 0.55  # inches; down: from one row to the next
_THIN: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "alpha": 0.8}  # training curves in `draw`
_FEW = 4  # variants: so few that their training curves are readable between those of validation
_MARKS = 6  # on a curve, at most
_SETS = ("train", "valid")


def draw(histories: Mapping[str, Sequence[History]], baseline: str) -> Figure:
    """Two panels over the epochs: accuracy and loss on the validation set; of few variants, on the training set, too.

    Where a seed stopped earlier than the others, a thinner line continues with the mean of the remaining ones.

    Args:
        histories: by variant, of each finished run the columns `epoch`, `train_loss`, `train_accuracy`, `valid_loss`
            and `valid_accuracy`; values that are not finite leave a gap.
        baseline: the variant drawn in ink.
    """
    sets = ("valid", "train") if sum(map(bool, histories.values())) <= _FEW else ("valid",)
    training = [Line2D([], [], color=canvas.MUTED, **_THIN, label="on the training set")] if "train" in sets else []
    sheet = _Sheet("Learning curves", histories, baseline, training, rows=1, panel=2.7, left=0.6, gap=0.65)
    for column, quantity in enumerate(("accuracy", "loss")):
        axes = sheet.add_panel(0, column)
        unit = sheet.draw_curves(axes, quantity, sets, scaled_for=sets)
        canvas.title(axes, ", ".join(filter(None, (f"Validation {quantity}", unit))))
    return sheet.figure


def draw_sheet(histories: Mapping[str, Sequence[History]], baseline: str, title: str = "") -> Figure:
    """Four panels over the epochs: loss above accuracy, training beside validation; each row shares its scale.

    Takes the arguments of `draw`, and draws each variant as `draw` does. title: of the figure; by default it names the
    variant with the highest accuracy on the validation set at the end.
    """
    if not title:
        last = _accuracies(histories)
        best = max(last, key=last.__getitem__)
        title = f"Learning curves; best: {best}, validation accuracy {last[best]:.2%}"
    sheet = _Sheet(title, histories, baseline, [], rows=2, panel=2.3, left=0.75, gap=0.2)
    for row, quantity in enumerate(("loss", "accuracy")):
        for column, part in enumerate(_SETS):
            axes = sheet.add_panel(row, column)
            unit = sheet.draw_curves(axes, quantity, (part,), scaled_for=_SETS)
            canvas.title(axes, f"{SETS[part].capitalize()} {quantity}")
            if column:
                axes.tick_params(axis="y", labelleft=False)
            else:
                canvas.label(axes, y=", ".join(filter(None, (quantity.capitalize(), unit))), size=canvas.TEXT - 1)
            if not row:
                axes.set_xlabel("")
    return sheet.figure


class _Sheet:
    """A figure of two columns of panels, all of which draw the same variants, with a key and a note below them."""

    def __init__(
        self,
        title: str,
        histories: Mapping[str, Sequence[History]],
        baseline: str,
        more_handles: Sequence[Line2D],
        *,
        rows: int,
        panel: float,  # inches: a panel's height, what is left of the panels and between them
        left: float,
        gap: float,
    ) -> None:
        self._finished = {variant: runs for variant, runs in histories.items() if runs}
        self._looks = canvas.styles(histories, plain=baseline)
        self._rows, self._panel, self._left, self._gap = rows, panel, left, gap
        last = _accuracies(histories)
        self._too_low = {variant: last[variant] for variant in scales.outlying(last)}
        handles = [*(key.handle(self._looks[variant], variant) for variant in self._finished), *more_handles]
        note = key.note(self._too_low, missing=[variant for variant in histories if variant not in last])
        legend = key.height(handles, _WIDTH, note)
        self._foot = _BELOW + legend
        height = canvas.HEADER + rows * _ABOVE + rows * panel + (rows - 1) * _DOWN + self._foot
        self.figure = canvas.new_figure(_WIDTH, height, title, arrange=False)
        key.draw(self.figure, handles, legend, note)

    def add_panel(self, row: int, column: int) -> Axes:
        """Adds axes whose horizontal one counts epochs; row 0 is the uppermost."""
        width = (_WIDTH - self._left - self._gap - _RIGHT) / 2
        left = self._left + column * (width + self._gap)
        bottom = self._foot + (self._rows - 1 - row) * (self._panel + _ABOVE + _DOWN)
        axes = canvas.add_axes(self.figure, left, bottom, width, self._panel)
        canvas.set_style(axes)
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
        axes.margins(x=0.03)
        canvas.label(axes, "Epoch")
        return axes

    def draw_curves(self, axes: Axes, quantity: str, sets: Sequence[str], scaled_for: Sequence[str]) -> str:
        """Draws each variant's curve on the first of `sets`, and thin lines on the others.

        The vertical axis has room for the curves on the sets `scaled_for`; returns the words for its scale.
        """
        squeezing = self._too_low if quantity == "accuracy" else ()
        shown = []
        for position, (variant, runs) in enumerate(self._finished.items()):
            values = {part: _stacked(runs, f"{part}_{quantity}") for part in scaled_for}
            look = self._looks[variant]
            _draw_curve(axes, runs, values[sets[0]], look, position)
            for part in sets[1:]:
                axes.plot(_epochs(runs), values[part].mean(axis=0), color=look.color, **_THIN)
            if variant not in squeezing:
                shown += [each.compressed() for each in values.values()]
        prepare = scales.accuracy if quantity == "accuracy" else scales.positive
        return prepare(axes, "y", np.concatenate(shown))


def _epochs(runs: Sequence[History]) -> Sequence[float]:
    return max((run["epoch"] for run in runs), key=len)


def _stacked(runs: Sequence[History], column: str) -> Values:
    """[runs, evaluations of the longest], masked where a run has stopped or has no finite value."""
    values = np.full((len(runs), max(len(run[column]) for run in runs)), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[: len(run[column])] = run[column]
    return np.ma.masked_invalid(values)


def _draw_curve(axes: Axes, runs: Sequence[History], values: Values, look: canvas.Style, position: int) -> None:
    """Draws the mean of a variant's runs in its band; position: among the variants, so that marks don't coincide."""
    epochs, middle = _epochs(runs), values.mean(axis=0)  # [evaluations]
    if len(values) > 1:
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=look.color, alpha=0.13, linewidth=0)
    whole = min(np.flatnonzero(~run.mask).max(initial=-1) + 1 for run in values)  # evaluations that all runs reached
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


def _accuracies(histories: Mapping[str, Sequence[History]]) -> dict[str, float]:
    """By variant with a finished run, the mean of its runs' last accuracies on the validation set."""
    found = {}
    for variant, runs in histories.items():
        if runs:
            ends = [run.compressed()[-1] for run in _stacked(runs, "valid_accuracy") if run.count()]
            found[variant] = float(np.mean(ends)) if ends else 0.0
    return found
