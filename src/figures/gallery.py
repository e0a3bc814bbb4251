"""Which figures belong to a network and its predictions, and the files that they go to."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from src.data.dataset import Dataset
from src.figures.finished_run import FinishedRun, Unfit
from src.figures.further import FIGURES
from src.foundation.files import write_text
from src.nn.arrays import Array, Labels
from src.runs.folder import RunFolder
from src.training.metrics import confusion

_FIRST_OF_TEST = 25
_GALLERY = 25
_LAST = "curves"  # of the standard ones, which are all there when it is


class RunFigures:
    """A tracker that draws a finished run's figures into its folder, for the trackers that come after it.

    gallery: names of `FIGURES`, which are drawn beside the standard ones. What is there is not drawn again.
    """

    def __init__(self, dataset: Dataset, gallery: Sequence[str] = ()) -> None:
        self._dataset = dataset
        self._gallery = gallery

    def started(self, folder: Path) -> None:
        pass

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        pass

    def ended(self, folder: Path) -> None:
        run = RunFolder(folder)
        if not run.finished():
            return
        figures = folder / "figures"
        standard = not (figures / f"{_LAST}.png").exists()
        further = [name for name in self._gallery if not any(figures.glob(f"{name}.*"))]
        if not standard and not further:
            return
        shown = FinishedRun.of(run, self._dataset)
        drawing = {"standard": partial(_draw_standard, shown, figures)} if standard else {}
        for name, draw in (drawing | {name: partial(_draw_further, name, shown, figures) for name in further}).items():
            try:
                draw()
            except Exception as error:  # a picture less does not make the run another one
                print(f"warning: {name} figures of {folder} could not be drawn ({error})", file=sys.stderr)


def _draw_standard(run: FinishedRun, target: Path) -> None:
    from src.figures import canvas

    figures = dict(of_test_set(run.dataset, run.predicted.labels, run.predicted.confidence))
    figures |= dict(of_first_layer(run.dataset, run.model.network.parameters.W))
    figures[_LAST] = curves(run)
    for name, figure in figures.items():
        canvas.save(figure, target / f"{name}.png")


def _draw_further(name: str, run: FinishedRun, target: Path) -> None:
    from src.figures import canvas

    try:
        figure = FIGURES[name](run)
    except Unfit as error:
        print(f"figure {name}: left out, {error} ({target})", file=sys.stderr)
        return
    if isinstance(figure, str):
        write_text(target / f"{name}.html", figure)
    else:
        canvas.save(figure, target / f"{name}.png")


def curves(run: FinishedRun) -> Any:
    """The learning curves."""
    from src.figures import curves as figure

    return figure.draw(run.history, run.best_epoch())


def of_test_set(dataset: Dataset, predicted: Labels, probability: Array) -> Iterator[tuple[str, Any]]:
    """The figures of predictions [n] of the test set, made with `probability` [n]: names and figures."""
    from src.figures import confusion as confusion_figure
    from src.figures import failures, reliability

    y, labels = np.asarray(dataset.test.y), dataset.labels
    counts = confusion(y, predicted, len(labels))
    yield "confusion_test", confusion_figure.draw(counts, labels, "Test set", normalize=False)
    yield "reliability", reliability.draw(probability, predicted == y, title="Test set")
    if dataset.image is None:
        return
    names = np.array(labels)
    wrong = np.flatnonzero(predicted != y)
    surest = wrong[np.argsort(-probability[wrong], kind="stable")][:_GALLERY]
    for name, chosen, title in (
        ("failures", wrong[:_FIRST_OF_TEST], "The first misclassified images of the test set"),
        ("failures_confident", surest, "The most confident mistakes on the test set"),
    ):
        images = np.asarray(dataset.test.x[chosen]).reshape(-1, *dataset.image)
        yield name, failures.draw(images, names[y[chosen]], names[predicted[chosen]], probability[chosen], title)


def of_first_layer(dataset: Dataset, W: list[Array]) -> Iterator[tuple[str, Any]]:
    """The weights of the first units as images, where the inputs are images; without hidden units, the outputs'."""
    from src.figures import hidden_weights

    if dataset.image is not None:
        units = "hidden" if len(W) > 1 else "output"
        yield "hidden_weights", hidden_weights.draw(W[0], dataset.image, f"Weights of the first {units} units")
