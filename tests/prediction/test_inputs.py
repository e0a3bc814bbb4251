"""Typed values, tables and arrays: the same numbers however they are given, scaled as those of the training were."""

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.data import images as own_images
from src.data.sources import SOURCES
from src.data.splits import open_split
from src.foundation.errors import UserError
from src.foundation.npz import read_npz
from src.prediction import inputs
from src.prediction.inputs import read_examples
from src.prediction.predictions import predictions
from src.prediction.signature import RawExamples
from tests.helpers.refusals import refusal
from tests.prediction.conftest import Trained

POINTS = np.array([[-0.1, 0.2], [-0.5, 1e-3], [0.25, -2.0]])


def table(path: Path, text: str) -> str:
    path.write_text(text, errors="surrogateescape")
    return str(path)


def array(path: Path, values: np.ndarray) -> str:
    np.save(path, values)
    return str(path)


def text(path: Path, values: np.ndarray, **how: str) -> str:
    np.savetxt(path, values, **how)
    return str(path)


WAYS: dict[str, Callable[[Path], list[str]]] = {
    "a table": lambda path: [table(path / "p.csv", "X1,X2\n-0.1,0.2\n-0.5,1e-3\n0.25,-2\n")],
    "in another order": lambda path: [table(path / "p.csv", "X2,X1\n0.2,-0.1\n1e-3,-0.5\n-2,0.25\n")],
    "with a label": lambda path: [table(path / "p.csv", "X1,color,X2\n-0.1,c1,0.2\n-0.5,c2,1e-3\n0.25,,-2\n")],
    "without a header": lambda path: [table(path / "P.CSV", "-0.1,0.2\n-0.5,0.001\n0.25,-2\n")],
    "as a spreadsheet": lambda path: [table(path / "p.csv", '\ufeff"X1", "X2"\r\n\r\n-.1, 0.2\r\n-.5,1e-3\r\n0.25,-2')],
    "semicolons": lambda path: [table(path / "p.csv", "X1;X2\n-0.1;0.2\n-0.5;1e-3\n0.25;-2\n")],
    "tabs": lambda path: [table(path / "p.tsv", "X2\tX1\n0.2\t-0.1\n1e-3\t-0.5\n-2\t0.25\n")],
    "as NumPy writes text": lambda path: [text(path / "p.txt", POINTS, header="X1 X2")],
    "as NumPy writes text, without a header": lambda path: [text(path / "p.dat", POINTS)],
    "an array": lambda path: [array(path / "p.npy", POINTS)],
    "as Fortran has it": lambda path: [array(path / "p.npy", np.asfortranarray(POINTS))],
    "big-endian": lambda path: [array(path / "p.npy", POINTS.astype(">f8"))],
    "rows": lambda path: [array(path / f"{k}.npy", row) for k, row in enumerate(POINTS)],
    "mixed": lambda path: [
        table(path / "p.csv", "X1,X2\n-0.5,0.001\n"), "X2=2e-1", array(path / "p.npy", POINTS[2:]), "X1=-.1",
    ],
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_the_same_numbers_however_they_are_given(spiral: Trained, tmp_path: Path, way: str) -> None:
    got = read_examples(WAYS[way](tmp_path), spiral.signature)
    np.testing.assert_array_equal(got.x, POINTS)
    assert len(set(got.names)) == 3


def commas(rows: np.ndarray) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows.tolist())


