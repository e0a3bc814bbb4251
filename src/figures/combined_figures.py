"""The figures of a combined study: samples, and of each comparison its curves and its best model's confusions."""

from collections.abc import Iterator

from src.data.dataset import Dataset
from src.figures import confusion, samples, study_curves
from src.figures.data_view import DataView
from src.figures.run_view import RunView
from src.figures.study_figures import StudyFigure
from src.studies.combined.collect import Combined, finished


def draw(combined: Combined, dataset: Dataset) -> Iterator[StudyFigure]:
    """First samples, if the data are images; then a sheet of curves for each grid of variants, and confusions.

    They are named sheet_<study>_<n> and confusion_<study>; a comparison without a finished run has neither. dataset:
    that of the study.
    """
    if dataset.image is not None:
        words = "The first images of the training set, three rows of five, each with its label"
        yield StudyFigure("samples", samples.sheet(DataView(dataset)), words, of_pixels=True)
    for member, results in combined.parts:
        name, start = member.study.name, 0
        for number, size in enumerate(member.sheets, start=1):
            shown = [variant.name for variant in results.variants[start : start + size]]
            start += size
            histories = {
                variant: [run.history for run in results.runs if run.variant == variant and run.history]
                for variant in shown
            }
            if any(histories.values()):
                plain = results.baseline if results.baseline in shown else shown[0]
                words = f"{name}: loss and accuracy on training and validation set after each epoch, a line a variant"
                yield StudyFigure(f"sheet_{name}_{number}", study_curves.draw_sheet(histories, plain), words)
        best = combined.best(results)
        if best is not None:
            view = RunView.of(finished(best), dataset)
            words = f"Confusion matrices of {best.variant}: {view.heading('train')}, {view.heading('test')}"
            yield StudyFigure(f"confusion_{name}", confusion.pair(view), words, of_pixels=True)
