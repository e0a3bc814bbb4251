"""The columns of a table, with the kinds that a recipe gives: numbers, categories, labels and groups."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.table import names, place, texts
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import show


class Layout(NamedTuple):
    """How a table is read: the recipe's keys of the same names, or what stands in a model's header."""

    columns: Mapping[str, str]  # kinds by name
    label: str | None = None
    labels: tuple[str, ...] = ()
    group: str | None = None
    missing: str = "refuse"
    separator: str = ","
    decimal: str = "."


class Rows(NamedTuple):
    """Some rows of a table."""

    x: NDArray[np.float64]  # [m, columns], in `order`; NaN: missing. Of categories their codes
    y: NDArray[np.int64] | None  # [m], indices of labels
    group: NDArray[np.int64] | None  # [m], codes


class Codes(dict[str, int]):
    """Codes of texts, in the order in which they appear."""

    def __missing__(self, text: str) -> int:
        self[text] = len(self)
        return self[text]


def rows(path: Path, layout: Layout, order: Sequence[str], codes: Mapping[str, Codes]) -> Iterator[Rows]:
    """The rows of a table, in batches.

    order: of the columns of x.
    codes: of each category column and of the group column, by name; extended by what the file has.

    Raises:
        UserError: a column is missing, or a value is not what the layout says; the message has line and value.
    """
    used(path, layout)
    marks = [name for name in (layout.label, layout.group) if name is not None]
    first = 0
    for batch in texts(path, layout.separator, [*order, *marks]):
        at = partial(_refusal, path, layout, first)
        n = len(next(iter(batch.values())))
        x = np.empty((n, len(order)))
        for k, name in enumerate(order):
            read = _numbers if layout.columns[name] == "number" else partial(_coded, codes=codes[name])
            x[:, k] = read(batch[name], name, at, layout.decimal)
        keep: NDArray[np.bool_] = ~np.any(np.isnan(x), axis=1)
        y = group = None
        if layout.label is not None:
            y = _labels(batch[layout.label], layout, at)
            keep &= y >= 0
        if layout.group is not None:
            coded = _coded(batch[layout.group], layout.group, at, "", codes[layout.group])
            keep &= ~np.isnan(coded)
            group = np.where(np.isnan(coded), -1, coded).astype(np.int64)
        if layout.missing == "refuse" and not keep.all():
            row = int(keep.argmin())
            bad = np.isnan(x[row])
            name = order[int(bad.argmax())] if bad.any() else marks[0] if y is not None and y[row] < 0 else marks[-1]
            raise at(row, f"{show(name)} is empty; allowed: a value, or data.missing=mean or drop")
        if layout.missing == "mean":
            for mark, found in ((layout.label, y), (layout.group, group)):
                if found is not None and found.min(initial=0) < 0:
                    raise at(int(found.argmin()), f"{show(mark)} is empty; allowed: a value, or data.missing=drop")
            keep[:] = True
        if not keep.all():
            x, y, group = x[keep], None if y is None else y[keep], None if group is None else group[keep]
        yield Rows(x, y, group)
        first += n


def used(path: Path, layout: Layout) -> list[str]:
    """The columns that are used, in the file's order. Raises `UserError` if one is missing."""
    found = names(path, layout.separator)
    wanted = [*layout.columns, *(name for name in (layout.label, layout.group) if name is not None)]
    if missing := [name for name in wanted if name not in found]:
        listed = ", ".join(map(show, missing))
        raise UserError(f"{path}: no column {listed}; {suggestion(missing[0], found)}")
    return [name for name in found if name in layout.columns]


def _numbers(array: Any, name: str, at: Any, decimal: str) -> NDArray[np.float64]:
    """[m], the numbers of a column, each as `float()` reads it; NaN: missing."""
    import pyarrow as pa
    from pyarrow import compute

    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            raise at(0, f"{show(name)} has values of the type {kind}; allowed: numbers, or data.columns with category")
        values = np.asarray(compute.cast(array, pa.float64(), safe=False).fill_null(np.nan))
    else:
        trimmed = compute.utf8_trim_whitespace(array.fill_null(""))
        given = compute.if_else(compute.equal(trimmed, ""), "nan", trimmed)
        if decimal == ",":
            if (grouped := np.asarray(compute.match_substring(given, "."))).any():
                row = int(grouped.argmax())
                raise at(row, f"{show(name)}={show(given[row].as_py())}: has a point, but data.decimal is a comma")
            given = compute.replace_substring(given, ",", ".")
        try:
            values = np.asarray(compute.cast(given, pa.float64()))
        except pa.ArrowInvalid:  # text, or a spelling that only `float()` reads
            values = np.array([_number(text, row, name, at) for row, text in enumerate(given.to_pylist())])
    if (infinite := np.isinf(values)).any():
        row = int(infinite.argmax())
        raise at(row, f"{show(name)}={show(str(array[row].as_py()))}: too large, or infinite; allowed: finite numbers")
    return values


def _number(text: str, row: int, name: str, at: Any) -> float:
    try:
        return float(text)
    except ValueError:
        cure = f"correct it, or make {show(name)} a category in data.columns"
        raise at(row, f"{show(name)}={show(text)}: not a number; {cure}") from None


def strings(array: Any) -> Any:
    """A column's values, a pyarrow array, as texts; an empty text: missing."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    try:
        return compute.cast(array, pa.string()).fill_null("")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UserError(f"a column has values of the type {array.type}; allowed: numbers and texts") from None


def _coded(array: Any, name: str, at: Any, decimal: str, codes: Codes) -> NDArray[np.float64]:
    """[m], the codes of a column's texts; NaN: missing."""
    coded = strings(array).dictionary_encode()
    known = np.array([codes[text] if text.strip() else np.nan for text in coded.dictionary.to_pylist()])
    return known[np.asarray(coded.indices)] if len(known) else np.empty(0)


def _labels(array: Any, layout: Layout, at: Any) -> NDArray[np.int64]:
    """[m], the indices of a column's labels; -1: missing."""
    coded = strings(array).dictionary_encode()
    found: list[str] = coded.dictionary.to_pylist()
    indices: NDArray[np.int32] = np.asarray(coded.indices)
    known = {label: index for index, label in enumerate(layout.labels)}
    unknown = [k for k, text in enumerate(found) if text not in known and text.strip()]
    if unknown:
        row = int(np.isin(indices, unknown).argmax())
        text = found[indices[row]]
        raise at(row, f"{show(layout.label)}={show(text)}: not in data.labels; {suggestion(text, layout.labels)}")
    numbers: NDArray[np.int64] = np.array([known.get(text, -1) for text in found], np.int64)
    return numbers[indices]


def _refusal(path: Path, layout: Layout, first: int, row: int, reason: str) -> UserError:
    return UserError(f"{path}: {place(path, layout.separator, first + row)}: {reason}")
