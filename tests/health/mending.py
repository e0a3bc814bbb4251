"""What tests of the doctor share: mending the one finding, damaging a file, and holding a lock."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from src.health.checks import Check
from src.health.finding import Finding
from tests.conftest import ROOT

_HOLD = """
import sys, time
from pathlib import Path
from src.foundation.locks import locked
with locked(Path(sys.argv[1]), str):
    print("held", flush=True)
    time.sleep(600)
"""


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


@contextlib.contextmanager
def holding(lock: Path) -> Iterator[int]:
    """The id of a living process that holds the lock; it is killed when the block ends."""
    command = [sys.executable, "-c", _HOLD, str(lock)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process.pid
        finally:
            process.kill()
