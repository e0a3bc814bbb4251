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
ARRAYS = [f"{axis}_{part}.npy" for part in PARTS for axis in "xy"]
GROUPS = ("maybe", "never", "always")
GROUP_ARRAYS = [f"group_{part}.npy" for part in PARTS]
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
    return write(tmp_path / "tiny")


@pytest.fixture
def grouped(tmp_path: Path) -> Path:
    """A folder whose columns and groups have names."""
    return write(tmp_path / "tiny", NAMED)


def reseal(folder: Path, manifest: Any) -> None:
    """Writes a manifest that bears out its seal, as only this program or an attacker would."""
    content = {key: value for key, value in manifest.items() if key != "seal"}
    write_json(folder / "dataset.json", {**content, "seal": sha256(canonical_json(content))})


def test_what_is_written_is_opened(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.recipe == RECIPE
    assert dataset.labels == ("no", "yes")
    assert dataset.image == (2, 2)
    assert dataset.scaling == SCALING
    assert (dataset.features, dataset.groups) == (None, ())
    for part, n in SIZES.items():
        x, y, group = getattr(dataset, part)
        assert group is None
        assert (x.dtype, x.shape) == (np.float32, (n, 4))
        assert (y.dtype, y.shape) == (np.int64, (n,))
        np.testing.assert_array_equal(x, np.load(folder / f"x_{part}.npy"))
        np.testing.assert_array_equal(y, np.load(folder / f"y_{part}.npy"))


def test_names_and_groups_are_opened(grouped: Path) -> None:
    dataset = open_dataset(grouped)
    assert dataset.features == ("a", "b", "c", "d")
    assert dataset.groups == GROUPS
    for part, n in SIZES.items():
        group = getattr(dataset, part).group
        assert (group.dtype, group.shape) == (np.int64, (n,))
        np.testing.assert_array_equal(group, np.load(grouped / f"group_{part}.npy"))


def test_without_names_and_groups_a_folder_is_as_it_was_before_there_were_any(folder: Path) -> None:
    manifest = json.loads((folder / "dataset.json").read_text())
    assert list(manifest) == ["format", "recipe", "labels", "image", "scaling", "files", "sha256", "seal"]
    assert list(manifest["files"]) == ARRAYS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_examples_may_have_either_precision(tmp_path: Path, dtype: str) -> None:
    dataset = open_dataset(write(tmp_path / "tiny", dtype=dtype))
    assert {getattr(dataset, part).x.dtype.name for part in PARTS} == {dtype}


def test_arrays_are_mapped_and_cannot_be_written(grouped: Path) -> None:
    for part in PARTS:
        for array in getattr(open_dataset(grouped), part):
            assert isinstance(array, np.memmap)
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1


def test_the_digest_is_that_of_all_six_arrays(folder: Path, tmp_path: Path) -> None:
    digest = open_dataset(folder).sha256
    assert digest == sha256_tree(folder, [folder / name for name in ARRAYS])
    assert open_dataset(write(tmp_path / "again")).sha256 == digest
    assert (tmp_path / "again" / "dataset.json").read_bytes() == (folder / "dataset.json").read_bytes()
    for part, n in SIZES.items():
        other = write(tmp_path / "other", **{f"y_{part}": np.zeros(n, np.int64)})
        assert open_dataset(other).sha256 != digest


def test_the_digest_is_that_of_all_nine_arrays_where_there_are_groups(grouped: Path, tmp_path: Path) -> None:
    digest = open_dataset(grouped).sha256
    assert digest == sha256_tree(grouped, [grouped / name for name in ARRAYS + GROUP_ARRAYS])
    for part, n in SIZES.items():
        other = write(tmp_path / "other", NAMED, **{f"group_{part}": np.zeros(n, np.int64)})
        assert open_dataset(other).sha256 != digest


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def flip_header(content: bytes) -> bytes:
    return content[:20] + bytes([content[20] ^ 1]) + content[21:]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[:-1],
    "cut in the header": lambda content: content[:9],
    "longer": lambda content: content + b"\x00",
    "flipped bit": flip,
    "flipped bit in the header": flip_header,
    "pickle": lambda content: b"\x80\x04K\x01." + content[5:],
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["dataset.json", *ARRAYS, *GROUP_ARRAYS])
def test_damage_is_refused_in_one_line_with_a_remedy(grouped: Path, name: str, damage: str) -> None:
    path = grouped / name
    path.write_bytes(DAMAGES[damage](path.read_bytes().removesuffix(b"\n")))
    with pytest.raises(UserError, match=f"{name}.*Delete {grouped}") as refused:
        open_dataset(grouped)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["dataset.json", *ARRAYS, *GROUP_ARRAYS])
def test_a_missing_file_is_named(grouped: Path, name: str) -> None:
    (grouped / name).unlink()
    with pytest.raises(UserError, match=f"{name}: [Nn]o such file.*Delete"):
        open_dataset(grouped)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        open_dataset(tmp_path / "nowhere")


def test_a_length_is_compared_before_anything_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "x_train.npy").write_bytes(bytes(10))
    monkeypatch.setattr("src.data.dataset.sha256_file", None)
    monkeypatch.setattr(np.lib.format, "open_memmap", None)
    with pytest.raises(UserError, match="10 bytes, expected 224"):
        open_dataset(folder)


