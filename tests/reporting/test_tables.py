"""Tables for terminals: aligned, cut, one line a row."""

import pytest

from src.reporting.tables import plain_table

HEADER = ("overrides", "status", "test accuracy", "seconds", "run")


def test_a_multirun() -> None:
    rows = [
        ("model.act=relu", "finished", "0.9812", "12.3", "3f2a"),
        ("model.act=sigmoid", "failed", "-", "", "77b0c"),
    ]
    assert plain_table(HEADER, rows) == (
        "overrides          status    test accuracy  seconds  run\n"
        "-----------------  --------  -------------  -------  -----\n"
        "model.act=relu     finished         0.9812     12.3  3f2a\n"
        "model.act=sigmoid  failed                -           77b0c"
    )


def test_a_header_alone() -> None:
    assert plain_table(("a", "bc"), []) == "a  bc\n-  --"


@pytest.mark.parametrize("cells", [("1", "22"), ("-1.5", "+2e-3"), ("98 %", "7%"), ("1,234", "0"), ("nan", "-")])
def test_numbers_are_aligned_right(cells: tuple[str, str]) -> None:
    lines = plain_table(("x" * 9,), [[cell] for cell in cells]).splitlines()
    assert lines[2:] == [cell.rjust(9) for cell in cells]


@pytest.mark.parametrize("cells", [("1", "two"), ("", "-"), ("1.2.3", "1")])
def test_words_are_aligned_left(cells: tuple[str, str]) -> None:
    lines = plain_table(("x" * 9,), [[cell] for cell in cells]).splitlines()
    assert lines[2:] == list(cells)


def test_long_cells_are_cut() -> None:
    lines = plain_table(("name", "n"), [("a" * 11, "1"), ("b" * 10, "2")], width=10).splitlines()
    assert lines[2:] == ["aaaaaaaaa…  1", "bbbbbbbbbb  2"]


def test_a_cell_stays_on_its_line() -> None:
    assert plain_table(("a",), [("one\ntwo\tthree",)]).splitlines()[2:] == ["one two three"]


def test_no_line_ends_in_spaces() -> None:
    assert all(line == line.rstrip() for line in plain_table(HEADER, [("a", "", "", "", "")]).splitlines())


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        plain_table(("a", "b"), [("1",)])
