"""The figures of a study of twins: curves on each other, how far the weights are apart, and boundaries side by side."""

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.figures import boundaries, canvas, key, scales
from src.figures.data_view import Values
from src.figures.run_view import RunView
from src.figures.study_figures import StudyFigure
from src.nn.arrays import Labels
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.studies.twins.collect import Twinned, TwinRun, Twins

_SMALLEST = 1e-18  # drawn in place of 0, which a logarithmic axis has not
_WIDTH, _PANEL, _LEFT, _GAP, _RIGHT, _ABOVE, _BELOW = 7.6, 2.7, 0.75, 0.9, 0.2, 0.3, 0.6  # inches


def draw(twins: Twins) -> Iterator[StudyFigure]:
    """Of each experiment and library, curves_<experiment>_<number>, and boundaries_... for two features."""
    for each in twins.experiments:
        for number, run in enumerate(each.runs):
            name = f"{each.job.variant}_{number}"
            words = f"{each.job.variant}: training loss of ours and of {run.library}, and the difference of weights"
            yield StudyFigure(f"curves_{name}", _curves(each, run), words)
            if each.dataset.train.x.shape[1] == 2:
                words = f"{each.job.variant}: the decision boundaries of ours and of {run.library}"
                yield StudyFigure(f"boundaries_{name}", _boundaries(each, run), words, of_pixels=True)


def _curves(each: Twinned, run: TwinRun) -> Figure:
    looks = {"ours": canvas.Style(canvas.INK, "-", ""), run.library: canvas.Style(canvas.VERMILLION, "--", "")}
    handles = [key.handle(look, name) for name, look in looks.items()]
    legend = key.height(handles, _WIDTH)
    below = _BELOW + legend
    title = f"{each.job.variant}: ours and {run.library}"
    figure = canvas.new_figure(_WIDTH, canvas.HEADER + _ABOVE + _PANEL + below, title, arrange=False)
    width = (_WIDTH - _LEFT - _GAP - _RIGHT) / 2
    loss, apart = (canvas.add_axes(figure, _LEFT + i * (width + _GAP), below, width, _PANEL) for i in range(2))
    for axes in (loss, apart):
        canvas.set_style(axes)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    for column, look in enumerate(looks.values()):
        values = [pair[column] for pair in run.loss]
        loss.plot(run.epochs, values, color=look.color, linestyle=look.line, linewidth=2.4 - column)
    canvas.title(
        loss, ", ".join(filter(None, ("Training loss", scales.positive(loss, "y", np.ravel(run.loss))))), width
    )
    canvas.label(loss, "Epoch")
    apart.semilogy(np.maximum(run.apart, _SMALLEST), color=canvas.BLUE, linewidth=1.2)
    canvas.title(apart, "Largest difference of weights", width)
    canvas.label(apart, "Update")
    key.draw(figure, handles, legend)
    return figure


def _boundaries(each: Twinned, run: TwinRun) -> Figure:
    view = RunView.of(FinishedRun(RunFolder.of(each.fingerprint).path), each.dataset)
    test = view.examples("test")

    def twin(points: Values) -> tuple[Labels, Values]:
        p = run.twin.probabilities(points)
        return view.model.network.decide(p), p

    panels = [
        (f"ours: {run.accuracy[0]:.2%} of the test set", view.grid(), test),
        (f"{run.library}: {run.accuracy[1]:.2%}", view.grid(twin), test),
    ]
    return boundaries.draw(f"{each.job.variant}: decision boundaries", panels, each.dataset.labels, view.features())