def test_images_come_in_every_usual_shape_and_as_tables_with_or_without_labels(
    digits8: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = raw(digits8, 12)
    images, y = flat.reshape(-1, 8, 8), np.arange(12)[:, None] % 10
    pixels = ",".join(f"pixel{k}" for k in range(64))
    sides = ",".join(f"{row}x{column}" for row in range(1, 9) for column in range(1, 9))
    by_name = sorted(range(64), key=lambda k: f"pixel{k}")  # pixel0, pixel1, pixel10, ...
    ways: list[list[str]] = [
        [array(tmp_path / "a.npy", images.astype(np.uint8))],
        [array(tmp_path / "b.npy", flat.astype(np.float32))],
        [array(tmp_path / f"{k}.npy", image) for k, image in enumerate(images)],
        [array(tmp_path / f"c{k}.npy", image[..., None]) for k, image in enumerate(images)],
        [array(tmp_path / "d.npy", images[:, None])],
        [array(tmp_path / "e.npy", images[..., None])],
        [idx(tmp_path / "t10k-images-idx3-ubyte", images)],
        *(
            [table(tmp_path / f"{k}.csv", content)]
            for k, content in enumerate(
                (
                    commas(flat),
                    commas(np.hstack([y, flat])),
                    commas(np.hstack([flat, y])),
                    f"label,{pixels}\n" + commas(np.hstack([y, flat])),
                    f"{pixels}\n" + commas(flat),
                    f"{sides},class\n" + commas(np.hstack([flat, y])),
                    ",".join(f"pixel{k}" for k in by_name) + "\n" + commas(flat[:, by_name]),
                    "," + ",".join(map(str, range(64))) + "\n" + commas(np.hstack([y, flat])),  # with pandas' index
                    ",".join(map(str, range(64))) + "\n" + commas(flat),
                )
            )
        ),
    ]
    for way in ways:
        np.testing.assert_array_equal(read_examples(way, digits8.signature).x, flat)
    told = [line.rpartition(": not used: ")[2] for line in capsys.readouterr().err.splitlines()]
    assert told == ["column 1", "column 65", "label", "class", "column 1"]


def test_truth_values_are_ink_or_none(digits8: Trained, tmp_path: Path) -> None:
    ink = raw(digits8, 5) > 7
    got = read_examples([array(tmp_path / "a.npy", ink.reshape(-1, 8, 8))], digits8.signature)
    np.testing.assert_array_equal(got.x, 16.0 * ink)


@pytest.mark.parametrize("name", ["spiral", "xor", "digits8"])
def test_raw_values_are_scaled_as_in_the_training_and_predicted_as_by_the_run(
    request: pytest.FixtureRequest, name: str
) -> None:
    trained: Trained = request.getfixturevalue(name)
    raw = SOURCES[trained.recipe.source].read(trained.root / "data/raw" / trained.recipe.source)
    _, rows = open_split(trained.root / "data/split" / trained.recipe.name)
    test = RawExamples([str(row) for row in rows["test"]], raw.x[rows["test"]].astype(np.float64))
    np.testing.assert_array_equal(trained.signature.inputs(test), trained.dataset.test.x)

    found = predictions(trained.model, trained.signature, test)
    recorded = read_npz(trained.folder / "predictions.npz", 1 << 20)
    assert [one.label for one in found] == [trained.dataset.labels[label] for label in recorded["predicted"]]
    np.testing.assert_allclose([one.probability for one in found], recorded["probability"], rtol=1e-5)


def raw(trained: Trained, count: int) -> np.ndarray:
    """The first images of its source, [count, features]."""
    return SOURCES["digits"].read(trained.root / "data/raw/digits").x[:count].astype(np.int64)


def idx(path: Path, images: np.ndarray) -> str:
    path.write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, *images.shape) + images.astype(np.uint8).tobytes())
    return str(path)


