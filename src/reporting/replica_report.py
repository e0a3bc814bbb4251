"""Reports a table of published experiments."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from src.analysis.replica_verdict import Row, counts, rows_of
from src.reporting.replica_page import render
from src.reporting.replica_tables import as_csv, console, markdown, sentence
from src.reporting.report import Report, provenance, write
from src.studies.replicas.collect import Table


def report(table: Table, _study: str, target: Path) -> Report:
    """Writes index.html, summary.json, table.csv and table.md into the folder `target`, unless they are current."""
    rows = rows_of(table)
    summary = as_json(table, rows)
    files = {"table.csv": as_csv(table, rows), "table.md": markdown(rows)}
    new = write(target, summary, summary, files, lambda folder: render(folder, table, rows, provenance(table.code)))
    return Report(table.identity, target, new, console(rows), (sentence(rows),), metrics(rows))


def as_json(table: Table, rows: Sequence[Row]) -> dict[str, Any]:
    """The contents of summary.json: the number of each verdict, every row, and every run."""
    about = {
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
    plain: dict[str, Any] = json.loads(json.dumps(about, allow_nan=False))
    return plain


def metrics(rows: Sequence[Row]) -> Mapping[str, float]:
    """The metrics of the table's MLflow run: how many rows have each verdict, and our means."""
    found = {verdict: float(count) for verdict, count in counts(rows).items()}
    for row in rows:
        if row.compared and row.compared.mean:
            found[f"{row.experiment.name} {row.compared.claim.words}"] = row.compared.mean.mean
    return found
