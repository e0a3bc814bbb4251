"""The outs of the stage `train`: what of a finished run DVC tracks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.foundation.files import ROOT, replacing, write_json

_COPIED = {"model.npz": "models/model.npz", "history.csv": "plots/curves.csv", "timing.json": "metrics/timing.json"}


def publish(folder: Path, result: Mapping[str, Any]) -> None:
    """Copies a run's files to models/, plots/ and metrics/; `folder` is the run's, `result` its result.json."""
    for source, target in _COPIED.items():
        with replacing(ROOT / target) as file:
            file.write((folder / source).read_bytes())
    kept = {key: result[key] for key in ("train", "valid", "epochs", "weights_sha256")}
    write_json(ROOT / "metrics" / "train.json", kept)
