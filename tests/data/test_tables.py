"""Tables of one's own are read to the digit, and what is wrong in them is named with its line."""

import csv
import dataclasses
import io
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.dataset import PARTS
from src.data.originals import digest_of
from src.data.prepared import Prepared
from src.data.recipe import Recipe
from src.data.recipes import STAGES, make, prepare
from src.data.sources import open_source
from src.data.splits import Split, cut, open_split
from tests.helpers.refusals import refusal

HALVES = Split(0.5, 0.25, 0.25, stratify=False)


def recipe(path: Path, **changes: Any) -> Recipe:
    settings: dict[str, Any] = {"label": "class", "labels": ("a", "b"), "columns": {"x": "number"}, "path": str(path)}
    return Recipe("mine", "table", HALVES, **{"scaling": "per_feature", "sha256": digest_of(path)} | settings | changes)


def read(text: str | bytes, folder: Path, **changes: Any) -> Any:
    file = folder / "mine.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(recipe(file, **changes))
    source.fetch(folder / "raw" / "mine", None)
    return source.read(folder / "raw" / "mine")


NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,25})?(e[+-]?[0-9]{1,2})?", fullmatch=True)
    | st.sampled_from([" 1.5 ", "1_000", ".5", "5.", "-0", "1E5", "1700000000123456789", "2.2250738585072011e-308"])
)


@given(numbers=st.lists(NUMBERS, min_size=1, max_size=9))
def test_numbers_have_the_digits_of_float(numbers: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    text = "x,class\n" + "".join(f"{number},a\n" for number in numbers)
    x = read(text, tmp_path_factory.mktemp("table")).x
    assert x[:, 0].tolist() == [float(number) for number in numbers]


CELLS = st.text("ab ,;\"'\n\r$é{}", min_size=1, max_size=6).filter(lambda cell: cell.strip())


@given(cells=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), separator=st.sampled_from(",;\t|"))
def test_any_text_is_a_category_or_a_label(
    cells: list[tuple[str, str]], separator: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = io.StringIO()
    labels = (*sorted({label for _, label in cells}), "another")
    csv.writer(content, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("x", "class"), *cells])
    folder, own = tmp_path_factory.mktemp("table"), {"columns": {"x": "category"}, "separator": separator}
    raw = read(content.getvalue(), folder, labels=labels, **own)
    assert [raw.categories[0][int(code)] for code in raw.x[:, 0]] == [text for text, _ in cells]
    assert [labels[index] for index in raw.y] == [label for _, label in cells]


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("\ufeffx,class\r\n1,a\r\n2,b\r\n", [1, 2]),
        ("class,y,x\na,7,1\nb,8,2\n", [1, 2]),  # in any order, with columns that are not used
        ("x,class\n\n1,a\n\n2,b", [1, 2]),
        ('x,class\n"1",a\n"2","b"\n', [1, 2]),
    ],
)
def test_what_editors_and_spreadsheets_write_is_read(text: str, x: list[float], tmp_path: Path) -> None:
    raw = read(text, tmp_path)
    assert raw.x[:, 0].tolist() == x
    assert raw.y.tolist() == [0, 1]


LONG = "x,class\n" + "1,a\n" * 200_000
WRONG: list[tuple[str | bytes, dict[str, Any], str]] = [
    ("x,class\n1,a\n1,2,3\n", {}, "line 3 has 3 cells, the first line has 2"),
    ("x,class\n1,a\n1\n", {}, "line 3 has 1 cells, the first line has 2"),
    (LONG + "oops,a\n", {}, "line 200,002: x=oops: not a number"),
    ("x,class\nNA,a\n", {}, "line 2: x=NA: not a number"),
    ("x,class\n1,a\n\n1e999,b\n", {}, "line 4: x=1e999: too large"),
    ('x,note,class\n1,"two\nlines",a\n?,,b\n', {}, "line 4: x=?: not a number"),
    ("x,class\n1,a\n,b\n", {}, "line 3: x is empty; allowed: a value, or data.missing=mean or drop"),
    ("x,class\n1,\n", {}, "line 2: class is empty"),
    ("x,class\n1,\n", {"missing": "mean"}, "line 2: class is empty"),
    ("x,class\n1,A\n", {}, "line 2: class=A: not in data.labels"),
    ("x,klass\n1,a\n", {}, "no column class; did you mean klass?"),
    ("x,x,class\n1,2,a\n", {}, "two columns are called x"),
    ("x,,class\n1,2,a\n", {}, "column 2 has no name"),
    ("", {}, "an empty file"),
    ("x,class\n", {}, "no examples"),
    (b"x,class\n1,a\n1,\xff\n", {}, "line 3: it is not UTF-8"),
    ("x,class\n1,a\n".encode("utf-16"), {}, "save the file as UTF-8"),
    ('class,x\na,1\nb,"2\na,3\n', {"columns": {"x": "category"}}, "a quotation mark is never closed"),
    ('class,x\na,"1\n' + "b,2\n" * 2_100_000, {"columns": {"x": "category"}}, "quotation mark never closed?"),
    ("x;class\n1.234;a\n", {"separator": ";", "decimal": ","}, "line 2: x=1.234: has a point"),
]