Content = tuple[str, ...] | str | bytes | np.ndarray  # arguments; or what a table, a picture or an array holds
MISTAKES: list[tuple[str, Content, str]] = [
    ("spiral", ("X1=1",), "X2 missing; this model takes the values of X1, X2"),
    ("spiral", ("X1=1", "X2=1", "X1=2"), "X1=2: a second value of X1; put several examples into a .csv file"),
    ("spiral", ("X1=1", "X2=one"), "X2=one: not a number"),
    ("spiral", ("X1=1_0", "X2=1"), "X1=1_0: not a number"),
    ("spiral", ("X1=", "X2=1"), "X1=: not a number"),
    ("spiral", ("X1=1", "X2=nan"), "X1=1 X2=nan: X2 is nan; a finite number is needed"),
    ("spiral", ("X1=-inf", "X2=1"), "X1 is -inf; a finite number is needed"),
    ("spiral", ("X1=1", "x2=1"), "x2=1: not a feature of this model; did you mean X2? (allowed: X1, X2)"),
    ("spiral", ("X3=1",), "X3=1: not a feature of this model"),
    ("spiral", ("=1",), "=1: not a feature of this model; allowed: X1, X2"),
    ("digits8", ("X1=1",), "the values of this model have no names; it takes pictures of a digit"),
    ("spiral", ("no/such.csv",), "no/such.csv: no such file"),
    ("digits8", ("no/such.png",), "no/such.png: no such file"),
    ("spiral", ("/dev",), "/dev: a folder; give the files in it"),
    ("spiral", ("/dev/null",), "/dev/null: not a regular file"),
    ("spiral", "", "an empty file"),
    ("spiral", "\n \n", "no lines"),
    ("spiral", "\n \n,\n", "bad.csv:3: all cells are empty; remove this line"),
    ("spiral", "X1,X2\n1,2\n,\n1,2\n", "bad.csv:3: all cells are empty; remove this line"),
    ("spiral", "X1,X2\n", "no line after the header"),
    ("spiral", "X1,x3\n1,2\n", "bad.csv:1: no column named X2, among 'X1', 'x3'"),
    ("spiral", "X1,X2,X1\n1,2,3\n", "bad.csv:1: 2 columns named X1"),
    ("spiral", "X1,X2\n1,2\n\n1\n", "bad.csv:4: 1 columns; 2 are expected"),
    ("spiral", "X1,X2\n1,2,3\n", "bad.csv:2: 3 columns; 2 are expected"),
    ("spiral", "1,2,3\n", "bad.csv:1: 3 columns; 2 are expected"),
    ("spiral", "X1,label,X2\n1,a,2\n1,a,b\n", "bad.csv:3: column 3, X2: 'b' is not a number"),
    ("spiral", "X1,X2\n1,2\n1,\n", "bad.csv:3: column 2, X2: '' is not a number"),
    ("spiral", "1,2\n1,two\n", "bad.csv:2: column 2, X2: 'two' is not a number"),
    ("spiral", "1,2\n1,nan\n", "bad.csv:2: X2 is nan; a finite number is needed"),
    ("spiral", "X1,X2\n1,inf\n", "bad.csv:2: X2 is inf; a finite number is needed"),
    ("spiral", 'X1,X2\n1,"2\n', "bad.csv:2: not comma-separated values"),
    ("spiral", 'X1,X2\n1,"2"3\n', "bad.csv:2: not comma-separated values"),
    ("spiral", "X1;X2\n0,1;0,2\n", "bad.csv:2: column 1, X1: '0,1' is not a number; the decimal mark is a point"),
    ("spiral", "X1,X2\n\udcff,1\n", "bad.csv: not UTF-8 text"),
    ("digits8", "a,b\n1,2\n", "it takes 64 columns without a header"),
    ("spiral", np.zeros((4, 3)), "its shape is [4, 3]; this model takes [2], [n, 2]"),
    ("spiral", np.zeros((0, 2)), "its shape is [0, 2]"),
    ("spiral", np.array(1.0), "its shape is []"),
    ("spiral", np.zeros((1, 1, 2)), "its shape is [1, 1, 2]"),
    ("spiral", np.array(["a", "b"]), "its dtype is <U1; integers or floats are expected"),
    ("spiral", np.zeros(2, complex), "its dtype is complex128"),
    ("spiral", np.zeros(2, bool), "its dtype is bool"),
    ("spiral", np.zeros(2, "m8[s]"), "its dtype is timedelta64"),
    ("spiral", np.zeros(2, [("a", "f8")]), "its dtype is "),
    ("spiral", np.array([[1, 2], [3, np.nan]]), "bad.npy[1]: X2 is nan; a finite number is needed"),
    ("digits8", 17 * np.eye(2, 64), "bad.npy[0]: value 1 is 17; raw values of digits are 0 to 16"),
    ("digits8", -np.eye(2, 64, 3), "bad.npy[0]: value 4 is -1; raw values of digits are 0 to 16"),
    ("digits8", np.eye(2, 64) / 2, "its values are 0 to 0.5, those of the training data 0 to 16: multiply them by 16"),
    ("spiral", b"a picture", "this model takes no pictures, but the values of X1, X2: as X1=0.1 X2=0.1"),
    ("digits8", b"a picture", "bad.png: not a picture of a known format"),
    ("digits8", b"\0\0\0\x18ftypheic\0\0\0\0", "bad.png: a HEIC or AVIF picture; convert it: `heif-convert "),
    ("digits8", b"MM\0*\0\0\0\x08", "bad.png: a TIFF picture; convert it: `python -c "),
    ("digits8", b"\x1f\x8b\x08", "bad.png: compressed; unpack it: `gunzip "),
    ("spiral", b"PK\3\4", "bad.png: an archive or a workbook; save a sheet as CSV"),
    ("digits8", np.zeros((2, 8, 8, 3)), "its shape is [2, 8, 8, 3]; this model takes [64], [n, 64], [8, 8], [n, 8, 8]"),
    ("digits8", b"", "bad.png: an empty file"),
]


