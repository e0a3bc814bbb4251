"""Runs side by side: a page that needs no network, and a short table for a terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src.analysis.formats import p_value, points
from src.analysis.run_comparison import Comparison, Pair
from src.foundation.files import sha256
from src.reporting.comparison_report import pictures_of
from src.reporting.report_folder import render, write
from src.reporting.tables import plain_table
from src.runs.folder import runs_folder

if TYPE_CHECKING:
    from src.figures.study_figures import StudyFigure


_DIGITS = 12  # of the digest that names a page's folder


def write_page(comparison: Comparison, command: str) -> Path:
    """Writes the page and its figures to runs/compared/, unless they are up to date; returns the page.

    command: makes it again.
    """
    plain, first = comparison.plain(), comparison.names[0]
    digests = "\n".join(run.fingerprint for run in comparison.runs)
    target = runs_folder() / "compared" / sha256(digests.encode())[:_DIGITS]

    def page(folder: Path) -> str:
        return render(
            "run_comparison.html",
            folder,
            comparison.runs[0].about["digests"]["code"],
            environment={},
            compared=comparison,
            sentences=list(sentences(comparison)),
            command=command,
            pictures=pictures_of(folder, _figures(comparison)),
            headings={f"disagreements_{_letter(name)}": f"{first} or {name}?" for name in comparison.names},
        )

    write(target, plain, {**plain, "command": command}, {}, page)
    return target / "index.html"


def text(comparison: Comparison) -> str:
    """What differs, the metrics, and what the tests say, for a terminal."""
    rows = [*comparison.differences, *comparison.metrics]
    table = plain_table(["", "", *comparison.names], [[row.section, row.name, *row.shown()] for row in rows], width=30)
    return "\n".join([table, "", *sentences(comparison)])


def sentences(comparison: Comparison) -> Iterator[str]:
    """What is known of the first run against each of the others."""
    if not comparison.differences:
        yield "Nothing differs: these are runs of the same training."
    for pair in comparison.pairs:
        yield _sentence(comparison, pair)


def _sentence(comparison: Comparison, pair: Pair) -> str:
    first, second = comparison.names[0], comparison.names[pair.other]
    if (found := pair.gain) is None:
        return f"{second} against {first}: no test; {pair.why_not}."
    test = found.mcnemar
    p = f"p {p_value(test.p)}".replace("p 0", "p = 0").replace("p 1", "p = 1")
    edge = " Test and interval disagree here, at the edge: take neither for an answer." if found.at_the_edge else ""
    return (
        f"{second} against {first}: {points(found.difference)} points of test accuracy, 95 % interval "
        f"[{points(found.low)}, {points(found.high)}] (Newcombe). It alone is right on {test.only_second:,} examples, "
        f"the other alone on {test.only_first:,} (McNemar's exact test: {p}).{edge}"
    )


def _figures(comparison: Comparison) -> Iterator["StudyFigure"]:
    from src.figures import disagreements, study_curves
    from src.figures.study_figures import StudyFigure

    histories = {name: [run.history] for name, run in zip(comparison.names, comparison.runs, strict=True)}
    words = "Loss and accuracy by epoch, training beside validation, a line for each run"
    yield StudyFigure("curves", study_curves.draw_sheet(histories, comparison.names[0]), words)
    dataset = comparison.dataset
    if dataset is None or dataset.image is None:
        return
    images, y = np.asarray(dataset.test.x).reshape(-1, *dataset.image), np.asarray(dataset.test.y)
    for pair in comparison.pairs:
        if pair.gain is not None:
            first, second = (comparison.runs[i].predictions.labels for i in (0, pair.other))
            one, other = _letter(comparison.names[0]), _letter(comparison.names[pair.other])
            drawn = disagreements.draw(images, y, first, second, dataset.labels, (one, other))
            words = f"Test images that only {one} gets wrong, and those that only {other} does"
            yield StudyFigure(f"disagreements_{other}", drawn, words, of_pixels=True)


def _letter(name: str) -> str:
    return name.partition(":")[0]
