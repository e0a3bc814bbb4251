"""Looking at tables: separators, kinds, classes, missing values; and each mistake in one line that says what to do."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from src.adding.found import Found
from src.adding.tables import survey
from src.adding.tally import Asked
from tests.helpers.refusals import refusal

LABELS = ("no", "yes", "${x}")
HEADER = "x,colour,class"
ROWS = [f"{k / 4},{('red', 'blue', 'green')[k % 7 % 3]},{LABELS[k % 3]}" for k in range(60)]
CLASS = Asked("class")


def table(folder: Path, rows: Iterable[str] = ROWS, header: str = HEADER, end: str = "\n") -> Path:
    path = folder / "mine.csv"
    path.write_bytes("".join(f"{line}{end}" for line in (header, *rows)).encode())
    return path


def columns(found: Found) -> dict[str, str]:
    kinds: dict[str, str] = found.keys["columns"]
    return kinds


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_separator_is_the_one_that_gives_each_row_equally_many_cells(
    separator: str, end: str, tmp_path: Path
) -> None:
    others = [mark for mark in (",", ";", "\t", "|") if mark != separator]
    rows = [separator.join([f'"{k} {others[k % 3] * (k % 5)}"', str(k), "ab"[k % 2]]) for k in range(20)]
    path = table(tmp_path, rows, separator.join(['"name, or id"', "x", "class"]), end)
    found = survey(path, Asked("class", leave_out=["name, or id"]))
    assert found.keys["separator"] == separator
    assert columns(found) == {"x": "number"}
    assert found.classes == {"a": 10, "b": 10}


def test_kinds_classes_and_counts(tmp_path: Path) -> None:
    found = survey(table(tmp_path, [*ROWS, ROWS[0], ROWS[5]]), CLASS)
    assert columns(found) == {"x": "number", "colour": "category"}
    assert found.keys["labels"] == ["${x}", "no", "yes"]
    assert found.classes == {"${x}": 21, "no": 21, "yes": 20}
    assert (found.features, found.examples, found.test) == (4, 62, 0)
    assert found.lines["repeated"] == "2 equal to an earlier line"
    assert found.lines["missing"] == "none"


def test_what_the_user_says_goes_first(tmp_path: Path) -> None:
    rows = [f"{k % 4},{k},{k // 2},{10 * (k % 3)}" for k in range(60)]
    path = table(tmp_path, rows, "code,id,patient,class")
    found = survey(path, Asked("class", group="patient", category=["code"], leave_out=["id"]))
    assert columns(found) == {"code": "category"}
    assert (found.keys["group"], found.features) == ("patient", 4)
    assert found.keys["labels"] == ["0", "10", "20"]  # numbers in their order
    assert found.lines["groups"] == "30, each in one set"
    assert found.lines["left out"] == "id"


@pytest.mark.parametrize("spelled", ["1.5", " 1.5 ", "+1.5e0", "1_5", "1e-320", "-0", '"1.5"'])
def test_numbers_are_what_float_reads(spelled: str, tmp_path: Path) -> None:
    assert columns(survey(table(tmp_path, [*ROWS, f"{spelled},red,no"]), CLASS))["x"] == "number"


def test_a_decimal_comma_is_given_not_guessed(tmp_path: Path) -> None:
    path = table(tmp_path, [f"{k},5;{'ab'[k % 2]}" for k in range(20)], "x;class")
    assert "decimal comma, such as 0,5; add --decimal ','" in refusal(survey, path, CLASS)
    found = survey(path, Asked("class", decimal=","))
    assert (columns(found), found.keys["decimal"]) == ({"x": "number"}, ",")


@pytest.mark.parametrize("empty", ["", " ", '""', "nan"])
def test_missing_values_are_counted_and_need_a_word_of_the_user(empty: str, tmp_path: Path) -> None:
    path = table(tmp_path, [*ROWS, f"{empty},red,no", f"{empty},,no"])
    assert "3 cells are empty (x 2, colour 1); allowed: --missing mean" in refusal(survey, path, CLASS)
    assert survey(path, Asked("class", missing="mean")).classes["no"] == 22
    found = survey(path, Asked("class", missing="drop"))
    assert found.classes["no"] == 20
    assert found.lines["missing"] == "x 2, colour 1; 2 rows are left out"


def test_rows_without_a_label_are_left_out_if_the_user_says_so(tmp_path: Path) -> None:
    path = table(tmp_path, ["1,red,", *ROWS, "1,red, "])
    assert "line 2: class is empty, the first of 2" in refusal(survey, path, CLASS)
    assert survey(path, Asked("class", missing="drop")).examples == 60


def test_a_test_set_of_its_own_has_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    test = table(tmp_path / "other", [*ROWS[:10], "1,pink,maybe"])
    found = survey(table(tmp_path), CLASS, test)
    assert (found.examples, found.test, found.keys["labels"]) == (60, 11, ["${x}", "maybe", "no", "yes"])
    assert found.warnings == ("maybe: only in the test set; the network will never have seen an example",)
    assert "no column colour" in refusal(survey, table(tmp_path), CLASS, table(tmp_path / "other", ["1,no"], "x,class"))
    test = table(tmp_path / "other", [*ROWS[:10], "many,red,no"])
    assert "line 12: x=many: not a number" in refusal(survey, table(tmp_path), CLASS, test)


def test_a_parquet_file_has_its_own_types(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    k = np.arange(30)
    columns_of = {
        "whole": pa.array(k),
        "x": pa.array([None if i == 3 else i / 2 for i in range(30)]),
        "flag": pa.array((k % 2).astype(bool)),
        "colour": pa.array([("red", "blue")[i % 2] for i in k]).dictionary_encode(),
        "day": pa.array(k.astype("datetime64[D]")),
        "class": pa.array(k % 3),
    }
    parquet.write_table(pa.table(columns_of), path)
    assert "day has dates" in refusal(survey, path, CLASS)
    found = survey(path, Asked("class", leave_out=["day"], missing="mean"))
    assert columns(found) == {"whole": "number", "x": "number", "flag": "category", "colour": "category"}
    assert found.keys["labels"] == ["0", "1", "2"]
    parquet.write_table(pa.table(columns_of | {"class": pa.array([["a"]] * 30)}), path)
    assert "mine.parquet: class: a column has values of the type list" in refusal(survey, path, CLASS)


MISTAKES = {
    "no label given": (ROWS, HEADER, Asked(), "--label is missing; allowed: one of .*: x, colour, class"),
    "no such label": (ROWS, HEADER, Asked("clas"), "--label clas: no such column in .*; did you mean class?"),
    "no such group": (ROWS, HEADER, Asked("class", group="patient"), "--group patient: no such column"),
    "group is label": (ROWS, HEADER, Asked("class", group="class"), "--group class: the label"),
    "two groups": ([f"{k},{k % 2},{k % 3}" for k in range(30)], HEADER, Asked("class", "colour"), "the groups 0, 1; "),
    "nothing left": (ROWS, HEADER, Asked("class", leave_out=["x", "colour"]), "no column is left besides the label"),
    "no header": (["1,2,a"], "0.5,1.5,a", Asked("class"), "its first line has values, not names of columns"),
    "an index": ([f"{k},{k},a" for k in range(9)], ",x,class", CLASS, "column 1 has no name; .*index=False"),
    "for a spreadsheet": (["a,b", "1,2"], "sep=,", CLASS, "its first line, sep=, is for a spreadsheet; remove it"),
    "one column": (["a"], "class", CLASS, "its first line has one cell"),
    "twice": (["1,2,a"], "x,x,class", CLASS, "two columns are called x"),
    "long": (["1,2", "1,2,3"], "a,b", Asked("a"), "line 3 has 3 cells, the first line has 2"),
    "short": ([*ROWS, "1"], HEADER, CLASS, "line 62 has 1 cells, the first line has 3"),
    "one class": (["1,red,a"] * 9, HEADER, CLASS, r"class: 1 class \(a\); allowed: 2 to 1,000"),
    "a rare class": ([*ROWS, "1,red,a"], HEADER, CLASS, "the class a has 1 example, line 62; allowed: at least 3"),
    "rare classes": (
        [*ROWS, "1,red,b", "1,red,a", "1,red,a"], HEADER, CLASS,
        "the class a has 2 examples, line 63; and 1 other classes with fewer than 3; allowed: at least 3",
    ),
    "two examples": ([*ROWS, "1,red,a", "", "1,red,a"], HEADER, CLASS, "the class a has 2 examples, line 62; allowed"),
    "two marks": (
        [*(f"{k},5;{'ab'[k % 2]}" for k in range(20)), "1.234;a"], "x;class", Asked("class", decimal=","),
        "line 22: x=1.234: has a point, but --decimal is ','",
    ),
    "no rows": ([], HEADER, CLASS, "no rows below the first line"),
    "text": ([*ROWS * 1700, "oops,red,no"], HEADER, CLASS, "line 102,002: x=oops: not a number; .*--category x"),
    "NA": (["NA,red,no"] * 3 + ROWS, HEADER, CLASS, r"line 2: x=NA: not a number \(3 of 63 values are not\); .*empty"),
    "infinite": (["inf,red,no", *ROWS], HEADER, CLASS, "line 2: x=inf: allowed: finite numbers"),
    "dates": ([f"2024-01-{k + 1:02},{'ab'[k % 2]}" for k in range(30)], "day,class", CLASS, "day has dates, such as"),
    "times": ([f"{k}.3.2024 10:30,{'ab'[k % 2]}" for k in range(30)], "day,class", CLASS, "day has dates, such as 0.3"),
    "thousands": ([f'"{k},000",{"ab"[k % 2]}' for k in range(30)], "x,class", CLASS, "numbers with marks between"),
    "empty column": ([f",{'ab'[k % 2]}" for k in range(30)], "x,class", CLASS, "x is empty in each row"),
    "names": ([f"n{k},{'ab'[k % 2]}" for k in range(30)], "the name,class", CLASS, "--leave-out 'the name'"),
    "with a unit": ([f"{k}.5 kg,{'ab'[k % 2]}" for k in range(30)], "x,class", CLASS, "signs or units, such as 0.5 kg"),
    "per cent": ([f"{k} %,{'ab'[k % 2]}" for k in range(30)], "x,class", CLASS, "x has numbers with signs or units"),
    "money": ([f"${k}.25,{'ab'[k % 2]}" for k in range(30)], "x,class", CLASS, "x has numbers with signs or units"),
    "a typographic minus": ([f"\u2212{k},{'ab'[k % 2]}" for k in range(30)], "x,class", CLASS, "signs or units"),
    "both marks": (
        [f"{k}.000,5;{'ab'[k % 2]}" for k in range(30)], "x;class", Asked("class", decimal=","),
        "numbers with marks between digits, such as 0.000,5",
    ),
    "narrow spaces": ([f"{k}\u202f000,{'ab'[k % 2]}" for k in range(30)], "x,class", CLASS, "marks between digits"),
    "months": ([f"{k % 28 + 1:02}-Jan-24,{'ab'[k % 2]}" for k in range(30)], "day,class", CLASS, "day has dates"),
    "units below": (["kg,,", *ROWS], HEADER, CLASS, "line 2: x=kg: not a number; correct it"),
    "a title": ([HEADER, *ROWS], "My table", CLASS, "its first line has one cell; .*remove titles and comments"),
    "by write.table": ([f'"{k}" {k} "a"' for k in range(9)], '"x" "class"', CLASS, r"with spaces .*row.names=FALSE"),
    "names of rows": ([f"r{k}\t{k}\ta" for k in range(9)], "x\tclass", CLASS, "each row has 3 cells, the first line 2"),
    "one more separator": ([f"{row}," for row in ROWS], f"{HEADER},", CLASS, "each line ends with one more separator"),
    "only below": ([f"{row}," for row in ROWS], HEADER, CLASS, "each line ends with one more separator"),
    "a regression": ([f"{k},{k / 7}" for k in range(300)], "x,price", Asked("price"), "300 different numbers"),
    "free text": ([f"1,t{k}" for k in range(1200)], "x,y", Asked("y"), "1,200 different texts; allowed: 2 to 1,000"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_what_to_do(mistake: str, tmp_path: Path) -> None:
    rows, header, asked, reason = MISTAKES[mistake]
    assert re.search(reason, refusal(survey, table(tmp_path, rows, header), asked))


def test_a_file_of_windows_says_how_to_convert_it(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"green", "gr\u00fcn".encode("cp1252")))
    message = refusal(survey, path, CLASS)
    assert "it has the byte 0xfc; save it as UTF-8, or, if it is from Windows: " in message
    subprocess.run(message.partition("Windows: ")[2], shell=True, cwd=tmp_path, check=True)
    assert survey(tmp_path / "mine-utf8.csv", CLASS).features == 4


def test_spaces_around_a_name_need_not_be_typed(tmp_path: Path) -> None:
    path = table(tmp_path, header="x, colour , class")
    found = survey(path, Asked("class", category=["x"], leave_out=["colour"]))
    assert (found.keys["label"], columns(found)) == (" class", {"x": "category"})
    assert "no such column" in refusal(survey, table(tmp_path, header="x,class , class"), CLASS)


def test_what_looks_odd_is_told(tmp_path: Path) -> None:
    rows = [f"{k},7,{('a', ' a', 'A', 'b')[k % 4]}" for k in range(60)]
    found = survey(table(tmp_path, rows, "x,same,class"), CLASS)
    assert found.warnings == (
        "same: the same in each row; nothing can be learned from it",
        "x: counts the rows; if they are sorted by class, it gives the class away: --leave-out x",
        "the classes ' a' and 'A' differ only in spaces or capitals",
        "the classes ' a' and 'a' differ only in spaces or capitals",
    )
    rows = [f"{k % 7},{('red', 'NA')[k % 2]},{('1', '1.0', '?')[k % 3]}" for k in range(60)]
    assert survey(table(tmp_path, rows), CLASS).warnings == (
        "the classes '1' and '1.0' differ only in how the number is written",
        "colour: NA counts as a value; if it means missing, empty these cells",
        "the label: ? counts as a value; if it means missing, empty these cells",
    )
