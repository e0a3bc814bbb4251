"""What recording a sweep takes: `python -m benchmarks.recording [--jobs 200]`.

A toy is trained with many seeds, in a copy of this tree, with its figures and without MLflow. The same command with
MLflow, in a local database that is there, then trains nothing and records all runs; a third time it has nothing to do.
Printed: runs recorded in a second (the jobs, by the difference of both), the seconds of the third time, and those of
the doctor, which verifies all runs at first, and again.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.trainings import copied
from src.cli.command import run_command

_TOY = "experiment=xor_tanh"
_WITHOUT = ("tracking=off", "tracking.figures=true")


def main() -> None:
    """Trains, records and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder) / "tree", [[_TOY]])
        sweep = ("src.train", "-m", _TOY, f"seed=range({jobs})", "train.epochs=10")
        _seconds(tree, "src.train", _TOY, "train.epochs=1")  # makes the store
        _seconds(tree, *sweep, *_WITHOUT)
        recording, nothing = (_seconds(tree, *sweep) for _ in range(2))
        first, again = (_seconds(tree, "src.doctor") for _ in range(2))
    print(f"{jobs / (recording - nothing):.1f} runs recorded a second, {nothing:.1f} s with nothing to do")
    print(f"the doctor: {first:.1f} s, and again {again:.1f} s")


def _seconds(tree: Path, *command: str) -> float:
    """Wall time of a command in the tree."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", *command], cwd=tree, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode and command != ("src.doctor",):  # which may find other things in a copy
        raise SystemExit(f"{' '.join(command)} ended with exit code {done.returncode}: {done.stderr}")
    return seconds


if __name__ == "__main__":
    run_command(main)
