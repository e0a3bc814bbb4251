"""Which kind a column of a table has, number or category; what is neither is refused with what to do about it."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from src.adding.column import WITH_SIGNS
from src.adding.tally import Tally
from src.data.encoding import MOST_CATEGORIES
from src.data.table import place
from src.foundation.errors import UserError
from src.foundation.schema import show

_MOSTLY = 0.5  # of a column's values are numbers: then the others are mistakes
_FEW = 20  # different texts are a category, however few rows there are
_SHARE = 0.1  # of the values may be different texts

_CURES = {
    "dates": "turn them into numbers first, such as days since the first one, or",
    "numbers with a decimal comma": "add --decimal ',', or",
    "numbers with marks between digits": "remove the marks, or, if they are decimal marks, add --decimal ',', or",
}


def kind_of(path: Path, separator: str, seen: Tally, name: str, number: bool = False) -> str:
    """The kind of a column: `number` or `category`.

    number: it must be one.

    Raises:
        UserError: its values are not all numbers, but most are; or they are dates, or the like; or all are missing.
    """
    if name in seen.categories:
        return "category"
    column, out = seen.columns[name], f"--leave-out {quote(name)}"
    if not seen.rows:
        return "number"
    where = f"{path}: {show(name)}"
    looks = column.looks_like()
    if column.type and looks != "dates":
        raise UserError(f"{where} has values of the type {column.type}; allowed: numbers and texts, or {out}")
    if column.missing == seen.rows:
        raise UserError(f"{where} is empty in each row; add {out}")
    if column.first_infinite is not None:
        row, text = column.first_infinite
        raise UserError(f"{path}: {place(path, separator, row)}: {show(name)}={show(text)}: allowed: finite numbers")
    if not column.texts and not column.type:
        if column.first_point is not None:
            row, text = column.first_point
            reason = "has a point, but --decimal is ','; write all numbers of the file in one way"
            raise UserError(f"{path}: {place(path, separator, row)}: {show(name)}={show(text)}: {reason}")
        return "number"
    if looks:
        example = "" if column.first_text is None else f", such as {show(column.first_text[1])}"
        raise UserError(f"{where} has {looks}{example}; {_CURES[looks]} leave the column out: {out}")
    assert column.first_text is not None
    if number or column.share_of_numbers >= _MOSTLY:
        row, text = column.first_text
        others = sum(column.texts.values())
        more = f" ({others:,} of {column.rows - column.missing:,} values are not)" if others > 1 else ""
        missing = "leave the cell empty if the value is missing"
        cure = f"correct it, {missing}, or add --category {quote(name)} if numbers are names"
        raise UserError(f"{path}: {place(path, separator, row)}: {show(name)}={show(text)}: not a number{more}; {cure}")
    return "category"


def refuse_many_texts(path: Path, seen: Tally, kinds: Mapping[str, str]) -> None:
    """Raises `UserError` if categories have so many different texts that they are names, or free text."""
    found = []
    guessed = max(_FEW, _SHARE * seen.rows)
    for name in (name for name, kind in kinds.items() if kind == "category"):
        asked = name in seen.categories
        counts = seen.categories[name].counts if asked else seen.columns[name].texts
        if len(counts) > MOST_CATEGORIES or (
            not asked and (len(counts) > guessed or len(counts) == seen.rows > _FEW / 2)
        ):
            found.append((name, len(counts), next(iter(counts))))
    if found:
        name, count, example = found[0]
        texts = () if name in seen.categories else seen.columns[name].texts
        if texts and all(WITH_SIGNS.fullmatch(text) for text in texts):
            raise UserError(
                f"{path}: {show(name)} has numbers with signs or units, such as {show(example)}; keep the digits, the "
                f"decimal mark and a plain - alone, or leave the column out: --leave-out {quote(name)}"
            )
        out = " ".join(quote(name) for name, _, _ in found)
        others = f"; so have {', '.join(show(name) for name, _, _ in found[1:])}" if len(found) > 1 else ""
        raise UserError(
            f"{path}: {show(name)} has {count:,} different texts in {seen.rows:,} rows, such as {show(example)}, too "
            f"many for a category{others}; leave out what is a name or free text: --leave-out {out}"
        )