@pytest.mark.parametrize(("text", "changes", "expected"), WRONG)
def test_what_is_wrong_in_a_table_is_named_with_its_line(
    text: str | bytes, changes: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    assert expected in refusal(read, text, tmp_path, **changes)


def test_a_decimal_comma_is_read_where_the_recipe_says_so(tmp_path: Path) -> None:
    assert read("x;class\n1,5;a\n-2,5e3;b\n", tmp_path, separator=";", decimal=",").x[:, 0].tolist() == [1.5, -2500]


def test_rows_with_missing_values_are_left_out_on_request(tmp_path: Path) -> None:
    raw = read("x,class\n1,a\n,b\n3,\nnan,a\n5,b\n", tmp_path, missing="drop")
    assert (raw.x[:, 0].tolist(), raw.y.tolist()) == ([1, 5], [0, 1])
    source = open_source(recipe(tmp_path / "mine.csv", missing="drop"))
    assert source.marks is not None
    assert source.marks(tmp_path / "raw" / "mine").y.tolist() == [0, 1]


def test_a_changed_or_lost_original_stops_fetch_unless_a_copy_is_enough(tmp_path: Path) -> None:
    read("x,class\n1,a\n2,b\n", tmp_path)
    file, folder = tmp_path / "mine.csv", tmp_path / "raw" / "mine"
    mine = recipe(file)
    copy = (folder / "original").read_bytes()
    file.write_text("x,class\n1,a\n2,b\n3,a\n")
    message = refusal(open_source(mine).fetch, folder, None)
    assert re.search(r"mine\.csv has changed: 16 bytes before, 20 now; .*src\.add data mine --update", message)
    assert (folder / "original").read_bytes() == copy
    file.unlink()
    open_source(mine).fetch(folder, None)
    (folder / "original").write_text("damaged")
    assert "src.fetch" in refusal(open_source(mine).read, folder)
    assert "data.sha256=null" in refusal(open_source(recipe(folder / "original", sha256=None)).fetch, folder, None)


COLOURS = ("red", "blue", "green", "a=b", "")


def made(text: str, folder: Path, **changes: Any) -> tuple[Prepared, dict[str, np.ndarray]]:
    """A table's prepared arrays, and the rows of each set."""
    folder.mkdir(exist_ok=True)
    (folder / "mine.csv").write_text(text)
    mine = recipe(folder / "mine.csv", **changes)
    make(mine, *STAGES, root=folder)
    return prepare(mine, folder), open_split(folder / "data" / "split" / "mine")[1]


def test_numbers_are_scaled_and_categories_are_one_hot_as_fitted_on_the_training_set(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    numbers, colours = random.normal(1e13, 1e3, 60), random.choice(COLOURS, 60)
    numbers[7] = np.nan
    pairs = enumerate(zip(numbers.tolist(), colours, strict=True))
    lines = [f"{'' if a != a else a},{b},{'ab'[k % 2]}" for k, (a, b) in pairs]
    own = {"columns": {"x": "number", "colour": "category"}, "missing": "mean"}
    dataset, rows = made("\n".join(["x,colour,class", *lines]), tmp_path, **own)
    seen = sorted({*colours[rows["train"]]} - {""})
    assert dataset.features == ("x", *(f"colour={colour}" for colour in seen))
    train = numbers[rows["train"]]
    mean = Fraction(sum(map(Fraction, train[~np.isnan(train)]))) / int((~np.isnan(train)).sum())
    filled = [mean if np.isnan(value) else Fraction(value) for value in train]
    deviation = math.sqrt(sum((value - mean) ** 2 for value in filled) / len(filled))
    assert dataset.scaling["center"][0] == pytest.approx(float(mean), rel=1e-15)
    assert dataset.scaling["scale"][0] == pytest.approx(deviation, rel=1e-12)
    assert dataset.scaling["center"][1:] == [0] * len(seen)
    assert dataset.scaling["scale"][1:] == [1] * len(seen)
    for part in PARTS:
        x = getattr(dataset, part).x
        expected = np.where(np.isnan(numbers), float(mean), numbers)[rows[part]]
        np.testing.assert_allclose(x[:, 0], (expected - float(mean)) / deviation, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(x[:, 1:], colours[rows[part]][:, None] == np.array(seen))


def test_a_category_that_train_lacks_is_all_zeros_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["c,class", *(f"c{k},{'ab'[k % 2]}" for k in range(20))]  # each row has a category of its own
    dataset, _ = made("\n".join(lines), tmp_path, columns={"c": "category"})
    assert dataset.train.x.sum(axis=1).tolist() == [1] * 10
    assert not dataset.test.x.any()
    assert "data mine: 5 examples of the test set have a c that the training set lacks" in capsys.readouterr().err


@pytest.mark.parametrize("scale", [1e-7, 1e-300, 1.0, 1e13, 1e300])
@pytest.mark.parametrize("kind", ["per_feature", "standard"])
def test_columns_of_any_size_are_scaled_to_mean_0_and_deviation_1(kind: str, scale: float, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(3, 1, 200) * scale
    text = "x,class\n" + "".join(f"{value!r},{'ab'[k % 2]}\n" for k, value in enumerate(x.tolist()))
    dataset, _ = made(text, tmp_path, scaling=kind, dtype="float64")
    assert abs(dataset.train.x.mean()) < 1e-14
    assert dataset.train.x.std() == pytest.approx(1, rel=1e-14)


def test_nanoseconds_are_scaled_though_their_differences_are_small(tmp_path: Path) -> None:
    start, steps = 1_700_000_000_000_000_000, np.arange(200) * 1_000_000_000
    text = "x,class\n" + "".join(f"{start + step},{'ab'[k % 2]}\n" for k, step in enumerate(steps.tolist()))
    dataset, rows = made(text, tmp_path, dtype="float64")
    train = steps[rows["train"]].astype(np.float64)
    np.testing.assert_allclose(dataset.train.x[:, 0], (train - train.mean()) / train.std(), atol=1e-7)


def test_names_and_order_of_labels_and_columns_are_part_of_the_digest_and_other_files_are_the_same(
    tmp_path: Path,
) -> None:
    rows = [(k % 7, k % 5, "ab"[k % 2]) for k in range(40)]
    own = {"columns": {"x": "number", "y": "number"}, "labels": ("a", "b")}
    lines = [f"{x},{y},{label}" for x, y, label in rows]
    same = ["x,y,class", *lines], ["x,y,class", *(line.replace(",", " , ", 1) for line in lines)]
    one, spaced = (made("\n".join(text), tmp_path / str(k), **own)[0] for k, text in enumerate(same))
    assert (one.sha256, one.raw_test_sha256) == (spaced.sha256, spaced.raw_test_sha256)
    renamed = [line.replace(",b", ",c") for line in lines]
    others = [
        made("\n".join(["x,y,class", *renamed]), tmp_path / "c", **own | {"labels": ("a", "c")})[0],
        made("\n".join(["x,z,class", *lines]), tmp_path / "z", **own | {"columns": {"x": "number", "z": "number"}})[0],
    ]
    assert len({dataset.sha256 for dataset in (one, *others)}) == 3
    assert len({dataset.raw_test_sha256 for dataset in (one, *others)}) == 3
    for dataset in others:  # though the arrays are equal
        np.testing.assert_array_equal(dataset.train.x, one.train.x)


def test_the_digest_of_the_raw_test_set_ignores_scaling_dtype_and_the_training_set(tmp_path: Path) -> None:
    text = "x,class\n" + "".join(f"{k},{'ab'[k % 2]}\n" for k in range(40))
    changes: list[dict[str, Any]] = [{}, {"scaling": "none"}, {"dtype": "float64"}]
    changes += [{"split": Split(0.4, 0.25, 0.25, stratify=False)}, {"seed": 1}]
    digests = []
    for k, change in enumerate(changes):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "mine.csv").write_text(text)
        mine = dataclasses.replace(recipe(tmp_path / str(k) / "mine.csv"), **change)
        digests.append(prepare(mine, tmp_path / str(k)).raw_test_sha256)
    assert len({*digests[:4]}) == 1
    assert digests[4] != digests[0]


@given(
    data=st.data(),
    sizes=st.lists(st.integers(1, 9), min_size=6, max_size=30),
    stratify=st.booleans(),
    seed=st.integers(0, 99),
)
def test_groups_are_never_divided_and_sets_have_about_their_sizes(
    data: st.DataObject, sizes: list[int], stratify: bool, seed: int
) -> None:
    group = np.repeat(np.arange(len(sizes)), sizes)
    y = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(group), max_size=len(group))), np.int64)
    parts = cut(y, Split(0.5, 0.25, 0.25, stratify=stratify), seed, group=group)
    held = [set(group[rows].tolist()) for rows in parts.values()]
    assert all(held)
    assert sum(map(len, held)) == len(set.union(*held)) == len(sizes)
    if not stratify:
        for part, share in (("train", 0.5), ("valid", 0.25), ("test", 0.25)):
            assert abs(len(parts[part]) - share * len(y)) <= 2 * max(sizes)
    again = cut(y, Split(0.5, 0.25, 0.25, stratify=stratify), seed, group=group)
    assert all(np.array_equal(parts[part], again[part]) for part in PARTS)


