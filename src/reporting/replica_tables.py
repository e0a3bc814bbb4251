"""The table of published experiments as text: for a terminal, as Markdown, as comma-separated values."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from src.analysis import formats
from src.analysis.lesson_verdict import VERDICTS as OF_LESSONS
from src.analysis.lesson_verdict import LessonRow
from src.analysis.replica_verdict import VERDICTS, ClaimResult, GroupResult, Row, counts
from src.reporting.tables import markdown_table, plain_table
from src.studies.replicas.claims import Claim
from src.studies.replicas.collect import Table

_FEWEST_DECIMALS = 4  # of ours, if it is no percentage


class Cells(NamedTuple):
    """An experiment of the first part as texts, for people."""

    experiment: str
    quantity: str
    published: str
    ours: str
    difference: str
    same: str
    verdict: str
    remarks: str


class LessonCells(NamedTuple):
    """A line of the second part as texts, for people."""

    experiment: str
    lesson: str
    quantity: str
    ours: str
    met: str
    verdict: str
    remarks: str


SAME_HEADER = ("Experiment", "What", "Published", "Ours", "Difference", "The same", "Verdict", "Why")
LESSON_HEADER = ("Experiment", "Lesson", "Measured", "Ours", "Holds in", "Verdict", "Runs")


def cells(row: Row) -> Cells:
    """An experiment by its headline, the first that its text prints; "-" for an empty cell."""
    name, remarks = row.experiment.name, "; ".join(row.remarks)
    total = len(row.results)
    same = f"{row.same} of {total} numbers" if total > 1 else "yes" if row.same else "no"
    return Cells(name, row.groups[0].group.words, *of_group(row.groups[0]), same, row.verdict, remarks)


def of_group(group: GroupResult) -> tuple[str, str, str]:
    """Published, ours and their difference; of a table, how many of its rows are the same."""
    if alone := group.alone:
        return published(alone.claim), ours(alone), difference(alone)
    if len(group.lines) == 1:
        return " / ".join(published(each.claim) for each in group.results), " / ".join(map(ours, group.results)), "-"
    return f"{len(group.lines)} rows", f"{group.same_lines} of {len(group.lines)} the same", "-"


def lesson_cells(row: LessonRow) -> LessonCells:
    """The columns of a line of the second part; "-" for an empty cell."""
    met = "-"
    if row.met is not None:
        met = f"{row.met.k} of {row.met.n} runs ({100 * row.met.low:.0f} to {100 * row.met.high:.0f} %)"
    remarks = "; ".join(row.remarks)
    return LessonCells(
        row.experiment.name, row.says or "-", row.metric.words, mean(row), met, row.verdict or "-", remarks
    )


def mean(row: LessonRow) -> str:
    """The mean of our runs with its interval: "95.10 % [94.81, 95.39]"."""
    if row.mean is None:
        return "-"
    decimals = 4
    text = formats.printed(row.mean.mean, row.metric, decimals)
    if row.mean.low is None or row.mean.high is None:
        return text
    low, high = (formats.printed(bound, row.metric, decimals, "") for bound in (row.mean.low, row.mean.high))
    return f"{text} [{low}, {high}]"


def published(claim: Claim) -> str:
    """The text's claim, with the digits that it prints: "94.39 %", "0.0206" or “that worked”."""
    if claim.value is None or claim.digits is None:
        return f"“{claim.says}”"
    return formats.printed(claim.value, claim.about, claim.digits)


def ours(compared: ClaimResult) -> str:
    """The value of the run with the same draws, with at least four decimals."""
    return (
        "-"
        if compared.value is None
        else formats.printed(compared.value, compared.claim.about, _decimals(compared.claim))
    )


def rerun(claim: Claim) -> str:
    """The result of a re-run of the text's own code, by others."""
    return "-" if claim.rerun is None else formats.printed(claim.rerun, claim.about, _decimals(claim))


def difference(compared: ClaimResult) -> str:
    """Ours minus the published number, in its digits; for an accuracy in points."""
    if compared.difference is None:
        return "-"
    if not compared.difference:
        return "0"
    if compared.claim.about.in_percent:
        return formats.points(compared.difference)
    return f"{compared.difference:+.{compared.claim.digits}f}".replace("-", "−")


