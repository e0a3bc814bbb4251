"""`--where`: a condition on the columns of a run, such as `model.act == "relu" and test/accuracy > 0.98`.

It looks like Python, and is parsed as Python, but only what is listed here has a meaning. Nothing of it is executed.
"""

import ast
import difflib
import json
import operator
import re
import warnings
from collections.abc import Callable, Collection
from typing import Any

from src.foundation.errors import UserError, suggestion
from src.runs.summary import Row

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_WORDS = {"null": None, "true": True, "false": False}  # as in YAML; Python's own are constants already
_ALLOWED = 'allowed: columns, numbers, "texts", lists, == != < <= > >= in, and, or, not, ( )'
_LONGEST, _DEEPEST = 2000, 50  # characters; levels
_LISTS = ("tags", "studies", "model.hidden")  # whose values are lists in each run
_TIMES = ("started", "ended")
_TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d)?)?Z?)?)?)?")
_Value = Callable[[Row], Any]


def condition(
    text: str, columns: Collection[str], possible: Callable[[str, str], Collection[str]] = lambda name, text: ()
) -> Callable[[Row], bool]:
    """The condition in `text`, as a function of a row. A comparison with a column that a run lacks is false.

    columns: the names that are allowed. possible: given a column's name and a text, all texts that the column can have
    if that is not one of them; else nothing.

    Raises:
        UserError: it can't be read, or names another column; from the function, if text is compared with a number.
    """
    text = " ".join(text.splitlines()).strip()
    if not text:
        raise UserError(f"--where is empty; {_ALLOWED}")
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        with warnings.catch_warnings(action="ignore"):  # of backslashes in texts
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UserError(f"--where {text}: can't be read; {_cure(text)}{_ALLOWED}") from None
    reader = _Reader(text, columns, possible)
    holds = reader.boolean(tree)
    return lambda row: bool(holds(row))


def column(name: str, columns: Collection[str], option: str) -> str:
    """The name, if there is such a column; else raises `UserError`."""
    if name not in columns:
        near = [other for other in columns if re.split("[./]", other)[-1] == name]
        near = near or difflib.get_close_matches(name, columns, n=1)
        meant = f"did you mean {' or '.join(sorted(near))}? " if near else ""
        raise UserError(f"{option} {name}: no such column; {meant}`python -m src.runs --columns '?'` lists them")
    return name


