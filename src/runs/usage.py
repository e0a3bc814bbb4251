"""What a run used: CPU time, wall time and memory of the process that trained it.

MLflow's own monitor measures the whole machine instead, whatever else runs on it.
"""

import sys
import time

USAGE = ("cpu_seconds", "wall_seconds", "peak_memory_mb")  # of timing.json
_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


class Meter:
    """Measures this process, all its threads together, in laps."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def lap(self) -> dict[str, float]:
        """`cpu_seconds` and `wall_seconds` since the last lap, or the start."""
        cpu, wall = time.process_time(), time.monotonic()
        lap = {"cpu_seconds": cpu - self._cpu, "wall_seconds": wall - self._wall}
        self._cpu, self._wall = cpu, wall
        return lap


def peak_memory_mb() -> float:
    """The most memory that this process had so far [MB]; a worker of a sweep may have trained other runs before."""
    import resource  # late: on Windows, which has none, a command says what it needs

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _BYTES / 1e6
