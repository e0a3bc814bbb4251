"""How many examples each class has, in each set."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from src.figures import canvas
from src.figures.data_view import DataView

_BAR = 0.27  # of the distance between two classes
_COLOURS = {"train": canvas.BLUE, "valid": canvas.VERMILLION, "test": canvas.ORANGE}


def of(data: DataView) -> Figure:
    """A bar for each class and set."""
    labels = data.dataset.labels
    figure = canvas.new_figure(7.6, 3.7, "Examples of each class")
    axes = figure.subplots()
    canvas.set_style(axes)
    axes.grid(visible=False, axis="x")
    for place, (part, color) in enumerate(_COLOURS.items(), start=-1):
        y = data.examples(part).y
        counts = np.bincount(y, minlength=len(labels))
        name = f"{data.names[part]} ({len(y):,})"
        axes.bar(np.arange(len(labels)) + _BAR * place, counts, _BAR, color=color, label=name)
    canvas.name_classes(axes, labels, both=False)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=(1, 2, 2.5, 5, 10), integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    canvas.label(axes, y="Examples")
    canvas.legend(figure, "outside lower center", len(_COLOURS), handles=axes.get_legend_handles_labels()[0])
    return figure