@pytest.mark.parametrize(("model", "content", "message"), MISTAKES, ids=[message for *_, message in MISTAKES])
def test_a_mistake_gets_one_line_with_its_place(
    request: pytest.FixtureRequest, tmp_path: Path, model: str, content: Content, message: str
) -> None:
    arguments = content
    match content:
        case str():
            arguments = [table(tmp_path / "bad.csv", content)]
        case bytes():
            arguments = [str(tmp_path / "bad.png")]
            Path(arguments[0]).write_bytes(content)
        case np.ndarray():
            arguments = [array(tmp_path / "bad.npy", content)]
    assert message in refusal(read_examples, arguments, request.getfixturevalue(model).signature)


def test_a_number_that_is_too_large_is_refused_by_scaling_or_network(spiral: Trained) -> None:
    for value, message in (("1e300", "X2=1e+300 is too large a number"), ("1e38", "too large for the network")):
        examples = read_examples(["X1=0", f"X2={value}"], spiral.signature)
        found = refusal(predictions, spiral.model, spiral.signature, examples)
        assert f"X1=0 X2={value}: " in found
        assert message in found


def test_an_array_of_objects_or_whose_header_claims_more_than_its_file_holds_is_refused(
    spiral: Trained, tmp_path: Path
) -> None:
    path = tmp_path / "bad.npy"
    np.save(path, np.array([{}, 1]), allow_pickle=True)
    assert "bad.npy: its dtype is object" in refusal(read_examples, [str(path)], spiral.signature)
    for shape in ((1 << 60, 2), (-1, -2), (1, 2), (3, 2)):
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
            file.write(b"\0" * 32)
        assert "bad.npy: damaged" in refusal(read_examples, [str(path)], spiral.signature)
    np.save(path, POINTS)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert "bad.npy" in refusal(read_examples, [str(path)], spiral.signature)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["x.csv", "x.npy", "x.png"]), data=st.binary(max_size=200), valid_start=st.booleans())
def test_any_bytes_are_read_or_refused(
    spiral: Trained, digits8: Trained, tmp_path: Path, name: str, data: bytes, valid_start: bool
) -> None:
    starts = {
        "x.csv": b"X1,X2\n0.1,0.2\n",
        "x.npy": b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f8'",
        "x.png": b"\x89PNG\r\n\x1a\n",
    }
    (tmp_path / name).write_bytes(starts[name] * valid_start + data)
    for signature in (spiral.signature, digits8.signature):
        got = None
        with contextlib.suppress(UserError):
            got = read_examples([str(tmp_path / name)], signature)
        if got is not None:
            assert got.x.shape == (len(got.names), signature.count)
            assert np.isfinite(got.x).all()


@pytest.mark.parametrize("name", ["p.csv", "p.npy", "p.png"])
def test_a_file_that_is_too_long_is_not_read(
    digits8: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(inputs, "LARGEST", {".csv": 9, ".npy": 9})
    monkeypatch.setattr(own_images, "MOST_BYTES", 9)
    (tmp_path / name).write_bytes(b"1" * 10)
    message = refusal(read_examples, [str(tmp_path / name)], digits8.signature)
    assert message.startswith(str(tmp_path / name))
    assert message.endswith("10 bytes; allowed: at most 9")
