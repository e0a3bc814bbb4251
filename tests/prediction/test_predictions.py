"""Which model is meant, what its header may say, and what it predicts."""

import itertools
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.data.sources import SOURCES
from src.foundation.files import write_json
from src.nn.architecture import Architecture
from src.prediction.predictions import open_model, predictions
from src.prediction.signature import RawExamples
from src.runs.model import save_model
from tests.helpers.refusals import refusal
from tests.prediction.conftest import Trained

HEADER: dict[str, Any] = {
    "labels": ["c1", "c2", "c3"],
    "features": ["X1", "X2"],
    "image": None,
    "scaling": {"kind": "per_feature", "center": [0.1, 0.2], "scale": [1.0, 2.0]},
    "recipe": {"source": "spiral", "name": "spiral"},
}
IMAGES = {"features": None, "image": [8, 8], "recipe": {"source": "digits"}, "scaling": {"center": 0, "scale": 16}}


def saved(path: Path, header: dict[str, Any], inputs: int = 2) -> Path:
    architecture = Architecture(hidden=(4,), dropout=0.0)
    network = architecture.network(inputs, len(header["labels"]), np.zeros(0, np.int64), "float32")
    save_model(path, network, architecture, header)
    return path


def test_a_model_is_found_by_file_and_folder_and_run(spiral: Trained, home: Path) -> None:
    fingerprint = spiral.model.header["fingerprint"]
    (home / "runs").mkdir()
    (home / "runs" / fingerprint).symlink_to(spiral.folder)
    (home / "models").mkdir()
    (home / "models" / "model.npz").symlink_to(spiral.folder / "model.npz")
    names = [spiral.folder / "model.npz", spiral.folder, home / "models", fingerprint, fingerprint[:8]]
    for name in names:
        model, signature = open_model(str(name))
        assert model.header == spiral.model.header
        assert signature == spiral.signature


def test_a_model_from_before_features_had_names_still_predicts(tmp_path: Path) -> None:
    header = {key: value for key, value in HEADER.items() if key != "features"}
    _, signature = open_model(str(saved(tmp_path / "model.npz", header)))
    assert (signature.count, signature.features) == (2, None)
    assert "2 values a row" in signature.words
    _, signature = open_model(str(saved(tmp_path / "images.npz", HEADER | IMAGES, 64)))
    assert (signature.image, signature.largest, signature.features) == ((8, 8), 16, None)


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "labels twice": ({"labels": ["a", "a", "b"]}, "labels do not fit"),
    "labels no text": ({"labels": [1, 2, 3]}, "labels do not fit"),
    "no scaling": ({"scaling": None}, "lacks labels, scaling or source"),
    "no recipe": ({"recipe": []}, "lacks labels, scaling or source"),
    "another source": ({"recipe": {"source": "cifar"}}, "its data, of cifar as float32, are unknown here"),
    "another dtype": ({"recipe": {"source": "spiral", "dtype": "object"}}, "its data, of spiral as object"),
    "features too few": ({"features": ["X1"]}, "the names of its features"),
    "features twice": ({"features": ["X1", "X1"]}, "the names of its features"),
    "features no list": ({"features": "X1"}, "the names of its features"),
    "an image": ({"image": [3, 1]}, "its images do not fit"),
    "an image turned inside out": ({"image": [-1, -2]}, "its images do not fit"),
    "an image of one side": ({"image": [2]}, "its images do not fit"),
    "an image of others": ({"image": [1, 2], "recipe": {"source": "mnist"}}, "its images do not fit"),
    "an image of more values": (IMAGES, "its images do not fit"),
    "no centre": ({"scaling": {"center": "x", "scale": 1}}, "its scaling"),
    "centres too many": ({"scaling": {"center": [0, 0, 0], "scale": 1}}, "its scaling"),
    "centres of all sorts": ({"scaling": {"center": [0, [1]], "scale": 1}}, "its scaling"),
    "a centre beyond all floats": ({"scaling": {"center": 10**400, "scale": 1}}, "its scaling"),
    "a centre that is true": ({"scaling": {"center": True, "scale": 1}}, "its scaling"),
    "scale zero": ({"scaling": {"center": 0, "scale": [1, 0]}}, "its scaling"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, lie: str) -> None:
    change, message = LIES[lie]
    path = saved(tmp_path / "model.npz", HEADER | change)
    assert re.search(rf"model\.npz: .*({message})", refusal(open_model, str(path)))


def test_a_run_without_its_model_is_refused(home: Path, tmp_path: Path, spiral: Trained) -> None:
    folder = shutil.copytree(spiral.folder, tmp_path / "copy")
    (folder / "model.npz").unlink()
    assert "this run has no model" in refusal(open_model, str(folder))
    for status in ("running", "killed"):
        write_json(folder / "status.json", {"status": status})
        assert f"this run is {status}; a finished run is needed" in refusal(open_model, str(folder))


def test_a_threshold_decides(xor: Trained) -> None:
    grid = [f"{x:.3f},{y:.3f}" for x, y in itertools.product(np.linspace(-1.5, 1.5, 61), repeat=2)]
    points = np.array([[float(cell) for cell in row.split(",")] for row in grid])
    found = predictions(xor.model, xor.signature, RawExamples(grid, points))
    for one in found:
        assert one.label == ("1" if one.probabilities["1"] >= np.float32(0.9) else "0")
        assert one.runner_up == ("0" if one.label == "1" else "1")
    assert any(one.probability < 0.5 for one in found)  # decided for, and yet the less probable one


def test_a_prediction_has_the_probabilities_behind_it(digits8: Trained) -> None:
    x = np.asarray(SOURCES["digits"].read(digits8.root / "data/raw/digits").x[:100], np.float64)
    for one in predictions(digits8.model, digits8.signature, RawExamples([str(k) for k in range(100)], x)):
        found = one.plain()
        ranked = sorted(found["probabilities"].items(), key=lambda item: -item[1])
        assert [found["label"], found["probability"], found["runner_up"]] == [*ranked[0], ranked[1][0]]
        assert found["runner_up_probability"] == ranked[1][1]
        assert list(found["probabilities"]) == [*"0123456789"]
        assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-5)
