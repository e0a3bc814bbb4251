"""Conditions on runs: what is allowed means what it means in Python; all else is refused, and nothing executed."""

import contextlib
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.foundation.errors import UserError
from src.runs.where import condition
from tests.helpers.refusals import refusal

COLUMNS = (
    "model.act",
    "model.hidden",
    "test/accuracy",
    "seconds",
    "name",
    "train.fresh",
    "tags",
    "status",
    "a",
    "b",
    "ended",
    "id",
)
ROW = {
    "model.act": "relu", "model.hidden": [64, 32], "test/accuracy": 0.98, "seconds": 3, "name": "x",
    "train.fresh": False, "tags": ["draft"], "a": 2, "status": None, "ended": "2026-11-27T04:35:12Z",
    "id": "de8d15a7" * 8,
}  # fmt: skip

HOLDS = {
    'model.act == "relu" and test/accuracy > 0.97': True,
    "model.act == 'tanh' or seconds < 4": True,
    "not model.act == 'relu'": False,
    "0.9 < test/accuracy <= 0.98": True,
    "model.hidden == [64, 32]": True,
    "model.hidden != (64, 32)": False,
    "64 in model.hidden": True,
    "'draft' in tags and 'paper' not in tags": True,
    "model.act in ['relu', 'tanh']": True,
    "'rel' in model.act": True,
    "seconds > -1": True,
    "train.fresh == false": True,
    "train.fresh": False,
    "not train.fresh": True,
    "status == null": True,
    "status == None": True,
    "(a == 1 or a == 2) and name == 'x'": True,
    "  a == 2\n": True,
    "a\n== 2": True,
    r"name == '\d'": False,
    "ended >= '2026-11'": True,
    "'2026-11-27T04:36' > ended": True,
    "'11-27' in ended": True,
    "tags != []": True,
    "'de8d15a7' in id": True,
    "id == '" + "de8d15a7" * 8 + "'": True,
    "tags == null": False,
    # A run without the column.
    "b > 3": False,
    "b == null": True,
    "not b > 3": True,
    "'x' in b": False,
}


@pytest.mark.parametrize("text", HOLDS)
def test_what_is_allowed_has_its_meaning(text: str) -> None:
    assert condition(text, COLUMNS)(ROW) is HOLDS[text]


REFUSED = {
    "model.act == relu": 'no column relu; if it is a text, quote it: "relu"',
    "model.act in [relu, 'tanh']": 'no column relu; if it is a text, quote it: "relu"',
    "draft in tags": 'no column draft; if it is a text, quote it: "draft"',
    "draft not in tags": 'quote it: "draft"',
    "relu == model.act": 'quote it: "relu"',
    "model.act = 'relu'": "for equality, type ==",
    "modle.act == 'relu'": "--where modle.act: no such column; did you mean model.act?",
    "test.accuracy > 0.9": "did you mean test/accuracy?",
    "": "--where is empty; allowed: columns",
    " \n": "--where is empty; allowed: columns",
    "model.act": 'model.act is not true or false; compare it, such as model.act == "relu"',
    "id == 'de8d15a7'": 'an id has 64 digits; type "de8d15a7" in id',
    "id != 'de8d15a7'": 'type "de8d15a7" in id',
    "id not in ['de8d15a7']": 'type "de8d15a7" in id',
    "not seconds": "seconds is not true or false; compare it, such as seconds == 3",
    "not tags": 'tags is not true or false; compare it, such as tags == ["',
    "b > 3 or not model.act": "model.act is not true or false",
    "seconds > 'x'": "3 and 'x' can't be compared this way",
    "name in seconds": "can't be compared this way",
    "a == 2 & b == 3": "2 & b is not allowed; join conditions with `and` and `or`",
    "a == 2 && b == 3": "can't be read; join conditions with `and` and `or`",
    "a == 2 AND b == 3": "can't be read; join conditions with `and` and `or`",
    "test/accuracy > 98%": "can't be read; accuracies are fractions, such as 0.98",
    "status > 2026-11-20": '2026-11-20 is not allowed; a date is a text, such as "2026-11-20"',
    "status > 2026-01-02": 'can\'t be read; a date is a text, such as "2026-11-20"',
    "accuracy > 0.9": "did you mean test/accuracy?",
    "a is None": "`is` is not allowed",
    "tags == 'draft'": 'tags is a list; type "draft" in tags',
    "'draft' != tags": 'tags is a list; type "draft" in tags',
    "model.hidden != 64": "model.hidden is a list; type 64 in model.hidden",
    "seconds != '3'": "3 and '3' can't be compared this way",
    "ended < 'yesterday'": "'yesterday' is no time; ended is compared with \"2026-11-20\"",
    "ended > '11-27 04:35'": "'11-27 04:35' is no time",
    "ended >= '2026-11-20 14:30'": "is no time",
    "test/accuracy < 90": "test/accuracy can't be 90; accuracies are fractions, such as 0.98",
    "98.5 >= test/accuracy": "accuracies are fractions",
    "name like 'x'": 'for a part of a text, type "tanh" in differs',
    "3": "3 is not allowed",
    "a + 1 == 3": "a + 1 is not allowed",
    "a == 2 if b else 3": "is not allowed",
    "__import__('os').system('touch hacked')": "is not allowed",
    "name.__class__ == 'x'": "--where name.__class__: no such column",
    "model.act.upper() == 'RELU'": "is not allowed",
    "(lambda: 1)() == 1": "is not allowed",
    "[x for x in tags] == []": "is not allowed",
    "f'{a}' == '2'": "is not allowed",
    "(a := 3) == 3": "is not allowed",
    "tags[0] == 'draft'": "is not allowed",
    "a == 1e999999": None,
    "a == b'2'": "is not allowed",
    "not " * 200 + "a": "nested more than",
    "(" * 300 + "a" + ")" * 300: "can't be read",
    "a == 1" + " and a == 1" * 500: "can't be read",
    "a == 2; b": "can't be read",
    "a ==": "can't be read",
    "a == 'x": "can't be read",
    "\0": "can't be read",
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_anything_else_is_one_line_that_names_it(text: str) -> None:
    expected = REFUSED[text]
    if expected is None:
        assert condition(text, COLUMNS)(ROW) is False
    else:
        assert expected in refusal(lambda: condition(text, COLUMNS)(ROW))


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
numbers = st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False))


@given(numbers, numbers, st.sampled_from(sorted(OPERATORS)), st.booleans())
def test_comparisons_are_those_of_python(one: float, other: float, sign: str, turned: bool) -> None:
    text = f"{one!r} {sign} a" if turned else f"a {sign} {one!r}"
    left, right = (one, other) if turned else (other, one)
    assert condition(text, COLUMNS)({"a": other}) is OPERATORS[sign](left, right)


@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        assert condition(text, COLUMNS)(ROW) in (True, False)
