"""The record of a run that is to be replayed, as its folder keeps it, or as MLflow keeps the folder's files."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.config.tree import Config, read_snapshot
from src.foundation.errors import RunFailed, UserError
from src.foundation.files import read_capped
from src.nn.network import Network
from src.runs.folder import RunFolder, runs_folder
from src.runs.model import load_model

PATCH = "diff.patch"
FILES = ("config.yaml", "run.json", "result.json", "history.csv", "model.npz")  # all that is read of a record
_LARGEST_HISTORY = 64 << 20  # bytes
FEWEST_CHARACTERS = 4  # of an id
_MOST_LISTED = 5


@dataclass(frozen=True)
class Original:
    """A finished run, by its record."""

    name: str
    folder: Path  # where its files stand
    about: dict[str, Any]  # run.json: digests, lineage, environment, surroundings
    result: dict[str, Any]
    run_id: str | None = None  # of MLflow

    @property
    def fingerprint(self) -> str:
        """The fingerprint that it had."""
        return str(self.about["digests"]["fingerprint"])

    def config(self) -> Config:
        """Its configuration; `RunFailed` where this code no longer understands it."""
        try:
            return read_snapshot(self.folder / "config.yaml")
        except UserError as error:
            raise RunFailed(f"{self.name}: this code does not understand its configuration: {error}") from None

    def network(self) -> Network | None:
        """The network that it came to; None where the record has none."""
        model = self.folder / "model.npz"
        return load_model(model).network if model.exists() else None

    def history(self) -> list[str]:
        """The lines of its history.csv; none where the record has no such file."""
        file = self.folder / "history.csv"
        return read_capped(file, _LARGEST_HISTORY).decode(errors="replace").splitlines() if file.exists() else []


def in_folder(path: Path, run_id: str | None = None, name: str | None = None) -> Original:
    """The record in a folder; `UserError` where it holds none of a finished run."""
    run = RunFolder(path)
    if (status := run.status().get("status", "finished")) != "finished":
        raise UserError(f"{path}: that run is {status}; only a finished one is of use")
    about, result = run.run(), run.result()
    if not isinstance(about, dict) or not isinstance(about.get("digests"), dict) or "weights_sha256" not in result:
        raise UserError(f"{path}: not the record of a run, or that of an older version of this project")
    return Original(name or str(about.get("name", path.name)), path, about, result, run_id)


def by_fingerprint(prefix: str) -> Original | None:
    """The run folder whose fingerprint begins so; None without one, `UserError` where there are several."""
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        return None
    found = sorted(path for path in runs_folder().glob(f"{prefix}*") if (path / "run.json").exists())
    if len(found) > 1:
        listed = ", ".join(path.name[:16] for path in found[:_MOST_LISTED])
        raise UserError(f"{prefix}: {len(found)} runs begin so ({listed}, ...); give more of it")
    return in_folder(found[0]) if found else None
