"""A study on all cores against the same runs one after another: `python -m benchmarks.study [--study ladder]`.

Every training runs at its declared length, with other seeds and in a new store. Printed:

- the throughput on two workers, in units of that of one core, and of one worker while MLflow has another core;
- what tracking and the report cost: the whole command, compared with the same without MLflow and without the report;
- the memory of one worker, without the arrays that all of them share;
- the command again, with nothing to do.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from src.foundation.files import ROOT

_WRITER = "src.recording.writer"
_SECONDS_BETWEEN_LOOKS = 0.2


def main() -> None:
    """Runs the study `--rounds` times on all workers and on one, in turns, and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", default="ladder")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        store = f"tracking.uri=sqlite:///{folder}/mlflow.db"
        study = [f"ablation={given.study}", f"seed=range(100,{100 + given.seeds})"]
        anew, parallel, alone = "train.fresh=true", f"hydra.launcher.n_jobs={given.jobs}", "hydra.launcher.n_jobs=1"
        _run(*study, store, parallel, "train.epochs=1")  # the store is made, files are in the page cache
        for _ in range(given.rounds):
            whole, memory, page = _run(*study, store, parallel, anew)
            shared = sum(_training(page))
            spare, _, _ = _run(*study, store, alone, anew)
            training = _training(page)
            held, _, _ = _run(*study, store, alone, anew, cores={min(os.sched_getaffinity(0))})
            ratios.append((held / whole, spare / whole))
            print(
                f"{given.study}, {len(training)} runs: on {given.jobs} workers {whole:.1f} s; one after another on one"
                f" core {held:.1f} s, {held / whole:.2f} x, with another core free for MLflow {spare:.1f} s,"
                f" {spare / whole:.2f} x; training alone {shared:.1f} s beside each other, {sum(training):.1f} s not",
                flush=True,
            )
        bare, _, _ = _run(*study, "tracking=off", parallel, anew)
        again, _, _ = _run(*study, store, parallel)
        report = _report_alone(page)
    medians = [statistics.median(ratio) for ratio in zip(*ratios, strict=True)]
    print("medians: {:.2f} x one core, {:.2f} x one worker".format(*medians))
    share = (whole - bare + report) / whole
    print(f"tracking {whole - bare:.1f} s and the report {report:.1f} s: {share:.1%} of the wall time")
    print(f"largest private memory of a worker: {memory / 1e6:.0f} MB")
    print(f"again, with nothing to do: {again:.1f} s")


def _run(*overrides: str, cores: set[int] | None = None) -> tuple[float, float, Path]:
    """Wall time [s], the largest private memory of a worker [bytes], and the report's page. cores: None for all."""
    start = time.perf_counter()
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or all_cores)  # the process inherits them
    process = subprocess.Popen(
        [sys.executable, "-m", "src.ablation", *overrides], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    os.sched_setaffinity(0, all_cores)
    largest = [0.0]
    watch = threading.Thread(target=_watch, args=(process, largest), daemon=True)
    watch.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(overrides)} ended with exit code {process.returncode}")
    return seconds, largest[0], Path(out.splitlines()[-1])


def _watch(process: "subprocess.Popen[str]", largest: list[float]) -> None:
    while process.poll() is None:
        for children in Path(f"/proc/{process.pid}/task").glob("*/children"):
            for child in _read(children).split():
                if _WRITER in _read(Path(f"/proc/{child}/cmdline")):  # to MLflow, which is no worker
                    continue
                private = sum(
                    1024 * int(line.split()[1])
                    for line in _read(Path(f"/proc/{child}/smaps_rollup")).splitlines()
                    if line.startswith(("Private_Clean", "Private_Dirty"))
                )
                largest[0] = max(largest[0], private)
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process is gone
        return ""


def _report_alone(page: Path) -> float:
    """Seconds that the report takes in a process that has done the study, imports included."""
    (seconds,) = _of_results(
        page,
        "import tempfile, time; import numpy, sklearn.model_selection; start = time.perf_counter()",
        "from src.reporting.comparison_report import report",
        "report(results, results.name, Path(tempfile.mkdtemp()) / 'report')",
        "print(time.perf_counter() - start)",
    )
    return seconds


def _training(page: Path) -> list[float]:
    """Seconds of training alone, of each of the study's runs when it was trained last."""
    return _of_results(
        page,
        "from src.studies.comparisons.collect import seconds_of",
        "print(*seconds_of(results).values())",
    )


def _of_results(page: Path, *script: str) -> list[float]:
    """The numbers that a script prints of `results`, those of the study whose report is `page`."""
    folder = page.parent.parent / f".{page.parent.name}" / "results"
    read = (
        "import sys; from pathlib import Path; from src.studies.comparisons.results import read_results",
        "results = read_results(Path(sys.argv[1]))",
    )
    command = [sys.executable, "-c", "\n".join((*read, *script)), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


if __name__ == "__main__":
    main()
