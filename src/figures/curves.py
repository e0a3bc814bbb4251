"""Learning curves: loss and accuracy during training, on the training and on the validation set."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from src.figures import canvas
from src.figures.run_view import RunView
from src.runs.metric import SETS

_SETS = (("train", canvas.BLUE, "-"), ("valid", canvas.VERMILLION, "--"))
_ABOVE = 0.02  # of what is shown below 100 %, so that a line at 100 % is not cut
_FEW = 30  # evaluations: a curve of more has no markers


def of(run: RunView) -> Figure:
    """A run's learning curves by epoch."""
    return draw(run.history, run.best_epoch, run.kept_epoch, f"Learning curves of {run.scored('valid')}", run.names)


def draw(
    history: Mapping[str, Sequence[float]],
    best_epoch: int | None = None,
    kept_epoch: int | None = None,
    title: str = "Learning curves",
    names: Mapping[str, str] = SETS,
) -> Figure:
    """Two panels over the epochs: loss and accuracy.

    Args:
        history: the columns `epoch`, `train_loss`, `train_accuracy`, `valid_loss` and `valid_accuracy`, one value per
            evaluated epoch, of which 0 is the untrained network; values that are not finite leave a gap.
        best_epoch: the best epoch on the validation set, marked by a vertical line.
        kept_epoch: the epoch whose weights were kept, named if it is another one.
        title: of the figure.
        names: of the sets.
    """
    figure = canvas.new_figure(7.6, 3.7, title)
    at = history["epoch"]
    margin = 0.04 * (at[-1] - at[0]) or 0.5
    panels = figure.subplots(1, 2)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        canvas.set_style(axes)
        percent = quantity == "accuracy"
        axes.yaxis.set_major_formatter(FuncFormatter(_percent) if percent else StrMethodFormatter("{x:g}"))
        for part, color, line in _SETS:
            look: dict[str, Any] = {"color": color, "marker": "o" if len(at) <= _FEW else "", "markersize": 4}
            label = names[part].capitalize()
            axes.plot(at, history[f"{part}_{quantity}"], line, linewidth=1.8, label=label, **look)
        if best_epoch is not None:
            kept = "" if kept_epoch in (None, best_epoch) else f"; kept: {kept_epoch:,}"
            label = f"Best epoch ({best_epoch:,}){kept}"
            axes.axvline(best_epoch, color=canvas.MUTED, linewidth=1.2, linestyle=":", label=label)
        if percent:  # no share is above 100 %
            low, high = axes.get_ylim()
            axes.set_ylim(low, min(high, 1 + _ABOVE * (1 - low)))
        axes.set_xlim(at[0] - margin, at[-1] + margin)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        canvas.label(axes, "Epoch", "Accuracy, %" if percent else "Loss")
    canvas.legend(figure, "outside lower center", 3, handles=panels[0].get_legend_handles_labels()[0])
    return figure


def _percent(value: float, _: int | None) -> str:
    return f"{100 * value:.6g}"
