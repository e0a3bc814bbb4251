"""The suite's figures: what was injected, how often, how often it held, and the seconds it took.

A pytest plugin. It adds `--all-faults`, without which a twentieth of the faults is injected, and the table at a run's
end. Tests run in processes of their own; their figures come back as properties of their reports.
"""

import contextlib
import math
import time
from collections.abc import Iterator

import pytest

_PROPERTY = "faults"


class Injections:
    """What one test injects; `wanted` is how much of it."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.figures: dict[str, list[float]] = {}  # injected, held, seconds
        self.notes: list[str] = []

    def wanted(self, full: int) -> int:
        """How many of the faults that the whole suite injects are injected now."""
        return max(1, math.ceil(full * self.share))

    @contextlib.contextmanager
    def of(self, what: str, count: int = 1) -> Iterator[None]:
        """Counts faults that the block injects; they have held if it ends without an error."""
        start, held = time.monotonic(), 0
        try:
            yield
            held = count
        finally:
            self.add(what, count, held, time.monotonic() - start)

    def add(self, what: str, injected: float, held: float, seconds: float) -> None:
        """Counts faults that were injected together."""
        before = self.figures.get(what, [0, 0, 0.0])
        self.figures[what] = [sum(pair) for pair in zip(before, (injected, held, seconds), strict=True)]

    def note(self, text: str) -> None:
        """A measurement that is reported below the table."""
        self.notes.append(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-faults", action="store_true", help="inject all faults of tests/faults, not a twentieth")


@pytest.fixture
def injections(request: pytest.FixtureRequest) -> Iterator[Injections]:
    """Counts what the test injects."""
    counted = Injections(1.0 if request.config.getoption("--all-faults") else 0.05)
    yield counted
    request.node.user_properties.append((_PROPERTY, {"figures": counted.figures, "notes": counted.notes}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counted = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "teardown"  # after the test, whether it passed or not
        for name, value in report.user_properties
        if name == _PROPERTY
    ]
    total = Injections(1.0)
    for value in counted:
        for what, figures in value["figures"].items():
            total.add(what, *figures)
    if not total.figures:
        return
    terminalreporter.section("faults")
    width = max(map(len, total.figures))
    terminalreporter.write_line(f"{'injection'.ljust(width)}  injected   held  seconds")
    for what, (injected, held, seconds) in sorted(total.figures.items()):
        terminalreporter.write_line(f"{what.ljust(width)}  {injected:8.0f}  {held:5.0f}  {seconds:7.1f}")
    for note in sorted(note for value in counted for note in value["notes"]):
        terminalreporter.write_line(note)
