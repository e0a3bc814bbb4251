"""The table of published experiments as text: for a terminal, as Markdown, as comma-separated values."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from src.analysis import formats
from src.analysis.replica_verdict import VERDICTS, ClaimResult, Row, counts, reaching
from src.reporting.tables import plain_table
from src.studies.replicas.claims import Claim
from src.studies.replicas.collect import Table

_FEWEST_DECIMALS = 4  # of ours, if it is no percentage


class Cells(NamedTuple):
    """A row as texts, for people."""

    experiment: str
    quantity: str
    published: str
    ours: str
    bounds: str  # of the prediction interval for a single run
    difference: str
    verdict: str
    remarks: str


def cells(row: Row) -> Cells:
    """The columns of a row; "-" for an empty one."""
    name, remarks = row.experiment.name, "; ".join(row.remarks)
    if row.compared:
        compared = row.compared
        text = (published(compared.claim), ours(compared), bounds(compared), difference(compared))
        return Cells(name, compared.claim.words, *text, row.verdict, remarks)
    if row.printed:
        lines = len(row.printed)
        same = f"{row.same} of {lines} the same"
        return Cells(name, row.experiment.rows.words, f"{lines} rows", same, "-", "-", row.verdict, remarks)
    return Cells(name, "none published", "-", "-", "-", "-", "-", remarks)


def published(claim: Claim) -> str:
    """The text's claim, with the digits that it prints: "94.39 %", "0.0206" or “that worked”."""
    if claim.value is None or claim.digits is None:
        return f"“{claim.says}”"
    return _written(claim, claim.value, claim.digits)


def ours(compared: ClaimResult) -> str:
    """The mean of our runs, or the one."""
    return "-" if compared.mean is None else _written(compared.claim, compared.mean.mean, _decimals(compared.claim))


def as_printed(compared: ClaimResult) -> str:
    """Ours with the digits that the text prints."""
    if compared.mean is None or compared.claim.digits is None:
        return "-"
    return _written(compared.claim, compared.mean.mean, compared.claim.digits)


def at_least(compared: ClaimResult) -> str:
    """What we accept for the words: "at least 99 %"."""
    claim = compared.claim
    if claim.least is None:
        return ""
    bound = f"{100 * claim.least:g} %" if claim.about.in_percent else f"{claim.least:g}"
    return f"at {'most' if claim.better == 'smaller' else 'least'} {bound}"


def rerun(claim: Claim) -> str:
    """The result of a re-run of the text's own code, by others."""
    return "-" if claim.rerun is None else _written(claim, claim.rerun, _decimals(claim))


def bounds(compared: ClaimResult) -> str:
    """The prediction interval for a single run."""
    return _between(compared.claim, compared.low, compared.high)


def bounds_of_mean(compared: ClaimResult) -> str:
    """The interval of the mean."""
    mean = compared.mean
    return _between(compared.claim, mean.low, mean.high) if mean else "-"


def difference(compared: ClaimResult) -> str:
    """Ours minus the published number, for an accuracy in points; for words, how many runs reach them."""
    if compared.claim.says and compared.values:
        return f"{reaching(compared.claim, compared.values)} of {len(compared.values)} runs"
    if compared.difference is None:
        return "-"
    if compared.claim.about.in_percent:
        return formats.points(compared.difference)
    text = f"{compared.difference:+.{_decimals(compared.claim)}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def sentence(rows: Sequence[Row]) -> str:
    """How many rows have each verdict, in words."""
    parts = [f"{count} {VERDICTS[verdict]}" for verdict, count in counts(rows).items() if count]
    return f"Of {sum(counts(rows).values())} published results, {', '.join(parts) or 'none is compared'}."


def console(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    header = ["experiment", "what", "published", "ours", "a run, 95 %", "difference", "verdict"]
    return plain_table(header, [cells(row)[:-1] for row in rows], width=72)


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown, with a newline at the end."""
    header = ["Experiment", "What", "Published", "Ours", "A run, 95 %", "Difference", "Verdict", "Why"]
    lines = [header, ["---", "---", "---:", "---:", "---:", "---:", "---", "---"]]
    for row in rows:
        experiment, *others = cells(row)
        lines.append([f"`{experiment}`", *map(_escaped, others)])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def as_csv(table: Table, rows: Sequence[Row]) -> str:
    """A line per published number, also of printed tables; unknown values are empty."""
    header = ["experiment", "text", "metric", "epoch", "published", "digits", "rerun", "runs", "mean", "mean_low"]
    header += ["mean_high", "low", "high", "difference", "verdict", "remarks", "command", "fingerprints"]
    runs = {each.experiment.name: each for each in table.replicas}
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(header)
    for row in rows:
        replica = runs[row.experiment.name]
        prints = " ".join(run.fingerprint for run in replica.runs)
        about = ["; ".join(row.remarks), replica.command, prints]
        results = [row.compared] if row.compared else [each for line in row.printed for each in line]
        for compared in results:
            claim, mean = compared.claim, compared.mean
            says = claim.says if claim.value is None else claim.value
            known = [claim.metric, claim.epoch, says, claim.digits, claim.rerun, len(compared.values)]
            found = [mean.mean, mean.low, mean.high] if mean else [None, None, None]
            found += [compared.low, compared.high, compared.difference]
            lines.writerow([row.experiment.name, row.experiment.text, *known, *found, compared.verdict, *about])
    return text.getvalue()


def _between(claim: Claim, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "-"
    return " to ".join(_written(claim, bound, _decimals(claim), "") for bound in (low, high))


def _decimals(claim: Claim) -> int:
    return 4 if claim.about.in_percent else max(_FEWEST_DECIMALS, (claim.digits or 0))


def _written(claim: Claim, x: float, digits: int, unit: str = " %") -> str:
    return f"{100 * x:.{max(digits - 2, 0)}f}{unit}" if claim.about.in_percent else f"{x:.{digits}f}"


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