def sentence(rows: Sequence[Row]) -> str:
    """How many experiments have each verdict, in words; empty if that part was not asked for."""
    if not rows:
        return ""
    parts = [f"{count} {VERDICTS[verdict]}" for verdict, count in counts(rows).items() if count]
    numbers, same = sum(len(row.results) for row in rows), sum(row.same for row in rows)
    said = f"With the same draws, of {sum(counts(rows).values())} published experiments"
    return f"{said} {', '.join(parts) or 'none is compared'}; {same} of {numbers} numbers are the same."


def lesson_sentence(lessons: Sequence[LessonRow]) -> str:
    """How many lessons hold in our own runs, in words; empty if there are none."""
    verdicts = [row.verdict for row in lessons if row.verdict]
    if not verdicts:
        return ""
    others = [f"; {name}: {count}" for name in OF_LESSONS[1:] if (count := verdicts.count(name))]
    return f"In our own runs, {verdicts.count(OF_LESSONS[0])} of {len(verdicts)} lessons hold{''.join(others)}."


def console(rows: Sequence[Row], lessons: Sequence[LessonRow]) -> str:
    """Both parts for a terminal."""
    shown = []
    if rows:
        shown.append(plain_table(SAME_HEADER[:-1], [cells(row)[:-1] for row in rows], width=60))
    if lessons:
        shown.append(plain_table(LESSON_HEADER[:-1], [lesson_cells(row)[:-1] for row in lessons], width=60))
    return "\n\n".join(shown)


def markdown(rows: Sequence[Row], lessons: Sequence[LessonRow]) -> str:
    """Both parts and all numbers as Markdown, with a newline at the end; tables without headings of sections."""
    parts = []
    if rows:
        parts.append(_markdown("The same draws", SAME_HEADER, "--rrrl--", map(cells, rows)))
    if lessons:
        parts.append(_markdown("Ours, properly", LESSON_HEADER, "---rr--", map(lesson_cells, lessons)))
    if rows:
        header = ("Experiment", "What", "Published", "Ours", "Difference", "Verdict")
        every = [(row.experiment.name, group) for row in rows for group in row.groups]
        lines = [(name, group.group.words, *of_group(group), group.verdict) for name, group in every]
        parts.append(_markdown("Everything that is printed", header, "--rrr-", lines))
    return "\n".join(parts)


def as_csv(table: Table, rows: Sequence[Row]) -> str:
    """A line per published number, also of printed tables; unknown values are empty."""
    header = ["experiment", "text", "metric", "class", "epoch", "published", "digits", "rerun", "ours", "difference"]
    header += ["verdict", "note", "command", "fingerprint"]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(header)
    for row in rows:
        run = [row.run.command, row.run.fingerprint] if row.run else ["", ""]
        for compared in row.results:
            claim = compared.claim
            says = claim.says if claim.value is None else claim.value
            known = [claim.metric, claim.label, claim.epoch, says, claim.digits, claim.rerun, compared.value]
            about = [compared.difference, compared.verdict, claim.not_comparable or claim.note]
            lines.writerow([row.experiment.name, row.experiment.text, *known, *about, *run])
    return text.getvalue()


def lessons_csv(lessons: Sequence[LessonRow]) -> str:
    """A line per run of ours and lesson."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["experiment", "lesson", "metric", "seed", "value", "verdict"])
    for row in lessons:
        for seed, value in row.values:
            lines.writerow([row.experiment.name, row.says, row.metric, seed, value, row.verdict])
    return text.getvalue()


def _markdown(title: str, header: Sequence[str], sides: str, rows: Iterable[Sequence[str]]) -> str:
    return f"### {title}\n\n" + markdown_table(header, sides, ((f"`{name}`", *others) for name, *others in rows))


def _decimals(claim: Claim) -> int:
    return 4 if claim.about.in_percent else max(_FEWEST_DECIMALS, claim.digits or 0)
