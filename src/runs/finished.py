"""The one reader of a finished run: its folder, or another folder with copies of its files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from src.config.tree import Config, build, read_yaml
from src.foundation.errors import UserError
from src.foundation.files import ROOT, read_capped, read_object, replacing, write_json
from src.foundation.npz import DAMAGE, read_npz
from src.nn.arrays import Array, Labels
from src.runs.folder import HISTORY, RunFolder, runs_folder
from src.runs.model import Model, load_model

History = Mapping[str, list[float]]  # the columns of history.csv, one value per evaluated epoch
_LARGEST = 64 << 20  # bytes of a history, or of predictions: millions of examples
_LARGEST_RECORD = 4 << 30  # bytes of steps.npz: a thousand million updates
_MOST_LISTED = 5
_OUTS = {"model.npz": "models/model.npz", "history.csv": "plots/curves.csv"}  # of the stage `train`


class Predicted(NamedTuple):
    """The predicted classes of the test set, and the probability of each."""

    labels: Labels  # [n_test]
    confidence: Array  # [n_test]


@dataclass(frozen=True)
class FinishedRun:
    """A finished run. Making the object reads nothing; each file is read and checked when it is first needed.

    Every property raises `UserError` if its file is missing or damaged; the message names the file, or the key.
    """

    path: Path
    run_id: str | None = None  # of MLflow, if it is known
    label: str | None = None  # what to call the run, if not by its name

    @classmethod
    def open(cls, path: Path, run_id: str | None = None, label: str | None = None) -> "FinishedRun":
        """The run in a folder; `UserError` if the folder holds none, or one that has not finished."""
        if (status := RunFolder(path).status().get("status", "finished")) != "finished":
            raise UserError(f"{path}: this run is {status}; a finished run is needed")
        run = cls(path, run_id, label)
        if not isinstance(run.about.get("digests"), dict):
            raise UserError(f"{path}: run.json is not of this project, or of an older version")
        if "weights_sha256" not in run.result:
            raise UserError(f"{path}: result.json is not of this project, or of an older version")
        return run

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.label or str(self.about.get("name", self.path.name))

    @property
    def fingerprint(self) -> str:
        """The fingerprint that it was trained under."""
        return str(self.about["digests"]["fingerprint"])

    @property
    def raw_test_sha256(self) -> str | None:
        """The digest of the test set before scaling: two runs with the same were tested on the same examples.

        None in runs of earlier versions.
        """
        digest: str | None = self.about["digests"].get("raw_test")
        return digest

    @cached_property
    def about(self) -> dict[str, Any]:
        """run.json: name, digests, lineage, environment, surroundings."""
        return read_object(self.path / "run.json")

    @cached_property
    def result(self) -> dict[str, Any]:
        """result.json: epochs, the digest of the weights, and the metrics of each set."""
        return read_object(self.path / "result.json")

    @cached_property
    def timing(self) -> dict[str, float]:
        """timing.json: `seconds` and `images_per_second` of training alone, and what the run used."""
        return read_object(self.path / "timing.json")

    @cached_property
    def scores(self) -> dict[str, Any]:
        """test.json: the scores on the test set, `overall` and by `class`."""
        return read_object(self.path / "test.json")

    @cached_property
    def config(self) -> Config:
        """The configuration, as this code understands it."""
        return build(self.plain_config, str(self.path / "config.yaml"))

    @cached_property
    def plain_config(self) -> dict[str, Any]:
        """The configuration as it was written; runs of an older version lack newer keys."""
        tree = read_yaml(self.path / "config.yaml")
        if not isinstance(tree, dict):
            raise UserError(f"{self.path / 'config.yaml'}: not a configuration; the file is damaged")
        return tree

    @cached_property
    def history(self) -> History:
        """history.csv, which reaches up to the result's last epoch."""
        file, epochs = self.path / "history.csv", self.result["epochs"]
        history = read_history(file)
        if history["epoch"][-1] != epochs:
            raise UserError(f"{file}: it ends at epoch {history['epoch'][-1]:g}, the result's epoch is {epochs}")
        return history

    @cached_property
    def model(self) -> Model:
        """model.npz."""
        return load_model(self.path / "model.npz")

    @cached_property
    def predictions(self) -> Predicted:
        """predictions.npz."""
        file = self.path / "predictions.npz"
        try:
            arrays = read_npz(file, _LARGEST)
            labels, confidence = arrays["predicted"], arrays["probability"]
            if labels.shape != (labels.size,) or confidence.shape != labels.shape:
                raise ValueError(f"its arrays have the shapes {labels.shape} and {confidence.shape}")
            if labels.dtype.kind != "i" or confidence.dtype.kind != "f":
                raise ValueError(f"its arrays are of {labels.dtype} and {confidence.dtype}")
        except DAMAGE as error:
            raise UserError(f"{file}: missing or damaged ({error})") from None
        return Predicted(labels, confidence)

    @cached_property
    def steps(self) -> dict[str, Array]:
        """steps.npz, the rows of `Steps` as `Session.steps` has them; empty without `train.record_steps`."""
        if not self.plain_config["train"].get("record_steps"):
            return {}
        file = self.path / "steps.npz"
        try:
            steps = read_npz(file, _LARGEST_RECORD)
            if any(rows.ndim != 2 or rows.dtype != np.float32 or not rows.size for rows in steps.values()):
                raise ValueError("its arrays have other shapes or dtypes")
        except DAMAGE as error:
            raise UserError(f"{file}: missing or damaged ({error})") from None
        return steps

    def publish(self) -> None:
        """Copies what DVC tracks of a run, the outs of the stage `train`, to models/, plots/ and metrics/."""
        for source, target in _OUTS.items():
            with replacing(ROOT / target) as file:
                file.write((self.path / source).read_bytes())
        kept = {key: self.result[key] for key in ("train", "valid", "epochs", "kept_epoch")}
        write_json(ROOT / "metrics" / "train.json", kept)


def by_fingerprint(prefix: str) -> FinishedRun | None:
    """The run whose fingerprint starts with `prefix`; None if there is none, `UserError` if there are several."""
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        return None
    found = sorted(path for path in runs_folder().glob(f"{prefix}*") if (path / "run.json").exists())
    if len(found) > 1:
        listed = ", ".join(path.name[:16] for path in found[:_MOST_LISTED])
        raise UserError(f"{prefix}: {len(found)} fingerprints start with it ({listed}, ...); give more characters")
    return FinishedRun.open(found[0]) if found else None


def read_history(file: Path) -> History:
    """Reads history.csv, with at least the columns `HISTORY` and one epoch; `UserError` for a damaged file."""
    try:
        header, *lines, end = read_capped(file, _LARGEST).decode().split("\n")
        rows = [[float(value) for value in line.split(",")] for line in lines]
        history = dict(zip(header.split(","), map(list, zip(*rows, strict=True)), strict=True))
        if end or not rows or not set(HISTORY) <= history.keys():
            raise ValueError("it is cut off, or lacks columns")
    except FileNotFoundError:
        raise UserError(f"{file}: no such file") from None
    except DAMAGE as error:
        raise UserError(f"{file}: damaged ({error})") from None
    return history
