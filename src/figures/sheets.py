"""Figures of several runs on one sheet, for `tracking.sheet`: their learning curves, or their activations."""

import itertools
from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from src.figures import activation, plane, study_curves
from src.figures.run_view import RunView

_COLUMNS = 3
_HEIGHTS = -1.15, 2.15  # of all activation functions
Runs = Mapping[str, Sequence[RunView]]  # by what was swept besides the seed, if anything; one for each seed


def _curves(runs: Runs) -> Figure:
    """Loss and accuracy, training beside validation, a line for each entry of `runs`: the mean of its seeds."""
    histories = {name: [run.history for run in group] for name, group in runs.items()}
    single = [(name, run) for name, group in runs.items() for run in group]
    name, best = max(single, key=lambda one: one[1].accuracy["valid"])
    title = f"Learning curves; best: {name}, {best.scored('valid')}"
    return study_curves.draw_sheet(histories, next(iter(histories)), title)


def _activations(runs: Runs) -> Figure:
    """Three runs a row: their activation functions, and below them what they learned.

    Of two classes, the probability of the second one; of more, the regions of all.
    """
    views = [run for group in runs.values() for run in group]
    labels, features = views[0].dataset.labels, views[0].features()
    pairs = len(labels) == 2
    rows: list[plane.Row] = []
    chunks = [views[start : start + _COLUMNS] for start in range(0, len(views), _COLUMNS)]
    columns = min(len(views), _COLUMNS)
    for chunk in chunks:
        rows.append(plane.Row([run.name for run in chunk], ("z", "a"), least=columns))
        scores = [run.heading("test") for run in chunk]
        colors = plane.probability_colors(len(labels)) if pairs else None
        rows.append(plane.Row(scores, features, colors=colors, least=columns))
    what = f"P({labels[1]})" if pairs else "decision boundaries"
    title = f"Activation functions, and {what} learned with them"
    figure, drawn = plane.sheet(title, rows, plane.class_handles(labels))
    upper, lower = (list(itertools.chain(*drawn[row::2])) for row in (0, 1))
    for run, functions, learned in zip(views, upper, lower, strict=True):
        activation.draw_functions(functions, activation.looks_of(list(dict.fromkeys(run.acts))))
        functions.set_ylim(*_HEIGHTS)
        if upper.index(functions) % _COLUMNS:
            functions.set_ylabel("")
        if pairs:
            plane.draw_probability(learned, run.grid(), 1, run.examples("train"))
        else:
            plane.draw_decisions(learned, run.grid(), run.examples("train"))
    return figure


DRAWINGS: dict[str, Callable[[Runs], Figure]] = {"curves": _curves, "activations": _activations}
