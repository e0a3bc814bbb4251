"""Where a study's files are."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.foundation.files import ROOT
from src.foundation.locks import locked
from src.runs.folder import runs_folder
from src.studies.study import Study


@dataclass(frozen=True)
class Places:
    """The folders of a study's results and of its report, and one for this machine's state."""

    study: str  # as declared
    results: Path
    report: Path
    state: Path
    tracked: bool  # whether DVC tracks the results

    @classmethod
    def of(cls, study: Study[Any], stage: bool = False) -> "Places":
        """As declared, or as a stage of the pipeline, in models/studies/ and reports/; else under runs/studies/."""
        name, digest_name = study.declaration.name, study.digest_name
        as_declared = stage or study.as_declared
        tracked = as_declared and study.declaration.in_pipeline
        state = runs_folder() / "studies" / f".{digest_name}"
        results = ROOT / "models" / "studies" / name if tracked else state / "results"
        report = ROOT / "reports" / name if as_declared else runs_folder() / "studies" / digest_name
        return cls(name, results, report, state, tracked)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the study's lock: of two commands that run the same study, the second waits and reuses the runs."""
        lock = self.state / "lock"
        with locked(lock, lambda: f"another process, which runs this very study ({lock})"):
            yield


def headline_file(study: str) -> Path:
    """The file that `dvc metrics show` shows for a study."""
    return ROOT / "metrics" / f"{study}.json"


def timing_file(study: str) -> Path:
    """Seconds of training by fingerprint. In Git, because a study's results hold no times."""
    return ROOT / "metrics" / f"{study}_timing.json"
