"""The report of a comparison of variants: its page with all figures inside it, the figures as files, and its tables."""

import base64
import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from src.analysis import formats
from src.analysis.comparison_summary import Summary, summarize
from src.analysis.comparison_verdict import Comparison
from src.analysis.statistics import Interval
from src.data.dataset import Dataset
from src.data.recipes import Recipe, prepare
from src.foundation import schema
from src.foundation.errors import UserError
from src.foundation.files import rounded
from src.reporting.report_folder import Report, render, write
from src.reporting.tables import plain_table
from src.reporting.times_page import write_times
from src.runs.metric import STANDARD
from src.studies.comparisons.collect import seconds_of
from src.studies.comparisons.results import Results, about

if TYPE_CHECKING:
    from src.figures.study_figures import StudyFigure


def report(results: Results, _study: str, target: Path) -> Report:
    """Writes index.html, summary.json, runs.csv and the figures into the folder `target`, unless they are current.

    What trainings took differs each time, so it is on a page of its own, `<target>-times.html`. Raises `UserError` if
    the data are not those that the study was trained on.
    """
    dataset = prepare(schema.build(Recipe, results.data, "data"))
    if dataset.sha256 != results.digests["data"]:
        raise UserError(f"data={results.recipe}: the study was trained on other arrays; run `dvc repro`")
    summary = summarize(results, np.asarray(dataset.test.y))
    write_times(results, summary, seconds_of(results), target)
    return write_report(results, summary, dataset, target)


def write_report(results: Results, summary: Summary, dataset: Dataset, target: Path) -> Report:
    """As `report`, without the times. dataset: that of the study."""

    def page(folder: Path) -> str:
        return render(
            "comparison.html",
            folder,
            results.digests["code"],
            environment=results.environment,
            results=results,
            summary=summary,
            comparisons=_comparisons(summary),
            pictures=_pictures(folder, results, summary, dataset),
        )

    new = write(target, rounded(as_json(summary, results)), about(results), {"runs.csv": runs_csv(results)}, page)
    return Report(results.identity, target, new, table(summary), summary.verdict, metrics(summary))


def as_json(summary: Summary, results: Results) -> dict[str, Any]:
    """The contents of summary.json: the study's declaration, its digests, and all of the summary."""
    declared = ("title", "command", "recipe", "seeds", "cumulative", "baseline")
    return {
        "study": results.name,
        **{name: getattr(results, name) for name in declared},
        "chosen": summary.chosen,
        **{name: getattr(results, name) for name in ("choose_by", "report_on")},
        **{name: getattr(summary, name) for name in ("verdict", "notes")},
        "variants": [asdict(row) for row in summary.rows],
        "single_models": asdict(summary.single_models) if summary.single_models else None,
        **{name: getattr(results, name) for name in ("digests", "environment")},
    }


def runs_csv(results: Results) -> str:
    """The contents of runs.csv: a line per run, with empty cells for unknown values."""
    header = ["variant", "seed", "status", "reason", "fingerprint", "epochs", "kept_epoch"]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*header, *(metric.replace("/", "_") for metric in STANDARD), "weights_sha256"])
    for run in results.runs:
        result = run.result or {}
        lines.writerow(
            [
                *(run.variant, run.seed, run.status, run.reason, run.fingerprint),
                *(result.get("epochs", ""), result.get("kept_epoch", "")),
                *(metric.of(run.result) if run.result else "" for metric in STANDARD),
                result.get("weights_sha256", ""),
            ]
        )
    return text.getvalue()


def table(summary: Summary) -> str:
    """The table for a terminal: a line per variant, `*` for the chosen one."""
    steps = any(row.step for row in summary.rows)
    header = ["variant", "n", "accuracy %", "95 %"]
    header += ["step", "corrected p", "verdict"] if steps else []
    header += ["to baseline", "95 %", "corrected p", "verdict"]
    rows = []
    for row in summary.rows:
        mean = row.reported
        cells = [row.variant + (" *" if row.variant == summary.chosen else ""), str(mean.n if mean else 0)]
        cells += [formats.percent(mean.mean) if mean else "-", _bounds(mean, formats.percent)]
        if steps:
            size, _, p, verdict = _compared(row.step)
            cells += [size, p, verdict]
        rows.append([*cells, *_compared(row.against_baseline)])
    return plain_table(header, rows)


def metrics(summary: Summary) -> dict[str, float]:
    """The metrics of a study's MLflow run."""
    found = {}
    for row in summary.rows:
        compared = row.against_baseline
        if row.reported:
            found[f"{row.variant}/accuracy"] = row.reported.mean
        if compared and compared.effect:
            found[f"{row.variant}/gain"] = compared.effect.mean
        if compared and compared.corrected_p is not None:
            found[f"{row.variant}/p"] = compared.corrected_p
    return found


def _compared(comparison: Comparison | None) -> list[str]:
    """The size of an effect, its interval, its corrected p and the verdict."""
    if comparison is None:
        return ["-", "-", "-", "-"]
    effect, p = comparison.effect, comparison.corrected_p
    size = formats.points(effect.mean) if effect else "-"
    return [size, _bounds(effect, formats.points), "-" if p is None else formats.p_value(p), comparison.verdict]


def _bounds(estimate: Interval | None, spell: Callable[[float], str]) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{spell(estimate.low)} to {spell(estimate.high)}"


def _comparisons(summary: Summary) -> list[Comparison]:
    """Every comparison once: a cumulative study's first step is against the baseline, too."""
    made = [each for row in summary.rows for each in (row.step, row.against_baseline) if each is not None]
    return list({(each.variant, each.against): each for each in made}.values())


def _pictures(folder: Path, results: Results, summary: Summary, dataset: Dataset) -> dict[str, Markup]:
    from src.figures import study_figures  # imports matplotlib

    return pictures_of(folder, study_figures.draw(results, summary, dataset))


def pictures_of(folder: Path, figures: Iterable["StudyFigure"]) -> dict[str, Markup]:
    """The figures for a page, by name; writes each into the folder, too, as `<name>.png`."""
    from src.figures import canvas

    pictures = {}
    for drawn in figures:
        path = folder / f"{drawn.name}.png"
        canvas.save(drawn.figure, path)
        if drawn.of_pixels:
            pictures[drawn.name] = _image(drawn, path, canvas.HEADER)
        else:
            pictures[drawn.name] = Markup(canvas.svg(drawn.figure, drawn.name, drawn.words))
    return pictures


def _image(drawn: "StudyFigure", png: Path, header: float) -> Markup:
    """A figure of pixels as an image, without its header of so many inches: the page has a heading of its own."""
    width, height = drawn.figure.get_size_inches()
    source = f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()}"
    image = Markup('<img src="{}" style="aspect-ratio: {:g} / {:g}" width="{:.0f}" alt="{}">')
    return image.format(source, width, height - header, 96 * width, drawn.words)
