"""Which runs are in which studies, by the studies' results: those of the pipeline, and those with overrides."""

import re
from collections.abc import Iterator
from pathlib import Path

from src.foundation.files import ROOT, read_capped
from src.runs.folder import runs_folder

_FINGERPRINT = re.compile(rb"\b[0-9a-f]{64}\b")
_LARGEST = 64 << 20  # bytes


def studies_by_run() -> dict[str, list[str]]:
    """The names of the studies that cite a run, by the run's id; as `ladder-0123abcd` where overrides made it another.

    Raises:
        UserError: a study's results are larger than any can be.
    """
    found = dict[str, list[str]]()
    for study, file in sorted(_results()):
        for run in fingerprints_in(file):
            if study not in found.setdefault(run, []):
                found[run].append(study)
    return found


def fingerprints_in(file: Path) -> set[str]:
    """All fingerprints that a file names; none if there is no such file."""
    return {name.decode() for name in _FINGERPRINT.findall(read_capped(file, _LARGEST))} if file.is_file() else set()


def _results() -> Iterator[tuple[str, Path]]:
    for folder in (ROOT / "models" / "studies").glob("*/"):
        yield folder.name, folder / "study.json"
    for folder in (runs_folder() / "studies").glob(".*/results/"):
        for file in folder.rglob("*.json"):
            if "runs" not in file.relative_to(folder).parts:  # those are copies of the runs' files
                yield folder.parent.name.removeprefix("."), file
