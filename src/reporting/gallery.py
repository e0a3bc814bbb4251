"""Which figures belong to a network and its predictions, and the files that they go to."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src.data.dataset import Dataset
from src.nn.arrays import Array, Labels
from src.runs.model import load_model
from src.runs.predictions import read_predictions
from src.runs.store import HISTORY, RunFolder
from src.training.metrics import confusion

_FIRST_OF_TEST = 25
_GALLERY = 25


class RunFigures:
    """A tracker that draws a finished run's figures into its folder, for the trackers that come after it."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def started(self, folder: Path) -> None:
        pass

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        pass

    def ended(self, folder: Path) -> None:
        run = RunFolder(folder)
        if not run.finished() or (folder / "figures").exists():
            return
        try:
            self._draw(run)
        except Exception as error:  # a picture less does not make the run another one
            print(f"warning: not all figures of {folder} could be drawn ({error})", file=sys.stderr)

    def _draw(self, run: RunFolder) -> None:
        from src.reporting.figures import canvas

        folder = run.path
        predicted = read_predictions(folder / "predictions.npz")
        W = load_model(folder / "model.npz").network.parameters.W
        figures = {"curves": curves(run.journal(), run.result()["kept_epoch"])}
        figures |= dict(of_test_set(self._dataset, predicted.labels, predicted.confidence))
        figures |= dict(of_first_layer(self._dataset, W))
        for name, figure in figures.items():
            canvas.save(figure, folder / "figures" / f"{name}.png")


def curves(history: list[dict[str, Any]], kept_epoch: int) -> Any:
    """The learning curves of a run's journal, or of rows like it."""
    from src.reporting.figures import curves as figure

    columns = {column: [record[column] for record in history] for column in HISTORY}
    return figure.draw(columns, best_epoch=kept_epoch if kept_epoch < len(history) else None)


def of_test_set(dataset: Dataset, predicted: Labels, probability: Array) -> Iterator[tuple[str, Any]]:
    """The figures of predictions [n] of the test set, made with `probability` [n]: names and figures."""
    from src.reporting.figures import confusion as confusion_figure
    from src.reporting.figures import failures, reliability

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
    from src.reporting.figures import hidden_weights

    if dataset.image is not None:
        units = "hidden" if len(W) > 1 else "output"
        yield "hidden_weights", hidden_weights.draw(W[0], dataset.image, f"Weights of the first {units} units")
