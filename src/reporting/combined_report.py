"""The report of a combined study: each comparison's variants and curves, and the best network, saved and scored."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from markupsafe import Markup

from src.analysis import formats
from src.data.recipes import Recipe, prepare
from src.foundation import schema
from src.reporting.comparison_report import pictures_of
from src.reporting.report_folder import Report, render, write
from src.reporting.tables import markdown_table, plain_table
from src.runs.metric import STANDARD, Metric
from src.studies.combined.collect import Combined, save_and_score
from src.studies.combined.declare import Member
from src.studies.comparisons.collect import seconds_of
from src.studies.comparisons.results import Results, StudyRun

BEST = "best.npz"  # in the report's folder
_SHOWN = [metric for metric in STANDARD if metric.part != "test"]  # the test set is for the best network alone
HEADER = ("Study", "Variant", *(f"{metric.words.capitalize()}{'' if metric.is_loss else ', %'}" for metric in _SHOWN))


class Line(NamedTuple):
    """A variant of a comparison: means over its finished runs, and how long they took."""

    study: str
    variant: str
    means: Mapping[Metric, float] | None  # None if no run finished
    failures: tuple[str, ...]
    seconds: float
    chosen: bool  # by the validation metric, within its comparison

    def cells(self) -> tuple[str, ...]:
        """The line as texts, for people."""
        numbers = (formats.value(self.means[metric], metric) if self.means else "-" for metric in _SHOWN)
        return (self.study, self.variant + (" *" if self.chosen else ""), *numbers)


def report(combined: Combined, _study: str, target: Path) -> Report:
    """Writes index.html, summary.json, table.md, the figures and best.npz into `target`, unless they are current.

    Raises `RunFailed` if the saved network, loaded again, does not score as it did.
    """
    whole = combined.whole
    dataset = prepare(schema.build(Recipe, whole.data, "data"))
    lines = [line for member, results in combined.parts for line in _lines(member.study.name, results)]
    best = combined.best(whole)
    summary = as_json(combined, lines, best)
    verdict = (_sentence(whole, best),)

    def page(folder: Path) -> str:
        if best is not None:
            save_and_score(best, dataset, folder / BEST)
        from src.figures import combined_figures  # imports matplotlib

        pictures = pictures_of(folder, combined_figures.draw(combined, dataset))
        return render(
            "combined.html",
            folder,
            whole.digests["code"],
            environment=whole.environment,
            combined=combined,
            whole=whole,
            lines=lines,
            header=HEADER,
            best=best,
            verdict=verdict,
            pictures=pictures,
            sections=_sections(combined, pictures),
        )

    files = {"table.md": markdown(lines, verdict[0])}
    new = write(target, summary, summary, files, page)
    table = plain_table([head.lower() for head in HEADER], [line.cells() for line in lines])
    metrics = {f"{line.study}: {line.variant}": line.means[whole.choose_by] for line in lines if line.means}
    return Report(whole.identity, target, new, table, verdict, metrics)


def as_json(combined: Combined, lines: list[Line], best: StudyRun | None) -> dict[str, Any]:
    """The contents of summary.json."""
    return {
        "study": combined.whole.name,
        "title": combined.whole.title,
        "command": combined.whole.command,
        "seeds": combined.whole.seeds,
        "variants": [line._asdict() for line in lines],
        "seconds": {name: sum(line.seconds for line in lines if line.study == name) for name in _studies(combined)},
        "best": best
        and {
            "variant": best.variant,
            "seed": best.seed,
            "fingerprint": best.fingerprint,
            "command": best.command,
            "test": (best.result or {})["test"],
        },
        "digests": combined.whole.digests,
        "environment": combined.whole.environment,
    }


def markdown(lines: list[Line], verdict: str) -> str:
    """The variants as a table in Markdown, below the verdict."""
    header = (*HEADER, "Training")
    rows = ((*line.cells(), formats.seconds(line.seconds)) for line in lines)
    return f"{verdict}\n\n" + markdown_table(header, "--" + "r" * (len(header) - 2), rows)


def _lines(study: str, results: Results) -> list[Line]:
    seconds = seconds_of(results)
    lines = []
    for variant in results.variants:
        runs = [run for run in results.runs if run.variant == variant.name]
        done = [run.result for run in runs if run.result]
        means = {metric: fmean(map(metric.of, done)) for metric in _SHOWN} if done else None
        failures = tuple(f"seed {run.seed}: {run.reason}" for run in runs if not run.result)
        took = sum(seconds.get(run.fingerprint, 0.0) for run in runs)
        lines.append(Line(study, variant.name, means, failures, took, variant.name == results.chosen))
    return lines


def _studies(combined: Combined) -> list[str]:
    return [member.study.name for member, _ in combined.parts]


def _sections(combined: Combined, pictures: Mapping[str, Markup]) -> list[tuple[str, str, list[str]]]:
    """By comparison: its name, its question, and the names of its figures."""
    return [
        (member.study.name, member.study.title, [name for name in pictures if name.partition("_")[2] in _names(member)])
        for member, _ in combined.parts
    ]


def _names(member: Member) -> set[str]:
    name = member.study.name
    return {name, *(f"{name}_{number}" for number in range(1, len(member.sheets) + 1))}


def _sentence(whole: Results, best: StudyRun | None) -> str:
    if best is None or best.result is None:
        return "No run finished."
    chosen = formats.value(whole.choose_by.of(best.result), whole.choose_by)
    tested = formats.value(whole.report_on.of(best.result), whole.report_on)
    unit, unit_tested = ("" if metric.is_loss else " %" for metric in (whole.choose_by, whole.report_on))
    return (
        f"The best of {len(whole.variants)} variants is {best.variant} with seed {best.seed}, by "
        f"{whole.choose_by.words} ({chosen}{unit}). "
        f"Saved, loaded again and scored once, its {whole.report_on.words} is {tested}{unit_tested}."
    )
