"""Our runs of published experiments: every seed as a dot, below it the mean with its interval."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from src.analysis import formats
from src.analysis.lesson_verdict import LessonRow
from src.figures import canvas, rows, scales

_RIGHT = 0.75  # inches, for the column of means


def fits(row: LessonRow) -> bool:
    """Whether the figure can show a row: an accuracy of at least one run that finished."""
    return row.mean is not None and row.metric.in_percent


def draw(lessons: Sequence[LessonRow], title: str) -> Figure:
    """A row per experiment, on one scale, with what is measured below its name; lessons: rows that fit, one each."""
    tags = {row.experiment.name: row.metric.words for row in lessons}
    names = [*tags]
    height = canvas.HEADER + rows.HEADS + len(lessons) * rows.PITCH + rows.AXIS
    figure = canvas.new_figure(rows.WIDTH, height, title, arrange=False)
    axes = rows.panel(figure, canvas.HEADER + rows.HEADS, names, rows.room(names), _RIGHT, tags)
    shown: list[float] = []
    for height_of, row in enumerate(lessons):
        values = [value for _, value in row.values if value is not None]
        axes.plot(
            values,
            np.full(len(values), height_of - 0.13),
            "o",
            color=canvas.BLUE,
            markersize=5,
            alpha=0.5,
            clip_on=False,
        )
        shown += values
        mean = row.mean
        assert mean is not None
        if mean.low is not None and mean.high is not None:
            axes.plot((mean.low, mean.high), (height_of + 0.23,) * 2, color=canvas.INK, linewidth=1.4)
            shown += [mean.low, mean.high]
        axes.plot(mean.mean, height_of + 0.23, "D", color=canvas.INK, markersize=4.5)
    unit = scales.accuracy(axes, "x", shown)
    canvas.label(axes, f"Share of examples, {unit}", size=canvas.TEXT - 1)
    rows.column(axes, 0.6, "mean", [formats.percent(row.mean.mean) if row.mean else "" for row in lessons])
    return figure
