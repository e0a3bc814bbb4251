"""The report of a study of twins: whether a library's network stays the same as ours."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from src.reporting.comparison_report import pictures_of
from src.reporting.report_folder import Report, render, write
from src.reporting.tables import markdown_table, plain_table
from src.studies.twins.collect import STEPS, Twins
from src.studies.twins.library import LIBRARIES

BOUND = 1e-9  # in float64: rounding alone stays far below it for STEPS updates
HEADER = ("Experiment", "Library", "Updates", f"Apart after {STEPS}", "At the end", "Test, %", "Its test, %", "Verdict")


class Line(NamedTuple):
    """An experiment with one library."""

    experiment: str
    library: str
    updates: int
    early: float  # the largest difference of weights after STEPS updates
    last: float
    ours: float  # accuracies on the test set
    theirs: float
    disagreeing: int  # test examples
    verdict: str  # same or apart
    why: tuple[str, ...]  # where the definitions differ
    by_epoch: tuple[tuple[int, float], ...]  # epoch, largest difference of weights

    def cells(self) -> tuple[str, ...]:
        """The line as texts, for people."""
        accuracies = (f"{100 * self.ours:.2f}", f"{100 * self.theirs:.2f}")
        apart = (f"{self.early:.1e}", f"{self.last:.1e}")
        return (self.experiment, self.library, f"{self.updates:,}", *apart, *accuracies, self.verdict)


def report(twins: Twins, _study: str, target: Path) -> Report:
    """Writes index.html, summary.json, table.md and the figures into the folder `target`, unless they are current."""
    lines = lines_of(twins)
    failed = [f"{each.job.label}: {each.reason}" for each in twins.experiments if each.reason]
    absent = [f"{name} is not installed here." for name in LIBRARIES if name not in twins.environment]
    verdict = (_sentence(lines), *failed, *absent)
    summary = {
        "study": twins.name,
        "title": twins.title,
        "command": twins.command,
        "verdict": verdict,
        "twins": [line._asdict() for line in lines],
        "code": twins.code,
        "environment": twins.environment,
    }

    def page(folder: Path) -> str:
        from src.figures import twin_figures  # imports matplotlib

        return render(
            "twin.html",
            folder,
            twins.code,
            environment=twins.environment,
            twins=twins,
            lines=lines,
            header=HEADER,
            verdict=verdict,
            bound=BOUND,
            steps=STEPS,
            pictures=pictures_of(folder, twin_figures.draw(twins)),
        )

    new = write(target, summary, summary, {"table.md": markdown(lines, verdict)}, page)
    table = plain_table([head.lower() for head in HEADER], [line.cells() for line in lines])
    metrics = {f"{line.experiment} {line.library} apart": line.early for line in lines}
    return Report(twins.identity, target, new, table, verdict, metrics)


def lines_of(twins: Twins) -> list[Line]:
    """Every experiment with every library that trained it."""
    return [
        Line(
            each.job.variant,
            run.library,
            len(run.apart) - 1,
            run.early,
            run.apart[-1],
            *run.accuracy,
            run.disagreeing,
            "same" if run.early < BOUND else "apart",
            run.differences,
            tuple(zip(run.epochs, (run.apart[updates] for updates in run.updates), strict=True)),
        )
        for each in twins.experiments
        for run in each.runs
    ]


def markdown(lines: Sequence[Line], verdict: Sequence[str]) -> str:
    """The lines as a table in Markdown, below the verdict."""
    notes = dict.fromkeys(f"- {line.library}: {why}.\n" for line in lines for why in line.why)
    return "\n".join(
        [
            *(f"{sentence}\n" for sentence in verdict),
            markdown_table(HEADER, "--rrrrr-", (line.cells() for line in lines)),
            "".join(notes),
        ]
    )


def _sentence(lines: Sequence[Line]) -> str:
    if not lines:
        return "No library trained any of them."
    same = sum(line.verdict == "same" for line in lines)
    apart = [line.experiment for line in lines if line.verdict == "apart"]
    more = f"; apart: {', '.join(apart)}" if apart else ""
    return f"{same} of {len(lines)} twins have the same weights after {STEPS} updates, to {BOUND:g}{more}."
