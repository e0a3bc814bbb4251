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


def test_a_header_alone_and_columns_without_numbers() -> None:
    assert plain_table(("a", "bc"), []) == "a  bc\n-  --"
    assert plain_table(("abc", "de"), [("-", ""), ("", "")]).split("\n")[2:] == ["-", ""]


@pytest.mark.parametrize("cells", [("1", "22"), ("-1.5", "+2e-3"), ("98 %", "7%"), ("1,234", "0"), ("nan", "-")])
@pytest.mark.parametrize("word", ["", "two", "1.2.3"])
def test_numbers_are_aligned_right_unless_a_word_is_among_them(cells: tuple[str, str], word: str) -> None:
    lines = plain_table(("x" * 9,), [[cell] for cell in (*cells, word)]).split("\n")
    assert lines[2:] == [*(cell if word else cell.rjust(9) for cell in cells), word]


def test_long_cells_are_cut_and_a_cell_stays_on_its_line() -> None:
    lines = plain_table(("name", "n"), [("a" * 11, "1"), ("b" * 10, "2")], width=10).splitlines()
    assert lines[2:] == ["aaaaaaaaa…  1", "bbbbbbbbbb  2"]
    assert plain_table(("a",), [("one\ntwo\tthree",)]).splitlines()[2:] == ["one two three"]
    with pytest.raises(ValueError, match="argument"):
        plain_table(("a", "b"), [("1",)])
