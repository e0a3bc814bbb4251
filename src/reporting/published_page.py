"""The page of published experiments: whether what five texts print came out again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from src.analysis.published_verdict import Row, counts
from src.reporting import published_tables as tables
from src.reporting.rendering import environment
from src.studies.replicas.collect import Replica, Table


def render(table: Table, rows: Sequence[Row], lineage: Mapping[str, str], beside: Sequence[str]) -> str:
    """The page, which needs nothing but itself.

    lineage: `git.commit` and `git.dirty` of this checkout, and `code`: "same" if its numeric code is that of the runs,
    "another" otherwise. beside: the names of the files in its folder.
    """
    filters: dict[str, Callable[..., Any]] = {
        "cells": tables.cells,
        "published": tables.published,
        "ours": tables.ours,
        "bounds": tables.bounds,
        "bounds_of_mean": tables.bounds_of_mean,
        "difference": tables.difference,
        "at_least": tables.at_least,
        "as_printed": tables.as_printed,
        "rerun": tables.rerun,
    }
    sections = [
        (text, about, [(each, [row for row in rows if row.experiment is each.experiment]) for each in _of(table, text)])
        for text, about in table.declaration.texts.items()
        if _of(table, text) or not table.declaration.only
    ]
    return (
        environment(filters)
        .get_template("published.html")
        .render(
            table=table,
            sections=sections,
            printed=[row for row in rows if row.printed],
            counts=counts(rows),
            sentence=tables.sentence(rows),
            commit=lineage.get("git.commit", "unknown"),
            dirty=lineage.get("git.dirty") == "true",
            code=lineage.get("code", ""),
            beside=beside,
        )
    )


def _of(table: Table, text: str) -> list[Replica]:
    return [each for each in table.replicas if each.experiment.text == text]
