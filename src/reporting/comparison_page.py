"""The page of a comparison of variants, with its figures inside it and as files beside it."""

import base64
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from src.analysis.comparison import Comparison
from src.analysis.comparison_summary import Summary
from src.data.dataset import Dataset
from src.figures import canvas, study_figures
from src.figures.study_figures import StudyFigure
from src.reporting import page
from src.studies.comparisons.results import Results


def render(
    folder: Path,
    results: Results,
    summary: Summary,
    seconds: Mapping[str, float],
    dataset: Dataset | None,
    lineage: Mapping[str, str],
) -> str:
    """Draws the figures into a folder, as `<name>.png`, and returns the page.

    Args:
        folder: the report's, with all its other files.
        results: of the study.
        summary: its numbers, by `summarize`.
        seconds: of training, by fingerprint, as far as they are known.
        dataset: the one that the study was tested on; without it, the figures that need it are left out.
        lineage: as in `page.render`.
    """
    pictures = {}
    for drawn in study_figures.draw(results, summary, dataset):
        path = folder / f"{drawn.name}.png"
        canvas.save(drawn.figure, path)
        pictures[drawn.name] = _as_html(drawn, path)
    return page.render(
        "comparison.html",
        lineage,
        folder,
        environment=results.environment,
        results=results,
        summary=summary,
        seconds=seconds,
        comparisons=_comparisons(summary),
        pictures=pictures,
    )


def _as_html(drawn: StudyFigure, png: Path) -> Markup:
    if not drawn.of_pixels:
        return Markup(canvas.svg(drawn.figure, drawn.name, drawn.words))
    width, height = drawn.figure.get_size_inches()
    shown = height - canvas.HEADER  # the page has a heading of its own
    source = f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()}"
    image = Markup('<img src="{}" style="aspect-ratio: {:g} / {:g}" width="{:.0f}" alt="{}">')
    return image.format(source, width, shown, 96 * width, drawn.words)


def _comparisons(summary: Summary) -> list[Comparison]:
    """Every comparison once: a cumulative study's first step is against the baseline, too."""
    made = [each for row in summary.rows for each in (row.step, row.against_baseline) if each is not None]
    return list({(each.variant, each.against): each for each in made}.values())