def test_a_split_by_groups_keeps_the_proportions_of_the_classes() -> None:
    random = np.random.default_rng(0)
    group = np.sort(random.integers(0, 200, 3000))
    y = (random.random(3000) < np.where(group % 4 == 0, 0.9, 0.1)).astype(np.int64)
    for part in cut(y, Split(0.7, 0.15, 0.15), 0, group=group).values():
        assert y[part].mean() == pytest.approx(y.mean(), abs=0.02)


def test_too_few_groups_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    own = {"group": "who"}
    text = "x,who,class\n" + "".join(f"{k},{'uv'[k % 2]},{'ab'[k % 2]}\n" for k in range(40))
    assert "2 groups for 3 sets" in refusal(made, text, tmp_path / "1", **own)
    assert "data.split.draw=choice" in refusal(
        dataclasses.replace, recipe(tmp_path / "1" / "mine.csv", **own), split=Split(1, 1, 1, False, draw="choice")
    )


def test_a_second_file_is_the_test_set_in_any_order_of_columns(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("x,c,class\n" + "".join(f"{k},u,{'ab'[k % 2]}\n" for k in range(30)))
    test.write_text("class,x,c\nb,100,v\na,200,u\n")
    own = {"columns": {"x": "number", "c": "category"}, "test_path": str(test), "sha256": digest_of(train, test)}
    split = Split(20, 10, 2, published_test=True)
    mine = dataclasses.replace(recipe(train, **own, scaling="none"), split=split)
    make(mine, *STAGES, root=tmp_path)
    dataset = prepare(mine, tmp_path)
    assert dataset.test.x.tolist() == [[100, 0], [200, 1]]
    assert dataset.test.y.tolist() == [1, 0]
    assert dataset.train.x[:, 0].max() < 30
    other = dataclasses.replace(mine, split=Split(20, 9, 3, published_test=True))
    assert "must be 2" in refusal(make, other, "split", root=tmp_path)


def parquet(columns: dict[str, Any], file: Path) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), file, row_group_size=3)
    return file


