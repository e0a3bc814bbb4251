"""summary.json: a finished run in one flat object, read in 60 µs; its `config.yaml` alone would take some milliseconds.

The file is a copy: whatever it says is in the other files of the run folder. It is written when a run finishes, and,
for runs of an earlier version, when they are first listed. What people note about a run is in notes.json alone.
"""

import contextlib
import datetime
import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from src.config.tree import build, read_yaml
from src.foundation.errors import UserError
from src.foundation.files import read_object, write_text
from src.foundation.schema import flatten

Row = dict[str, Any]  # a run by the names of columns; values are scalars, or lists of scalars
SUMMARY, NOTES = "summary.json", "notes.json"
_CONFIG = ("data.", "model.", "optimizer.", "schedule.", "train.", "draws.")
_SCALARS = ("seed", "rng")
_BULKY = ("data.columns.", "data.labels")  # as many as a table has columns, or a recipe classes
_PARTS = ("train", "valid", "test")
_DIGESTS = {"dataset": "data", "code": "code"}  # `data.` begins the keys of a recipe


def configuration(row: Row) -> dict[str, Any]:
    """The columns that are the run's semantic configuration."""
    return {key: row[key] for key in _of_configuration(tuple(row))}


@functools.lru_cache(maxsize=64)  # ten thousand runs have few sets of columns
def _of_configuration(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in columns if key.startswith(_CONFIG) or key in _SCALARS)


def summarized(folder: Path) -> Row:
    """A row for the run in a folder, whatever its status. A file that is missing or damaged leaves columns out.

    Times are UTC, as ISO 8601; accuracies are fractions; metrics are of the weights that were kept, so `valid/accuracy`
    is what MLflow has as `kept/valid/accuracy`.
    """
    try:
        return _summarized(folder)
    except (AttributeError, TypeError, LookupError, ValueError, OverflowError):  # JSON of another form
        return {"id": folder.name, "name": folder.name[:12], "data": None, "status": "damaged"}


def _summarized(folder: Path) -> Row:
    files = {name: _object(folder / f"{name}.json") for name in ("run", "status", "result", "timing")}
    run, status, result = files["run"], files["status"], files["result"]
    row: Row = {
        "id": folder.name,
        "name": run.get("name", folder.name[:12]),
        "data": None,
        "status": status.get("status", "damaged"),
        "reason": status.get("reason"),
    }
    if row["status"] == "finished":
        row |= {"kept/epoch": result.get("kept_epoch"), "epochs": result.get("epochs"), **_metrics(result)}
        row |= files["timing"]
    row |= {key: _utc(status[name]) for key, name in (("started", "started"), ("ended", "time")) if name in status}
    row |= {key: value for key, value in _flat_config(folder) if not key.startswith(_BULKY)}
    row["data"] = row.get("data.name")
    lineage, digests = run.get("lineage", {}), run.get("digests", {})
    row |= {key: lineage[key] for key in ("git.commit", "git.dirty", "python", "numpy", "cpu") if key in lineage}
    row |= {f"{name}.sha256": digests[key] for name, key in _DIGESTS.items() if key in digests}
    if "weights_sha256" in result:
        row["weights.sha256"] = result["weights_sha256"]
    return row


def write_summary(folder: Path) -> Row:
    """Writes a finished run's summary.json, atomically, if the disk lets it; returns its row."""
    row = summarized(folder)
    with contextlib.suppress(OSError):  # a full disk, or one that can only be read: the next table tries it again
        write_text(folder / SUMMARY, json.dumps(row, allow_nan=False) + "\n")
    return row


def _metrics(result: Mapping[str, Any]) -> Row:
    """The metrics of a result.json, as `part/metric`."""
    of_units = {f"unit/{group}/accuracy": value for group, value in result.get("units", {}).items()}
    return {f"{part}/{key}": value for part in _PARTS for key, value in result.get(part, {}).items()} | of_units


def _flat_config(folder: Path) -> Iterator[tuple[str, Any]]:
    tree: Any = {}
    with contextlib.suppress(UserError):
        tree = read_yaml(folder / "config.yaml")
    study = tree.get("tracking", {}).get("study") if isinstance(tree, dict) else None
    with contextlib.suppress(UserError):  # a key that this version does not know any more: as it was written
        tree = build(tree, "config.yaml").semantic(complete=True)
    if isinstance(tree, dict):
        yield from configuration(dict(flatten(tree))).items()
        yield "study", study


def _object(file: Path) -> dict[str, Any]:
    try:
        return read_object(file)
    except (UserError, OSError):
        return {}


def _utc(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