class _Reader:
    """Turns the nodes of a condition into functions of a row."""

    def __init__(self, text: str, columns: Collection[str], possible: Callable[[str, str], Collection[str]]) -> None:
        self._text, self._columns, self._possible, self._depth = text, columns, possible, 0

    def boolean(self, node: ast.expr) -> _Value:
        """A condition: comparisons, joined by and, or, not; or a column that is true or false."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UserError(f"--where: nested more than {_DEEPEST} levels deep")
        try:
            match node:
                case ast.BoolOp(op=ast.And(), values=values):
                    parts = [self.boolean(value) for value in values]
                    return lambda row: all(part(row) for part in parts)
                case ast.BoolOp(values=values):
                    parts = [self.boolean(value) for value in values]
                    return lambda row: any(part(row) for part in parts)
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    part = self.boolean(operand)
                    return lambda row: not part(row)
                case ast.Compare(left=left, ops=ops, comparators=comparators):
                    return self._comparison(left, ops, comparators)
                case ast.Name() | ast.Attribute() | ast.BinOp(op=ast.Div()):
                    return self._truth(node)
            raise self._refused(node)
        finally:
            self._depth -= 1

    def _truth(self, node: ast.expr) -> _Value:
        """A column alone, which is true or false; of any other, `not` would hold for all runs."""
        value, name = self._value(node), _name(node)

        def holds(row: Row) -> bool:
            found = value(row)
            if not isinstance(found, bool | None):
                allowed = f"compare it, such as {name} == {json.dumps(found)}"
                raise UserError(f"--where {self._text}: {name} is not true or false; {allowed}")
            return found is True

        return holds

    def _comparison(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> _Value:
        values = [self._value(left, of=others[0]), *(self._value(node, of=left) for node in others)]
        if refused := [op for op in ops if type(op) not in _COMPARE]:
            raise UserError(f"--where {self._text}: `{type(refused[0]).__name__.lower()}` is not allowed; {_ALLOWED}")
        compared = [_COMPARE[type(op)] for op in ops]
        for one, op, other in zip((left, *others), ops, others, strict=False):
            if not isinstance(op, ast.In | ast.NotIn):
                self._refuse_unlike(one, other)
                self._refuse_unlike(other, one)
            elif isinstance(other, ast.List | ast.Tuple):
                for part in other.elts:
                    self._refuse_unlike(one, part)

        def holds(row: Row) -> bool:
            found = [value(row) for value in values]
            return all(
                self._compare(compare, one, other)
                for compare, one, other in zip(compared, found, found[1:], strict=False)
            )

        return holds

    def _refuse_unlike(self, node: ast.expr, other: ast.expr) -> None:
        """Raises `UserError` where no run's column could equal a constant: `!=` would hold for all of them."""
        name, constant = _name(node), other.value if isinstance(other, ast.Constant) else None
        if name in _LISTS and isinstance(constant, str | int | float):
            listed = f'"{constant}"' if isinstance(constant, str) else constant
            raise UserError(f"--where {self._text}: {name} is a list; type {listed} in {name}")
        if name == "id" and isinstance(constant, str) and not re.fullmatch("[0-9a-f]{64}", constant):
            raise UserError(f'--where {self._text}: an id has 64 digits; type "{constant}" in id')
        if name in _TIMES and isinstance(constant, str) and not _TIME.fullmatch(constant):
            times = '"2026-11-20" or "2026-11-20T14:30" (UTC)'
            raise UserError(f"--where {self._text}: {constant!r} is no time; {name} is compared with {times}")
        if name and isinstance(constant, str) and (names := self._possible(name, constant)):
            raise UserError(f"--where {self._text}: {name} can't be {constant!r}; {suggestion(constant, names)}")
        if name and name.endswith("accuracy") and isinstance(constant, int | float) and constant > 1:
            raise UserError(f"--where {self._text}: {name} can't be {constant}; accuracies are fractions, such as 0.98")

    def _compare(self, compare: Callable[[Any, Any], Any], one: Any, other: Any) -> bool:
        try:
            if {type(one), type(other)} in ({str, int}, {str, float}):  # equal in no run, different in all
                raise TypeError
            return bool(compare(one, other))
        except TypeError:
            if one is None or other is None:  # a run without that column, or one that has no value there
                return False
            shown = " and ".join(repr(value) for value in (one, other))
            raise UserError(f"--where {self._text}: {shown} can't be compared this way") from None

    def _value(self, node: ast.expr, of: ast.expr | None = None) -> _Value:
        match node:
            case ast.Constant(value=str() | int() | float() | None as constant):
                return lambda row: constant
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return lambda row: -number
            case ast.List(elts=nodes) | ast.Tuple(elts=nodes):
                parts = [self._value(part, of) for part in nodes]
                return lambda row: [part(row) for part in parts]
        name = _name(node)
        if name is None:
            raise self._refused(node)
        if name in _WORDS and name not in self._columns:
            return lambda row: _WORDS[name]
        if name not in self._columns and of is not None and _name(of) in self._columns:
            raise UserError(f'--where {self._text}: no column {name}; if it is a text, quote it: "{name}"')
        column(name, self._columns, "--where")
        return lambda row: row.get(name)

    def _refused(self, node: ast.expr) -> UserError:
        part = ast.get_source_segment(self._text, node) or self._text
        return UserError(f"--where {self._text}: {part} is not allowed; {_cure(part)}{_ALLOWED}")


def _name(node: ast.expr) -> str | None:
    """The column that a node spells: `model.act` is parsed as an attribute, `test/accuracy` as a division."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=of, attr=name):
            return f"{before}.{name}" if (before := _name(of)) else None
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            one, other = _name(left), _name(right)
            return f"{one}/{other}" if one and other else None
    return None


def _cure(text: str) -> str:
    """What to type in place of something that other languages have; empty if it is not recognized."""
    cures = {
        r"(?<![=!<>])=(?!=)": "for equality, type ==",
        r"[&|]|\b(AND|OR|NOT)\b": "join conditions with `and` and `or`",
        r"\b(like|LIKE|contains|matches)\b|=~": 'for a part of a text, type "tanh" in differs',
        r"\d%": "accuracies are fractions, such as 0.98",
        r"\d{4}-\d\d?": 'a date is a text, such as "2026-11-20"',
    }
    return "".join(f"{cure}; " for pattern, cure in cures.items() if re.search(pattern, text))
