"""A study's report: the folder that people open, made from the study's results."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from src.analysis import formats
from src.analysis.comparison import Comparison
from src.analysis.statistics import Effect, Interval
from src.analysis.summary import Summary, as_json, runs_csv, summarize
from src.data.dataset import Dataset
from src.data.recipes import Recipe, prepare
from src.foundation import schema
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, read_json, sha256, sha256_tree
from src.reporting.tables import plain_table
from src.runs.fingerprint import code_digest
from src.runs.lineage import lineage
from src.studies.comparisons.collect import seconds_of
from src.studies.comparisons.results import Results, about


@dataclass(frozen=True)
class Report:
    """A report, and what is shown of it elsewhere."""

    identity: str  # of the study
    folder: Path
    new: bool  # whether it was written now; else it was up to date
    table: str  # for a terminal
    verdict: tuple[str, ...]  # sentences
    metrics: Mapping[str, float]  # for MLflow

    @property
    def page(self) -> Path:
        """The file that people open."""
        return self.folder / "index.html"

    @property
    def text(self) -> str:
        """The table and the verdict, for a terminal."""
        return "\n".join([self.table, "", *self.verdict])

    @property
    def tags(self) -> dict[str, str]:
        """The verdict, for MLflow."""
        return {"verdict": " ".join(self.verdict)}


def report(results: Results, study: str, target: Path) -> Report:
    """Reports a comparison from its results. study: its declared name; target: the report's folder."""
    summary, new = make_report(results, seconds_of(results, study), target)
    return Report(results.identity, target, new, table(summary), summary.verdict, metrics(summary))


def make_report(results: Results, seconds: Mapping[str, float], target: Path) -> tuple[Summary, bool]:
    """Writes index.html, summary.json, runs.csv and the figures into a folder that takes the place of `target`.

    seconds: of training, by fingerprint, as far as they are known. A report of the same numbers by the same code is
    left as it is; whether it is a new one is returned, too. Raises `UserError` where the data are not those that the
    study was trained on.
    """
    dataset = _dataset_of(results)
    summary = summarize(results, seconds, np.asarray(dataset.test.y))
    made_from = _made_from(results, seconds)
    new = not _stands(target, made_from)
    if new:
        from src.reporting.page import write_report

        texts = {
            "summary.json": json.dumps({**as_json(summary, results), "made_from": made_from}, indent=2) + "\n",
            "runs.csv": runs_csv(results, seconds),
        }
        same = "same" if results.digests["code"] == code_digest() else "another"
        write_report(target, results, summary, seconds, dataset, {**lineage(), "code": same}, texts)
    return summary, new


def table(summary: Summary) -> str:
    """What each variant came to, for a terminal: `*` marks the chosen one."""
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
    """The numbers that stand on a study's MLflow run."""
    told = {}
    for row in summary.rows:
        compared = row.against_baseline
        if row.reported:
            told[f"{row.variant}/accuracy"] = row.reported.mean
        if compared and compared.effect:
            told[f"{row.variant}/gain"] = compared.effect.mean
        if compared and compared.corrected_p is not None:
            told[f"{row.variant}/p"] = compared.corrected_p
    return told


def _compared(comparison: Comparison | None) -> list[str]:
    """The size of an effect, its interval, its corrected p and the verdict."""
    if comparison is None:
        return ["-", "-", "-", "-"]
    effect, p = comparison.effect, comparison.corrected_p
    size = formats.points(effect.mean) if effect else "-"
    return [size, _bounds(effect, formats.points), "-" if p is None else formats.p_value(p), comparison.verdict]


def _bounds(estimate: Interval | Effect | None, spell: Callable[[float], str]) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "-"
    return f"{spell(estimate.low)} to {spell(estimate.high)}"


def _dataset_of(results: Results) -> Dataset:
    dataset = prepare(schema.build(Recipe, results.data, "data"))
    if dataset.sha256 != results.digests["data"]:
        raise UserError(f"data={results.recipe}: the arrays are not those that the study was trained on; `dvc repro`")
    return dataset


def _made_from(results: Results, seconds: Mapping[str, float]) -> str:
    folder = Path(__file__).parent
    code = sha256_tree(folder, [file for file in folder.rglob("*") if file.suffix in (".py", ".html", ".css")])
    return sha256(canonical_json({"study": about(results), "seconds": dict(seconds), "code": code}))


def _stands(target: Path, made_from: str) -> bool:
    try:
        return bool(read_json(target / "summary.json")["made_from"] == made_from) and (target / "index.html").exists()
    except (UserError, LookupError, TypeError):
        return False
