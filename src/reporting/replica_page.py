"""The page of published experiments: whether our runs reproduce what their texts print."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from src.analysis.replica_verdict import Row, counts
from src.reporting import page
from src.reporting import replica_tables as tables
from src.studies.replicas.collect import Replica, Table

_FILTERS = (
    *(tables.cells, tables.published, tables.ours, tables.bounds, tables.bounds_of_mean),
    *(tables.difference, tables.at_least, tables.as_printed, tables.rerun),
)


def render(folder: Path, table: Table, rows: Sequence[Row], lineage: Mapping[str, str]) -> str:
    """The page. folder: the report's, with all its other files; lineage: as in `page.render`."""
    sections = [
        (text, about, [(each, [row for row in rows if row.experiment is each.experiment]) for each in _of(table, text)])
        for text, about in table.declaration.texts.items()
        if _of(table, text) or not table.declaration.only
    ]
    return page.render(
        "replica.html",
        lineage,
        folder,
        _FILTERS,
        environment=table.environment,
        table=table,
        sections=sections,
        printed=[row for row in rows if row.printed],
        counts=counts(rows),
        sentence=tables.sentence(rows),
    )


def _of(table: Table, text: str) -> list[Replica]:
    return [replica for replica in table.replicas if replica.experiment.text == text]
