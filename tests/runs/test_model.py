"""Model files: whole, or refused."""

import io
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.foundation.errors import UserError
from src.foundation.npz import write_npz
from src.nn.architecture import Architecture
from src.nn.network import Network
from src.runs.model import load_model, save_model


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(tmp_path / "model.npz", network(), ARCHITECTURE, {"labels": ["a", "b", "c"]})
    return tmp_path / "model.npz"


ARCHITECTURE = Architecture(hidden=(5, 4), act="tanh", class_weights="balanced")


def network(dtype: str = "float32") -> Network:
    net = ARCHITECTURE.network(7, 3, np.array([0, 0, 1, 2]), dtype)
    ARCHITECTURE.initialize(net, np.random.SeedSequence(1))
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_as_it_was(tmp_path: Path, dtype: str) -> None:
    net = network(dtype)
    save_model(tmp_path / "model.npz", net, ARCHITECTURE, {"labels": ["a", "b", "c"]})
    model = load_model(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.network.parameters.theta, net.parameters.theta)
    np.testing.assert_array_equal(model.network.class_weights, net.class_weights)
    assert model.network.dtype == net.dtype
    assert model.header["labels"] == ["a", "b", "c"]
    x = np.random.default_rng(0).random((9, 7)).astype(dtype)
    y = np.zeros(9, np.int64)
    for ours, theirs in zip(model.network.loss_and_probabilities(x, y), net.loss_and_probabilities(x, y), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    save_model(tmp_path / "again.npz", network(dtype), ARCHITECTURE, {"labels": ["a", "b", "c"]})
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "model.npz").read_bytes()
    with np.load(tmp_path / "model.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {"header", "W0", "W1", "W2", "b0", "b1", "b2"}


def test_what_layers_do_comes_back_and_a_model_of_before_lists_is_read(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"act": ("tanh", "relu"), "dropout": (0.0, 0.5), "dropout_scaling": "inference"}
    architecture = Architecture(hidden=(5, 4), bias="fixed", **settings)
    net = architecture.network(7, 3, np.zeros(3, np.int64), "float64")
    architecture.initialize(net, np.random.SeedSequence(1))
    save_model(tmp_path / "model.npz", net, architecture, {"labels": ["a", "b", "c"]})
    found, header = load_model(tmp_path / "model.npz")
    assert (found.activations, found.dropout, found.fixed) == (net.activations, (0.0, 0.5), True)
    x, y = np.random.default_rng(0).random((9, 7)), np.zeros(9, np.int64)
    expected = net.loss_and_probabilities(x, y)[1]
    np.testing.assert_array_equal(found.loss_and_probabilities(x, y)[1], expected)

    header["model"] |= {"act": "tanh", "dropout": 0.5, "bias": True}
    del header["model"]["dropout_scaling"]
    write_npz(tmp_path / "old.npz", {"header": np.array(json.dumps(header)), **net.parameters.arrays()})
    old = load_model(tmp_path / "old.npz").network
    assert (len(old.activations), old.dropout, old.fixed) == (2, (0.5, 0.5), False)
    assert (old.loss_and_probabilities(x, y)[1] != expected).any()


def test_a_portable_model_predicts_portably_and_a_lie_about_its_terms_is_refused(tmp_path: Path) -> None:
    net = ARCHITECTURE.network(7, 3, np.array([0, 0, 1, 2]), "float32", "portable", 60)
    ARCHITECTURE.initialize(net, np.random.SeedSequence(1))
    save_model(tmp_path / "model.npz", net, ARCHITECTURE, {"labels": ["a", "b", "c"]})
    found, header = load_model(tmp_path / "model.npz")
    assert (found.arithmetic.name, found.arithmetic.terms) == ("portable", 60)
    x, y = np.random.default_rng(0).random((9, 7)).astype(np.float32), np.zeros(9, np.int64)
    expected = net.loss_and_probabilities(x, y)[1]
    np.testing.assert_array_equal(found.loss_and_probabilities(x, y)[1], expected)
    assert (network().loss_and_probabilities(x, y)[1] != expected).any()
    terms = [{"name": "portable", "terms": terms} for terms in (0, 1 << 40, "60", 60.0, None, True)]
    for lie in (*terms, {"name": "exact", "terms": 60}, {"name": [], "terms": 60}, {"terms": 60}, {}, [60], "60"):
        header["arithmetic"] = lie
        write_npz(tmp_path / "lie.npz", {"header": np.array(json.dumps(header)), **net.parameters.arrays()})
        with pytest.raises(UserError, match="damaged"):
            load_model(tmp_path / "lie.npz")


def test_cut_altered_pickled_foreign_and_missing_files_are_refused(saved: Path) -> None:  # every bit: test_npz.py
    whole, pickled = saved.read_bytes(), io.BytesIO()
    np.savez(pickled, header=np.array([{}], dtype=object))
    middle = len(whole) // 2
    altered = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (b"", whole[:middle], whole[:-1], altered, pickled.getvalue(), b"hello"):
        saved.write_bytes(damaged)
        with pytest.raises(UserError, match=r"model\.npz.*damaged"):
            load_model(saved)
    saved.unlink()
    with pytest.raises(UserError, match="dvc repro"):
        load_model(saved)


@pytest.mark.parametrize(
    "lie",
    [
        lambda header: header | {"widths": [10**6, 10**6, 3]},
        lambda header: header | {"widths": [7, -5, 4, 3]},
        lambda header: header | {"widths": [10**6, 5, 4, 3]},
        lambda header: header | {"widths": [7, 5, 4, 1e308]},
        lambda header: header | {"widths": []},
        lambda header: header | {"model": header["model"] | {"hidden": [65536, 2000]}},
        lambda header: header | {"dtype": "object"},
        lambda header: header | {"format": 99},
        lambda header: header | {"weights_sha256": "0" * 64},
        lambda header: header | {"model": header["model"] | {"act": "exec"}},
        lambda header: header | {"model": "mlp"},
        lambda header: {key: value for key, value in header.items() if key != "widths"},
        lambda header: [],
        lambda header: None,
    ],
)
def test_a_header_that_lies_is_refused_and_allocates_nothing(saved: Path, lie: Callable[[Any], Any]) -> None:
    with np.load(saved, allow_pickle=False) as archive:
        arrays = dict(archive)
    arrays["header"] = np.array(json.dumps(lie(json.loads(str(arrays["header"])))))
    write_npz(saved, arrays)
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"model\.npz.*not a model"):
            load_model(saved)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_weights_of_another_shape_or_type_are_refused(saved: Path) -> None:
    with np.load(saved, allow_pickle=False) as archive:
        arrays = dict(archive)
    for wrong in (arrays["W1"].T, arrays["W1"].astype(np.float64), arrays["W1"][:-1], np.array("W1")):
        write_npz(saved, arrays | {"W1": wrong})
        with pytest.raises(UserError, match=r"model\.npz.*not a model"):
            load_model(saved)
    write_npz(saved, {name: array for name, array in arrays.items() if name != "W1"})
    with pytest.raises(UserError, match=r"model\.npz.*W1"):
        load_model(saved)
