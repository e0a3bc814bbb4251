"""A study on all cores against the same runs one after another: `python -m benchmarks.study [--study ladder]`.

Every training runs at its declared length, with other seeds and in a new store. Printed:

- the throughput on two workers, in units of that of one;
- what tracking and the report cost: the whole command, compared with the same without MLflow and without the report;
- the memory of one worker, without the arrays that all of them share;
- the command again, with nothing to do.
"""

import argparse
import json
import os
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
    """Runs the study four times and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", default="ladder")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = f"tracking.uri=sqlite:///{folder}/mlflow.db"
        study = [f"ablation={given.study}", f"seed=range(100,{100 + given.seeds})"]
        anew, parallel = "train.fresh=true", f"hydra.launcher.n_jobs={given.jobs}"
        _run(*study, store, parallel, "train.epochs=1")  # the store is made, files are in the page cache
        whole, memory, page = _run(*study, store, parallel, anew)
        bare, _, _ = _run(*study, "tracking=off", parallel, anew)
        alone, _, _ = _run(*study, store, "hydra.launcher.n_jobs=1", anew)
        again, _, _ = _run(*study, store, parallel)
        report = _report_alone(page)
        training = _training(page)
    print(f"{given.study}: {len(training)} runs, {sum(training):.1f} s of training alone")
    print(f"on {given.jobs} workers {whole:.1f} s, one after another {alone:.1f} s: {alone / whole:.2f} x")
    share = (whole - bare + report) / whole
    print(f"tracking {whole - bare:.1f} s and the report {report:.1f} s: {share:.1%} of the wall time")
    print(f"largest private memory of a worker: {memory / 1e6:.0f} MB")
    print(f"again, with nothing to do: {again:.1f} s")


def _run(*overrides: str) -> tuple[float, float, Path]:
    """Wall time [s], the largest private memory of a worker [bytes], and the report's page."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "src.ablation", *overrides], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
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
    results = page.parent.parent / f".{page.parent.name}" / "results"
    script = (
        "import sys, tempfile, time; from pathlib import Path; import numpy, sklearn.model_selection\n"
        "from src.studies.comparisons.results import read_results\n"
        "start = time.perf_counter()\n"
        "from src.reporting.comparison_report import report\n"
        "results = read_results(Path(sys.argv[1]))\n"
        "report(results, results.name, Path(tempfile.mkdtemp()) / 'report')\n"
        "print(time.perf_counter() - start)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(results)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def _training(page: Path) -> list[float]:
    summary = json.loads((page.parent / "summary.json").read_text())
    return [variant["seconds"] for variant in summary["variants"] for _ in summary["seeds"]]


if __name__ == "__main__":
    main()
