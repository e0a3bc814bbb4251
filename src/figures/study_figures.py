"""The figures of a study's report, and what they show in words, for those who can't see them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from src.analysis import formats
from src.analysis.comparison_summary import Summary
from src.analysis.comparison_verdict import Comparison
from src.data.dataset import Dataset
from src.figures import class_gains, cost, disagreements, forest, strip, study_curves
from src.studies.comparisons.results import Results
from src.training.metrics import confusion


class StudyFigure(NamedTuple):
    """A figure of a report."""

    name: str
    figure: Any
    words: str
    of_pixels: bool = False  # to be embedded as a PNG, not as an SVG


def draw(results: Results, summary: Summary, dataset: Dataset) -> Iterator[StudyFigure]:
    """The figures that can show something of the study. dataset: the one it was tested on."""
    metric = results.report_on.words
    steps = [row.step for row in summary.rows if row.step]
    others = [row.against_baseline for row in summary.rows if row.against_baseline]
    panels = [("Each step against the one before", steps), (f"Against {results.baseline}", others)]
    if panels := [panel for panel in panels if panel[1]]:
        words = f"{metric}. " + " ".join(_sentence(comparison) for _, panel in panels for comparison in panel)
        yield StudyFigure("forest", forest.draw(panels, metric), f"Paired differences in {words}")

    if summary.chosen is None:
        return
    runs = {variant.name: [run for run in results.runs if run.variant == variant.name] for variant in results.variants}
    histories = {name: [run.history for run in group if run.history] for name, group in runs.items()}
    words = "Accuracy and loss on the validation set after each epoch: a line for the mean of each variant's seeds"
    yield StudyFigure("curves", study_curves.draw(histories, results.baseline), words)
    words = "Loss and accuracy on the training and on the validation set after each epoch, a line a variant"
    yield StudyFigure("sheet", study_curves.draw_sheet(histories, results.baseline), words)

    reported = results.report_on
    values = {name: [reported.of(run.result) if run.result else None for run in group] for name, group in runs.items()}
    tags = {results.baseline: "baseline", summary.chosen: "chosen"}
    if summary.chosen == results.baseline:
        tags = {summary.chosen: "baseline and chosen"}
    means = [(row.variant, row.reported) for row in summary.rows if row.reported]
    numbers = "; ".join(f"{variant} {formats.percent(mean.mean)} percent" for variant, mean in means)
    words = f"The {metric} of every run, a dot each, and the means: {numbers}"
    yield StudyFigure("seeds", strip.draw(summary.rows, values, tags, metric), words)

    if summary.chosen != results.baseline:
        yield from _of_test_set(results, summary, summary.chosen, dataset)


def draw_cost(results: Results, summary: Summary, seconds: Mapping[str, float]) -> StudyFigure:
    """Accuracy against cost. seconds: of a training, by variant; one that has finished must be there."""
    metric = results.report_on.words
    numbers = "; ".join(f"{variant} {formats.seconds(mean)}" for variant, mean in seconds.items())
    words = f"Mean {metric} against the mean time of a training: {numbers}"
    return StudyFigure("cost", cost.draw(summary.rows, seconds, results.baseline, metric), words)


def _of_test_set(results: Results, summary: Summary, chosen: str, dataset: Dataset) -> Iterator[StudyFigure]:
    y, labels = np.asarray(dataset.test.y), dataset.labels
    pairs = [(results.run(results.baseline, seed), results.run(chosen, seed)) for seed in results.seeds]
    common = [(a.predicted, b.predicted) for a, b in pairs if a.predicted is not None and b.predicted is not None]
    if not common:
        return
    pooled = (np.concatenate(predicted) for predicted in zip(*common, strict=True))  # of all seeds
    before, after = (confusion(np.tile(y, len(common)), predicted, len(labels)) for predicted in pooled)
    words = f"Confusion matrix of {chosen} minus that of {results.baseline}, and the gain in recall of each class"
    yield StudyFigure("classes", class_gains.draw(before, after, labels), words)

    single = summary.single_models
    if single is not None and dataset.image is not None:
        first, second = (results.run(name, single.seed).predicted for name in (single.baseline, single.chosen))
        assert first is not None
        assert second is not None
        images = np.asarray(dataset.test.x).reshape(-1, *dataset.image)
        words = f"Test images that {single.baseline} gets wrong and {single.chosen} right, and the other way round"
        yield StudyFigure("disagreements", disagreements.draw(images, y, first, second, labels), words, of_pixels=True)


def _sentence(comparison: Comparison) -> str:
    effect = comparison.effect
    size = "no seed in common" if effect is None else f"{formats.points(effect.mean)} points"
    return f"{comparison.variant} against {comparison.against}: {size}, {comparison.verdict}."
