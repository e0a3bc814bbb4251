"""Where what belongs to a study stands."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from src.foundation.errors import UserError
from src.foundation.files import ROOT, read_json, write_json
from src.foundation.locks import locked
from src.runs.folder import runs_folder
from src.studies.plan import Plan


@dataclass(frozen=True)
class Places:
    """The folders of a study's results and of its report, and one for what this machine remembers of it."""

    results: Path
    report: Path
    state: Path
    tracked: bool  # by DVC

    @classmethod
    def of(cls, plan: Plan, stage: bool) -> "Places":
        """As declared, and as a stage of the pipeline, a study stands where DVC tracks it; else under runs/studies/."""
        name = f"{plan.declaration.name}-{plan.digest}"
        state = runs_folder() / "studies" / f".{name}"
        if stage or plan.as_declared:
            study = plan.declaration.name
            return cls(ROOT / "models" / "studies" / study, ROOT / "reports" / study, state, tracked=True)
        return cls(state / "results", runs_folder() / "studies" / name, state, tracked=False)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the study's lock: of two commands that run the same study, the second waits, and reuses."""
        lock = self.state / "lock"
        with locked(lock, lambda: f"another process, which runs this very study ({lock})"):
            yield

    def recorded(self, identity: str, store: object) -> bool:
        """Whether `remember` was told that all of this study stands in the store."""
        try:
            return bool(read_json(self.state / "recorded.json") == {"identity": identity, "store": store})
        except UserError:
            return False

    def remember(self, identity: str, store: object) -> None:
        """Notes that all of the study stands in the store, so that a study without news need not open it."""
        write_json(self.state / "recorded.json", {"identity": identity, "store": store})


def headline_file(study: str) -> Path:
    """What `dvc metrics show` shows of a study."""
    return ROOT / "metrics" / f"{study}.json"


def timing_file(study: str) -> Path:
    """Seconds of training by fingerprint. In Git, since a study's results hold no times."""
    return ROOT / "metrics" / f"{study}_timing.json"
