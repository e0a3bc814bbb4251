"""The report of a table of published experiments: the same draws against the printed digits, and what ours teach."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from src.analysis.lesson_verdict import LessonRow, lessons_of
from src.analysis.replica_verdict import Row, counts, rows_of
from src.reporting import replica_tables as tables
from src.reporting.report_folder import Report, render, write
from src.studies.replicas.collect import ReplicaRun, Table
from src.studies.replicas.declare import Text


def report(table: Table, _study: str, target: Path) -> Report:
    """Writes index.html, summary.json, the tables and the figures into the folder `target`, unless they are current."""
    rows, lessons = rows_of(table), lessons_of(table)
    summary = as_json(table, rows, lessons)
    sentences = tuple(filter(None, (tables.sentence(rows), tables.lesson_sentence(lessons))))
    files = {"table.csv": tables.as_csv(table, rows), "lessons.csv": tables.lessons_csv(lessons)}
    files |= {"table.md": tables.markdown(rows, lessons)}

    def page(folder: Path) -> str:
        return render(
            "replica.html",
            folder,
            table.code,
            environment=table.environment,
            table=table,
            same=_sections(table, rows),
            ours=_sections(table, lessons),
            without=_without_experiments(table),
            pictures=dict(_pictures(folder, table, lessons)),
            counts=counts(rows),
            sentences=sentences,
            as_text=tables,
        )

    new = write(target, summary, summary, files, page)
    return Report(table.identity, target, new, tables.console(rows, lessons), sentences, metrics(rows, lessons))


def as_json(table: Table, rows: Sequence[Row], lessons: Sequence[LessonRow]) -> dict[str, Any]:
    """The contents of summary.json: both parts of the table, and every run."""
    return {
        "table": table.name,
        "title": table.declaration.title,
        "command": table.command,
        "verdicts": counts(rows),
        "texts": {name: asdict(text) for name, text in table.declaration.texts.items()},
        "same_draws": [
            {
                "experiment": row.experiment.name,
                "text": row.experiment.text,
                "verdict": row.verdict,
                "same": row.same,
                "numbers": len(row.results),
                "remarks": row.remarks,
                "groups": [
                    {
                        "words": group.group.words,
                        "verdict": group.verdict,
                        "lines": [[asdict(each) for each in line] for line in group.lines],
                    }
                    for group in row.groups
                ],
            }
            for row in rows
        ],
        "ours": [
            {**asdict(row), "experiment": row.experiment.name, "met": row.met and row.met._asdict()} for row in lessons
        ],
        "experiments": [
            {
                "name": each.experiment.name,
                "note": each.experiment.note,
                "command": each.command,
                "same_draws": _run(each.same) if each.same else None,
                "runs": [_run(run) for run in each.runs],
            }
            for each in table.replicas
        ],
        "code": table.code,
        "environment": table.environment,
    }


def metrics(rows: Sequence[Row], lessons: Sequence[LessonRow]) -> Mapping[str, float]:
    """The metrics of the table's MLflow run: how many experiments have each verdict, and our means."""
    found = {verdict: float(count) for verdict, count in counts(rows).items()}
    found |= {f"{row.experiment.name} same numbers": float(row.same) for row in rows if row.groups}
    return found | {f"{row.experiment.name} {row.metric.words}": row.mean.mean for row in lessons if row.mean}


def _run(run: ReplicaRun) -> dict[str, Any]:
    return {"seed": run.seed, "fingerprint": run.fingerprint, "reason": run.reason}


def _sections(table: Table, rows: Sequence[Any]) -> list[tuple[str, Text, list[Any]]]:
    """A section per text with lines: its name, what it is, and the lines."""
    texts = table.declaration.texts.items()
    sections = [(name, text, [row for row in rows if row.experiment.text == name]) for name, text in texts]
    return [section for section in sections if section[2]]


def _without_experiments(table: Table) -> list[Text]:
    """The texts that publish no numbers; none if only some experiments are shown."""
    declaration = table.declaration
    return [] if declaration.only else [text for name, text in declaration.texts.items() if not declaration.of(name)]


def _pictures(folder: Path, table: Table, lessons: Sequence[LessonRow]) -> Iterator[tuple[str, Markup]]:
    """By text, our runs as dots; each is written into the folder, too, as seeds_<text>.png."""
    from src.figures import canvas, replica_seeds  # which import matplotlib

    for name, text, rows in _sections(table, lessons):
        first = {row.experiment.name: row for row in reversed(rows) if replica_seeds.fits(row)}
        if shown := [*reversed(first.values())]:
            figure = replica_seeds.draw(shown, text.title)
            canvas.save(figure, folder / f"seeds_{name}.png")
            words = "; ".join(f"{row.experiment.name} {tables.mean(row)}" for row in shown)
            yield name, Markup(canvas.svg(figure, f"seeds_{name}", f"Every run of ours as a dot. Means: {words}"))