def test_a_parquet_file_is_read_as_its_text_would_be(tmp_path: Path) -> None:
    text = "x,n,c,class\n0.1,9007199254740993,u,1\n,2,v,0\n1e-300,3,,1\n5,4,u,0\n"
    columns = {
        "x": pyarrow.array([0.1, None, 1e-300, 5]),
        "n": pyarrow.array([9007199254740993, 2, 3, 4]),
        "c": pyarrow.array(["u", "v", None, "u"]).dictionary_encode(),
        "class": pyarrow.array([1, 0, 1, 0]),
        "not used": pyarrow.array([[1]] * 4),
    }
    own = {"columns": {"x": "number", "n": "number", "c": "category"}, "labels": ("0", "1"), "missing": "mean"}
    one = read(text, tmp_path, **own)
    mine = recipe(parquet(columns, tmp_path / "mine.parquet"), **own)
    open_source(mine).fetch(tmp_path / "raw" / "parquet", None)
    other = open_source(mine).read(tmp_path / "raw" / "parquet")
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.y, other.y)
    assert (one.columns, one.categories) == (other.columns, other.categories)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"x": pyarrow.array(["1", "b"]), "class": ["a", "b"]}, "row 2: x=b: not a number"),
        ({"x": pyarrow.array([1, 2], "timestamp[ns]"), "class": ["a", "b"]}, "x has values of the type timestamp"),
        ({"x": [1.0, math.inf], "class": ["a", "b"]}, "row 2: x=inf: too large"),
        ({"x": [1, 2], "class": [["a"], ["b"]]}, "a column has values of the type list"),
        ({"x": [1, 2], "class": ["a", "c"]}, "row 2: class=c: not in data.labels"),
        ({"x": [1, None], "class": ["a", "b"]}, "row 2: x is empty"),
    ],
)
def test_what_is_wrong_in_a_parquet_file_is_named(columns: dict[str, Any], expected: str, tmp_path: Path) -> None:
    mine = recipe(parquet(columns, tmp_path / "mine.parquet"))
    open_source(mine).fetch(tmp_path / "raw", None)
    assert expected in refusal(open_source(mine).read, tmp_path / "raw")


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    file = parquet({"x": [1, 2], "class": ["a", "b"]}, tmp_path / "mine.parquet")
    file.write_bytes(file.read_bytes()[:-9])
    open_source(recipe(file)).fetch(tmp_path / "raw", None)
    assert "not a valid Parquet file" in refusal(open_source(recipe(file)).read, tmp_path / "raw")
