"""The report of a table of published experiments: whether our runs reproduce what their texts print."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from src.analysis.replica_verdict import Row, counts, rows_of
from src.reporting import replica_tables as tables
from src.reporting.report_folder import Report, render, write
from src.studies.replicas.collect import Table


def report(table: Table, _study: str, target: Path) -> Report:
    """Writes index.html, summary.json, table.csv and table.md into the folder `target`, unless they are current."""
    rows = rows_of(table)
    summary, sentence = as_json(table, rows), tables.sentence(rows)
    files = {"table.csv": tables.as_csv(table, rows), "table.md": tables.markdown(rows)}

    def page(folder: Path) -> str:
        return render(
            "replica.html",
            folder,
            table.code,
            environment=table.environment,
            table=table,
            sections=_sections(table, rows),
            printed=[row for row in rows if row.printed],
            counts=counts(rows),
            sentence=sentence,
            as_text=tables,
        )

    new = write(target, summary, summary, files, page)
    return Report(table.identity, target, new, tables.console(rows), (sentence,), metrics(rows))


def as_json(table: Table, rows: Sequence[Row]) -> dict[str, Any]:
    """The contents of summary.json: the number of each verdict, every row, and every run."""
    return {
        "table": table.name,
        "title": table.declaration.title,
        "command": table.command,
        "verdicts": counts(rows),
        "texts": {name: asdict(text) for name, text in table.declaration.texts.items()},
        "rows": [
            {
                "experiment": row.experiment.name,
                "text": row.experiment.text,
                "verdict": row.verdict,
                "remarks": row.remarks,
                "compared": asdict(row.compared) if row.compared else None,
                "printed": [[asdict(compared) for compared in line] for line in row.printed],
            }
            for row in rows
        ],
        "experiments": [
            {
                "name": each.experiment.name,
                "note": each.experiment.note,
                "command": each.command,
                "runs": [{"seed": r.seed, "fingerprint": r.fingerprint, "reason": r.reason} for r in each.runs],
            }
            for each in table.replicas
        ],
        "code": table.code,
        "environment": table.environment,
    }


def metrics(rows: Sequence[Row]) -> Mapping[str, float]:
    """The metrics of the table's MLflow run: how many rows have each verdict, and our means."""
    found = {verdict: float(count) for verdict, count in counts(rows).items()}
    for row in rows:
        if row.compared and row.compared.mean:
            found[f"{row.experiment.name} {row.compared.claim.words}"] = row.compared.mean.mean
    return found


def _sections(table: Table, rows: Sequence[Row]) -> list[Any]:
    """A section per text: its name, what it is, and its experiments with their rows."""
    sections = []
    for name, text in table.declaration.texts.items():
        replicas = [each for each in table.replicas if each.experiment.text == name]
        if replicas or not table.declaration.only:
            of = [(each, [row for row in rows if row.experiment is each.experiment]) for each in replicas]
            sections.append((name, text, of))
    return sections