@given(position=st.integers(0, 2500), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_flipped_bit_in_the_manifest_is_refused(grouped: Path, position: int, bit: int) -> None:
    path = write(grouped, NAMED) / "dataset.json"
    whole = bytearray(path.read_bytes())
    whole[position % len(whole)] ^= 1 << bit
    path.write_bytes(whole)
    with pytest.raises(UserError, match="Delete"):
        open_dataset(grouped)


@pytest.mark.parametrize(
    ("written", "equal"),
    [("1e-05", "1E-05"), ("\\u00e9", "\\u00E9"), ('  "format"', '\t "format"'), ("}\n", "}\r"), ("}\n", "} \n")],
)
def test_an_equal_manifest_that_is_spelt_otherwise_is_refused(tmp_path: Path, written: str, equal: str) -> None:
    folder = write(tmp_path / "tiny")
    write_manifest(folder, RECIPE, ("no", "\u00e9"), (2, 2), SCALING | {"center": 1e-05})
    open_dataset(folder)
    path = folder / "dataset.json"
    text = path.read_text()
    assert written in text
    path.write_bytes(text.replace(written, equal).encode())
    assert json.loads(path.read_text()) == json.loads(text)
    with pytest.raises(UserError, match="its text is not as"):
        open_dataset(folder)


def test_a_manifest_of_many_megabytes_is_refused_unread(folder: Path) -> None:
    (folder / "dataset.json").write_text("[" + "{}," * (2 << 20) + "{}]")
    with pytest.raises(UserError, match="allowed: at most 4194304"):
        open_dataset(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)


@given(value=JSON)
@example(value=[])
@example(value="9" * 5000)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_json_is_refused(folder: Path, value: Any) -> None:
    (folder / "dataset.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match="Delete"):
        open_dataset(folder)


@pytest.mark.parametrize("text", ["9" * 5000, "[" * 100_000, "NaN", '{"a": 1e999}', "\ud800", "{}" * 2])
def test_json_that_parsers_choke_on_is_refused(folder: Path, text: str) -> None:
    (folder / "dataset.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(UserError, match="Delete"):
        open_dataset(folder)


def keys(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = [found for key, value in tree.items() for found in keys(value, (*path, key))] if type(tree) is dict else []
    return [path, *inner] if path else inner


@given(data=st.data(), value=JSON.filter(lambda value: "nan" not in str(value) and "inf" not in str(value)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_a_sealed_manifest_with_any_value_anywhere_is_no_crash(grouped: Path, data: st.DataObject, value: Any) -> None:
    folder = grouped
    manifest = json.loads((write(folder, NAMED) / "dataset.json").read_text())
    *way, last = data.draw(st.sampled_from([path for path in keys(manifest) if path != ("seal",)]))
    place = manifest
    for key in way:
        place = place[key]
    place[last] = value
    reseal(folder, manifest)
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
def test_a_manifest_that_contradicts_its_arrays_is_refused(grouped: Path, key: str, value: Any, reason: str) -> None:
    manifest = json.loads((grouped / "dataset.json").read_text())
    reseal(grouped, {**manifest, key: value})
    with pytest.raises(UserError, match=reason):
        open_dataset(grouped)


def test_groups_that_the_arrays_do_not_have_are_refused(folder: Path) -> None:
    manifest = json.loads((folder / "dataset.json").read_text())
    reseal(folder, manifest | {"groups": ["one"]})
    with pytest.raises(UserError, match=r"group_train\.npy has no valid description"):
        open_dataset(folder)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"group_train": np.zeros(5, np.int64)}, id="fewer groups than examples"),
        pytest.param({"group_train": np.zeros((6, 1), np.int64)}, id="a matrix"),
        pytest.param({"group_valid": np.zeros(2, np.int32)}, id="int32"),
        pytest.param({"group_valid": np.zeros(2)}, id="floats"),
        pytest.param({"group_test": np.full(3, 3)}, id="group out of range"),
        pytest.param({"group_test": np.full(3, -1)}, id="negative group"),
    ],
)
def test_arrays_that_are_no_groups_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="are not examples of equal length in 3 groups"):
        open_dataset(write(tmp_path / "tiny", NAMED, **given))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"x_valid": np.zeros((2, 4))}, id="a part in float64"),
        pytest.param({f"x_{part}": np.zeros((n, 4), np.float16) for part, n in SIZES.items()}, id="float16"),
        pytest.param({f"x_{part}": np.zeros((n, 4), np.int64) for part, n in SIZES.items()}, id="integers"),
        pytest.param({f"x_{part}": np.zeros((n, 4), ">f4") for part, n in SIZES.items()}, id="big-endian"),
        pytest.param({"x_valid": np.zeros((2, 3), np.float32)}, id="other features"),
        pytest.param({"x_train": np.zeros((6, 2, 2), np.float32)}, id="images"),
        pytest.param({"y_train": np.zeros(5, np.int64)}, id="fewer labels than examples"),
        pytest.param({"y_train": np.zeros(6, np.int32)}, id="int32"),
        pytest.param({"y_test": np.full(3, 2)}, id="label out of range"),
        pytest.param({"y_test": np.full(3, -1)}, id="negative label"),
        pytest.param({"x_valid": np.zeros((0, 4), np.float32), "y_valid": np.zeros(0, np.int64)}, id="empty"),
        pytest.param({"x_valid": np.float32(1)}, id="scalar"),
        pytest.param({"x_train": np.float32(1)}, id="scalar to train on"),
    ],
)
def test_arrays_that_are_no_examples_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="are not examples"):
        open_dataset(write(tmp_path / "tiny", **given))
