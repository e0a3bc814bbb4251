"""The report of published experiments: the folder that people open, made from what their runs came to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from src.analysis.published_verdict import Row, counts, rows_of
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, json_text, read_json, replacing_folder, sha256, sha256_tree
from src.reporting.published_page import render
from src.reporting.published_tables import as_csv, console, markdown, sentence
from src.reporting.report import Report
from src.runs.fingerprint import code_digest
from src.runs.lineage import lineage
from src.studies.replicas.collect import Table

_NAMES = ("index.html", "summary.json", "table.csv", "table.md")


def report(table: Table, _study: str, target: Path) -> Report:
    """Reports a table of published experiments. target: the report's folder."""
    rows, new = make_published_report(table, target)
    return Report(table.identity, target, new, console(rows), (sentence(rows),), metrics(rows))


def make_published_report(table: Table, target: Path) -> tuple[list[Row], bool]:
    """Writes index.html, summary.json, table.csv and table.md into a folder that takes the place of `target`.

    A report of the same numbers by the same code is left as it is; whether it is a new one is returned, too.
    """
    rows = rows_of(table)
    summary = as_json(table, rows)
    made_from = sha256(canonical_json({"summary": summary, "code": _code()}))
    new = not _stands(target, made_from)
    if new:
        same = "same" if table.code == code_digest() else "another"
        texts = {
            "index.html": render(table, rows, {**lineage(), "code": same}, _NAMES),
            "summary.json": json_text({**summary, "made_from": made_from}),
            "table.csv": as_csv(table, rows),
            "table.md": markdown(rows),
        }
        with replacing_folder(target) as folder:
            for name, text in texts.items():
                (folder / name).write_text(text, encoding="utf-8")
    return rows, new


def as_json(table: Table, rows: Sequence[Row]) -> dict[str, Any]:
    """What summary.json holds: the verdicts counted, every row under its own names, and every run."""
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
    """The numbers that stand on the table's MLflow run: how many rows have each verdict, and what ours came to."""
    told = {verdict: float(count) for verdict, count in counts(rows).items()}
    for row in rows:
        if row.compared and row.compared.mean:
            told[f"{row.experiment.name} {row.compared.claim.in_words}"] = row.compared.mean.mean
    return told


def _code() -> str:
    folder = Path(__file__).parent
    return sha256_tree(folder, [file for file in folder.rglob("*") if file.suffix in (".py", ".html", ".css")])


def _stands(target: Path, made_from: str) -> bool:
    try:
        kept = bool(read_json(target / "summary.json")["made_from"] == made_from)
        return kept and all((target / name).exists() for name in _NAMES)
    except (UserError, LookupError, TypeError):
        return False
