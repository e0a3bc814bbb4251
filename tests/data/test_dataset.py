import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from src.data.dataset import PARTS, open_dataset, write_manifest
from src.foundation.errors import UserError
from src.foundation.files import canonical_json, sha256, sha256_tree, write_json

RECIPE = {"name": "tiny", "source": "toy", "split": {"train": 6, "valid": 2, "test": 3}, "scaling": "unit", "seed": 0}
SCALING = {"kind": "unit", "center": 0.0, "scale": 255.0}
ARRAYS = [f"{name}_{part}.npy" for part in PARTS for name in ("x", "y")]
GROUPED_ARRAYS = [f"{name}_{part}.npy" for part in PARTS for name in ("x", "y", "group")]
GROUPS = ("maybe", "never", "always")
NAMELESS: Mapping[str, Any] = {}
NAMED = {"features": ("a", "b", "c", "d"), "groups": GROUPS}
SIZES = {"train": 6, "valid": 2, "test": 3}


def write(folder: Path, named: Mapping[str, Any] = NAMELESS, dtype: str = "float32", **given: Any) -> Path:
    random = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    for part, n in SIZES.items():
        np.save(folder / f"x_{part}.npy", random.random((n, 4)).astype(dtype))
        np.save(folder / f"y_{part}.npy", np.arange(n) % 2)
        if named.get("groups"):
            np.save(folder / f"group_{part}.npy", np.arange(n) % 3)
    for name, array in given.items():
        np.save(folder / f"{name}.npy", array)
    write_manifest(folder, RECIPE, ("no", "yes"), (2, 2), SCALING, **named)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose columns and groups have names."""
    return write(tmp_path / "tiny", NAMED)


def rejects(folder: Path, reason: str = "") -> None:
    """The folder is not opened; the message is one line, with the reason and a remedy."""
    with pytest.raises(UserError, match=f"{reason}.*Delete {folder}") as refused:
        open_dataset(folder)
    assert "\n" not in str(refused.value)


def reseal(folder: Path, **changes: Any) -> None:
    """Changes a manifest and seals it, as only this program or an attacker would."""
    content = json.loads((folder / "dataset.json").read_text()) | changes
    del content["seal"]
    write_json(folder / "dataset.json", {**content, "seal": sha256(canonical_json(content))})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("named", [NAMELESS, NAMED], ids=["nameless", "named"])
def test_what_is_written_is_opened(tmp_path: Path, named: Mapping[str, Any], dtype: str) -> None:
    folder = write(tmp_path / "tiny", named, dtype)
    dataset = open_dataset(folder)
    assert (dataset.recipe, dataset.labels, dataset.image, dataset.scaling) == (RECIPE, ("no", "yes"), (2, 2), SCALING)
    assert (dataset.features, dataset.groups) == (named.get("features"), named.get("groups", ()))
    for part, n in SIZES.items():
        arrays = dict(zip(("x", "y", "group"), getattr(dataset, part), strict=True))
        assert (arrays["x"].dtype, arrays["x"].shape) == (dtype, (n, 4))
        assert (arrays["group"] is None) == ("groups" not in named)
        for name, array in arrays.items():
            if array is not None:
                assert name == "x" or (array.dtype, array.shape) == (np.int64, (n,))
                np.testing.assert_array_equal(array, np.load(folder / f"{name}_{part}.npy"))
                assert isinstance(array, np.memmap)
                with pytest.raises(ValueError, match="read-only"):
                    array[0] = 1


@pytest.mark.parametrize(
    ("named", "files", "changed"),
    [(NAMELESS, ARRAYS, "y"), (NAMED, GROUPED_ARRAYS, "group")],
    ids=["six arrays", "nine arrays"],
)
def test_the_manifest_lists_all_arrays_and_their_digest(
    tmp_path: Path, named: Mapping[str, Any], files: list[str], changed: str
) -> None:
    folder, again = write(tmp_path / "tiny", named), write(tmp_path / "again", named)
    manifest, digest = json.loads((folder / "dataset.json").read_text()), open_dataset(folder).sha256
    plain = ["format", "recipe", "labels", "image", "scaling", "files", "sha256", "seal"]  # of earlier versions, too
    assert [key for key in manifest if key not in named] == plain
    assert list(manifest["files"]) == files
    assert digest == sha256_tree(folder, [folder / name for name in files])
    assert (again / "dataset.json").read_bytes() == (folder / "dataset.json").read_bytes()
    for part, n in SIZES.items():
        other = write(tmp_path / "other", named, **{f"{changed}_{part}": np.zeros(n, np.int64)})
        assert open_dataset(other).sha256 != digest


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-1],
    "cut in the header": lambda content: content[:9],
    "longer": lambda content: content + b"\x00",
    "flipped bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "flipped bit in the header": lambda content: content[:20] + bytes([content[20] ^ 1]) + content[21:],
    "pickle": lambda content: b"\x80\x04K\x01." + content[5:],
}


@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
@pytest.mark.parametrize("name", ["dataset.json", *GROUPED_ARRAYS])
def test_damage_is_rejected_in_one_line_with_a_remedy(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    if damage == "missing":
        path.unlink()
        rejects(folder, f"{name}: [Nn]o such file")
    else:
        path.write_bytes(DAMAGES[damage](path.read_bytes().removesuffix(b"\n")))
        rejects(folder, name)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    rejects(tmp_path / "nowhere", "nowhere")


def test_the_length_is_compared_before_anything_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "x_train.npy").write_bytes(bytes(10))
    monkeypatch.setattr("src.data.dataset.sha256_file", None)
    monkeypatch.setattr(np.lib.format, "open_memmap", None)
    rejects(folder, "10 bytes, expected 224")


@given(position=st.integers(0, 2500), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_flipped_bit_in_the_manifest_is_rejected(folder: Path, position: int, bit: int) -> None:
    path = write(folder, NAMED) / "dataset.json"
    whole = bytearray(path.read_bytes())
    whole[position % len(whole)] ^= 1 << bit
    path.write_bytes(whole)
    rejects(folder)


@pytest.mark.parametrize(
    ("written", "equal"),
    [("1e-05", "1E-05"), ("\\u00e9", "\\u00E9"), ('  "format"', '\t "format"'), ("}\n", "}\r"), ("}\n", "} \n")],
)
def test_an_equal_manifest_that_is_spelled_differently_is_rejected(tmp_path: Path, written: str, equal: str) -> None:
    folder = write(tmp_path / "tiny")
    write_manifest(folder, RECIPE, ("no", "\u00e9"), (2, 2), SCALING | {"center": 1e-05})
    open_dataset(folder)
    path = folder / "dataset.json"
    text = path.read_text()
    assert written in text
    path.write_bytes(text.replace(written, equal).encode())
    assert json.loads(path.read_text()) == json.loads(text)
    rejects(folder, "its text is not as")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)


@given(value=JSON)
@example(value=[])
@example(value="9" * 5000)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_rejected(folder: Path, value: Any) -> None:
    (folder / "dataset.json").write_text(json.dumps(value))
    rejects(folder)


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, "[" * 100_000, "NaN", '{"a": 1e999}', "\ud800", "{}" * 2, "[" + "{}," * (2 << 20) + "{}]"],
    ids=["digits", "nesting", "NaN", "infinity", "surrogate", "two", "megabytes"],
)
def test_json_that_parsers_fail_on_is_rejected(folder: Path, text: str) -> None:
    (folder / "dataset.json").write_bytes(text.encode(errors="surrogatepass"))
    rejects(folder, "allowed: at most 4194304" if len(text) > 4 << 20 else "")  # which is not read


def keys(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = [found for key, value in tree.items() for found in keys(value, (*path, key))] if type(tree) is dict else []
    return [path, *inner] if path else inner


@given(data=st.data(), value=JSON.filter(lambda value: "nan" not in str(value) and "inf" not in str(value)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_a_sealed_manifest_with_any_value_anywhere_is_no_crash(folder: Path, data: st.DataObject, value: Any) -> None:
    manifest = json.loads((write(folder, NAMED) / "dataset.json").read_text())
    *way, last = data.draw(st.sampled_from([path for path in keys(manifest) if path != ("seal",)]))
    place = manifest
    for key in way:
        place = place[key]
    place[last] = value
    reseal(folder, **manifest)
    try:
        dataset = open_dataset(folder)
    except UserError:
        return
    assert isinstance(dataset.recipe, dict)
    assert all(isinstance(name, str) for name in (*dataset.labels, *(dataset.features or ()), *dataset.groups))
    assert dataset.features is None or len(dataset.features) == 4
    assert bool(dataset.groups) == (dataset.train.group is not None)
    assert dataset.train.x.shape == (6, 4)
    assert np.shape(dataset.scaling["center"]) in ((), (4,))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        pytest.param("format", 2, "format 2; this program reads format 1", id="later format"),
        pytest.param("labels", ["one"], "with 1 labels", id="too few labels"),
        pytest.param("image", [28, 28], "images are", id="other images"),
        pytest.param("scaling", {"kind": "per_feature", "center": [0, 0], "scale": 1}, "scaling", id="two features"),
        pytest.param("scaling", {"kind": "unit", "center": 0, "scale": "1"}, "scaling", id="scaling in words"),
        pytest.param("sha256", "0" * 64, "sha256", id="other digest"),
        pytest.param("files", {}, "no valid description", id="no files"),
        pytest.param("features", ["a", "b"], "names 2 features, x has 4", id="two names of features"),
        pytest.param("features", "abcd", "features are not strings", id="a text for features"),
        pytest.param("features", ["a", "b", "c", 4], "features are not strings", id="a number for a feature"),
        pytest.param("features", None, "features are not strings", id="null for features"),
        pytest.param("groups", ["maybe", "never"], "in 2 groups", id="too few groups"),
        pytest.param("groups", {}, "groups are not strings", id="a mapping for groups"),
        pytest.param("groups", [], "sha256", id="no groups"),
    ],
)
def test_a_manifest_that_contradicts_its_arrays_is_rejected(folder: Path, key: str, value: Any, reason: str) -> None:
    reseal(folder, **{key: value})
    rejects(folder, reason)


def test_groups_that_the_arrays_do_not_have_are_rejected(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny")
    reseal(folder, groups=["one"])
    rejects(folder, r"group_train\.npy has no valid description")


def each(array: str, dtype: str) -> dict[str, np.ndarray]:
    return {f"{array}_{part}": np.zeros((n, 4), dtype) for part, n in SIZES.items()}


LABELS, IN_GROUPS = "with 2 labels", "in 3 groups"


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        pytest.param({"group_train": np.zeros(5, np.int64)}, IN_GROUPS, id="fewer groups than examples"),
        pytest.param({"group_train": np.zeros((6, 1), np.int64)}, IN_GROUPS, id="a matrix of groups"),
        pytest.param({"group_valid": np.zeros(2, np.int32)}, IN_GROUPS, id="groups in int32"),
        pytest.param({"group_valid": np.zeros(2)}, IN_GROUPS, id="groups in floats"),
        pytest.param({"group_test": np.full(3, 3)}, IN_GROUPS, id="group out of range"),
        pytest.param({"group_test": np.full(3, -1)}, IN_GROUPS, id="negative group"),
        pytest.param({"x_valid": np.zeros((2, 4))}, LABELS, id="a part in float64"),
        pytest.param(each("x", "float16"), LABELS, id="float16"),
        pytest.param(each("x", "int64"), LABELS, id="integers"),
        pytest.param(each("x", ">f4"), LABELS, id="big-endian"),
        pytest.param({"x_valid": np.zeros((2, 3), np.float32)}, LABELS, id="other features"),
        pytest.param({"x_train": np.zeros((6, 2, 2), np.float32)}, LABELS, id="images"),
        pytest.param({"y_train": np.zeros(5, np.int64)}, LABELS, id="fewer labels than examples"),
        pytest.param({"y_train": np.zeros(6, np.int32)}, LABELS, id="labels in int32"),
        pytest.param({"y_test": np.full(3, 2)}, LABELS, id="label out of range"),
        pytest.param({"y_test": np.full(3, -1)}, LABELS, id="negative label"),
        pytest.param({"x_valid": np.zeros((0, 4), np.float32), "y_valid": np.zeros(0, np.int64)}, LABELS, id="empty"),
        pytest.param({"x_valid": np.float32(1)}, LABELS, id="scalar"),
        pytest.param({"x_train": np.float32(1)}, LABELS, id="scalar to train on"),
    ],
)
def test_arrays_that_are_not_examples_are_rejected(tmp_path: Path, arrays: dict[str, Any], fault: str) -> None:
    rejects(write(tmp_path / "tiny", NAMED, **arrays), f"its arrays are not examples of equal length {fault}")
