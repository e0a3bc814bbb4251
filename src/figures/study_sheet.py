"""Learning curves of many variants on one sheet: training beside validation, loss above accuracy."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.figures import bands, canvas, key, scales

_WIDTH, _PANEL = 7.6, 2.3  # inches: the sheet, and a panel's height
_LEFT, _ACROSS, _RIGHT, _ABOVE, _DOWN, _BELOW = 0.75, 0.2, 0.15, 0.3, 0.4, 0.55
_SETS = {"train": "Training", "valid": "Validation"}


def draw(histories: Mapping[str, Sequence[bands.History]], baseline: str) -> Figure:
    """Four panels over the epochs, of which those in a row share their scale: a line for the mean of each variant.

    The lines are drawn as in `bands`, and a note says what is left out.

    Args:
        histories: by variant, of each finished run the columns `epoch`, `train_loss`, `train_accuracy`, `valid_loss`
            and `valid_accuracy`; values that are not finite leave a gap.
        baseline: the variant drawn in ink.
    """
    looks = canvas.styles(histories, plain=baseline)
    finished = {variant: runs for variant, runs in histories.items() if runs}
    below, note = bands.not_shown(histories)
    handles = [key.handle(looks[variant], variant) for variant in finished]
    legend = key.height(handles, _WIDTH) + bands.note_height(note)
    height = canvas.HEADER + 2 * _ABOVE + 2 * _PANEL + _DOWN + _BELOW + legend

    figure = canvas.new_figure(_WIDTH, height, "Training and validation", arrange=False)
    width = (_WIDTH - _LEFT - _ACROSS - _RIGHT) / 2
    for row, quantity in enumerate(("loss", "accuracy")):
        foot = legend + _BELOW + (1 - row) * (_PANEL + _ABOVE + _DOWN)
        every = {part: _stacked(finished, f"{part}_{quantity}") for part in _SETS}
        shown = [
            values.ravel()
            for curves in every.values()
            for variant, values in curves.items()
            if quantity == "loss" or variant not in below
        ]
        for column, (part, name) in enumerate(_SETS.items()):
            left = _LEFT + column * (width + _ACROSS)
            axes = canvas.add_axes(figure, left, foot, width, _PANEL)
            canvas.set_style(axes)
            for position, (variant, values) in enumerate(every[part].items()):
                bands.draw_curve(axes, finished[variant], values, looks[variant], position)
            prepare = scales.accuracy if quantity == "accuracy" else scales.positive
            unit = prepare(axes, "y", np.concatenate(shown))
            axes.set_title(f"{name} {quantity}", loc="left", fontsize=canvas.TEXT, color=canvas.INK)
            bands.count_epochs(axes)
            if column:
                axes.tick_params(axis="y", labelleft=False)
            else:
                label = f"{quantity.capitalize()}, {unit}" if unit else quantity.capitalize()
                canvas.label(axes, y=label, size=canvas.TEXT - 1)
            if not row:
                axes.set_xlabel("")
    key.draw(figure, handles, legend)
    bands.write_note(figure, note)
    return figure


def _stacked(finished: Mapping[str, Sequence[bands.History]], column: str) -> dict[str, NDArray[np.float64]]:
    return {variant: bands.stacked(runs, column) for variant, runs in finished.items()}
