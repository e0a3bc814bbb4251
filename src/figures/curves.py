"""Learning curves: loss and accuracy during training, on the training and on the validation set."""

import math
from collections.abc import Iterable, Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from src.figures import canvas
from src.figures.run_view import RunView
from src.runs.metric import SETS
from src.training.batches import Batches

_SETS = (("train", canvas.BLUE, "-"), ("valid", canvas.VERMILLION, "--"))
_FEW = 30  # evaluations: a curve of more has no markers
_FALL = 20  # the factor between largest and smallest loss above which their scale is logarithmic


def of(run: RunView) -> Figure:
    """A run's learning curves by epoch."""
    return draw(run.history, run.best_epoch, names=run.names)


def by_step(run: RunView) -> Figure:
    """A run's learning curves by update."""
    losses = [loss for part in ("train", "valid") for loss in run.history[f"{part}_loss"] if loss > 0]
    falls = bool(losses) and max(losses) > _FALL * min(losses)
    training, (x, y, _) = run.config["train"], run.dataset.train
    order, updates = training.get("order", "shuffled"), training.get("steps_per_epoch")  # older runs have no such keys
    size, dtype = training["batch_size"] or len(y), run.model.network.dtype
    steps = len(Batches(x, y, size, dtype, training["drop_last"], order, updates))
    return draw(run.history, run.best_epoch, log_loss=falls, steps=steps, names=run.names)


def draw(
    history: Mapping[str, Sequence[float]],
    best_epoch: int | None = None,
    log_loss: bool = False,
    steps: int | None = None,
    names: Mapping[str, str] = SETS,
) -> Figure:
    """Two panels over the epochs, or over the steps: loss and accuracy.

    Args:
        history: the columns `epoch`, `train_loss`, `train_accuracy`, `valid_loss` and `valid_accuracy`, one value per
            evaluated epoch, of which 0 is the untrained network; values that are not finite leave a gap.
        best_epoch: the epoch whose weights were kept, marked by a vertical line.
        log_loss: draws the loss on a logarithmic scale.
        steps: the updates of an epoch, which the figure then counts; None: it counts epochs.
        names: of the sets.
    """
    figure = canvas.new_figure(7.6, 3.7, "Learning curves" if steps is None else "Learning curves by step")
    unit, scale = ("epoch", 1) if steps is None else ("step", steps)
    at = [scale * epoch for epoch in history["epoch"]]
    margin = 0.04 * (at[-1] - at[0]) or 0.5 * scale
    panels = figure.subplots(1, 2)
    for axes, quantity in zip(panels, ("loss", "accuracy"), strict=True):
        canvas.set_style(axes)
        if quantity == "loss" and log_loss:
            axes.set_yscale("log")
            axes.set_ylim(_whole_decades((*history["train_loss"], *history["valid_loss"])))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        for prefix, color, line in _SETS:
            marker = "o" if len(at) <= _FEW else ""
            values = history[f"{prefix}_{quantity}"]
            axes.plot(
                at,
                values,
                line,
                color=color,
                marker=marker,
                markersize=4,
                linewidth=1.8,
                label=names[prefix].capitalize(),
            )
        if best_epoch is not None:
            best = scale * best_epoch
            label = f"Best {unit} ({best:,})"
            axes.axvline(best, color=canvas.MUTED, linewidth=1.2, linestyle=":", label=label)
        axes.set_xlim(at[0] - margin, at[-1] + margin)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 5, 10), integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        canvas.label(axes, unit.capitalize(), quantity.capitalize())
    canvas.legend(figure, "outside lower center", 3, handles=panels[0].get_legend_handles_labels()[0])
    return figure


def _whole_decades(losses: Iterable[float]) -> tuple[float, float]:
    # Limits at powers of ten, so that at least two of them are labelled.
    exponents = [math.log10(loss) for loss in losses if 0 < loss < math.inf] or [0.0]
    low, high = math.floor(min(exponents)), math.ceil(max(exponents))
    return 10.0**low, 10.0 ** max(high, low + 1)
