"""Tables of one's own are read to the digit, and what is wrong in them is named with its line."""

import csv
import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.originals import digest_of
from src.data.recipe import Recipe
from src.data.sources import open_source
from src.data.splits import Split
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
