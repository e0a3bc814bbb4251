"""What tests of the doctor share: mending the one finding, and damaging a file."""

from pathlib import Path

from src.health.checks import Check
from src.health.finding import Finding


def mend(check: Check, root: Path) -> Finding:
    """Mends what a check finds, which is one thing."""
    [finding] = check(root)
    assert finding.mend is not None
    finding.mend()
    return finding


def flip(file: Path, at: float = 0.5) -> None:
    """Changes a bit of a file."""
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 1
    file.write_bytes(content)
