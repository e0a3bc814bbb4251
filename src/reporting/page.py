"""The report of a study: one page that needs nothing but itself, and its figures and numbers as files beside it."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from src.analysis import formats
from src.analysis.comparison import Comparison
from src.analysis.summary import Summary
from src.data.dataset import Dataset
from src.figures import canvas
from src.figures import study as study_figures
from src.figures.study import StudyFigure
from src.foundation.files import replacing_folder
from src.reporting.rendering import environment
from src.studies.comparisons.results import Results, is_loss


def write_report(
    target: Path,
    results: Results,
    summary: Summary,
    seconds: Mapping[str, float],
    dataset: Dataset | None,
    lineage: Mapping[str, str],
    files: Mapping[str, str],
) -> None:
    """Writes `index.html`, the figures as `<name>.png`, and other files, in a folder that is replaced as a whole.

    Args:
        target: the folder; what stood there before is gone afterwards.
        results: of the study.
        summary: its numbers, by `summarize`.
        seconds: of training, by fingerprint, as far as they are known.
        dataset: the one that the study was tested on; without it, the figures that need it are left out.
        lineage: `git.commit` and `git.dirty` of this checkout, and, where it is known, `code`: "same" if the runs'
            numeric code is that of this checkout, "another" otherwise.
        files: texts, by the names of the files that they go to.
    """
    with replacing_folder(target) as folder:
        pictures = {}
        for drawn in study_figures.draw(results, summary, dataset):
            path = folder / f"{drawn.name}.png"
            canvas.save(drawn.figure, path)
            pictures[drawn.name] = _as_html(drawn, path)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        beside = sorted(path.name for path in folder.iterdir())
        page = render(results, summary, seconds, lineage, pictures, beside)
        (folder / "index.html").write_text(page, encoding="utf-8")


def render(
    results: Results,
    summary: Summary,
    seconds: Mapping[str, float],
    lineage: Mapping[str, str],
    pictures: Mapping[str, Markup],
    beside: Sequence[str],
) -> str:
    """The page. pictures: by the figures' names, as HTML; beside: the names of the files in its folder."""
    templates = environment(
        {
            "value": _value,
            "points": formats.points,
            "p_value": formats.p_value,
            "seconds": formats.seconds,
            "in_words": study_figures.in_words,
        }
    )
    return templates.get_template("study.html").render(
        results=results,
        summary=summary,
        seconds=seconds,
        comparisons=_comparisons(summary),
        pictures=pictures,
        beside=beside,
        commit=lineage.get("git.commit", "unknown"),
        dirty=lineage.get("git.dirty") == "true",
        code=lineage.get("code", ""),
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
    """Every comparison that was made, once: a cumulative study's first step is against the baseline, too."""
    made = [each for row in summary.rows for each in (row.step, row.against_baseline) if each is not None]
    return list({(each.variant, each.against): each for each in made}.values())


def _value(x: float, metric: str) -> str:
    return f"{x:.4g}" if is_loss(metric) else formats.percent(x)
