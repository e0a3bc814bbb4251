"""Surveys a table, a CSV, TSV or Parquet file: its separator, the kinds of its columns, its classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from src.adding.found import LEAST_OF_A_CLASS, Found, counted, require_examples
from src.adding.kinds import kind_of, refuse_many_texts
from src.adding.separator import separator_of
from src.adding.tally import Asked, Tally, tally
from src.data.own import MOST_LABELS, require_classes
from src.data.table import is_parquet, names, place
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import show

_SHOWN = 6
_MISSING = ("na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?", "-", "--", ".", "k.a.")  # what programs write


def survey(path: Path, asked: Asked, test: Path | None = None) -> Found:
    """What a table has in it, and a second one with a published test set.

    Raises:
        UserError: it can't be used as it is; the message says why, where, and what to do.
    """
    separator = "," if is_parquet(path) else separator_of(path)
    header = names(path, separator)
    asked = asked.named_in(header)
    label = _label(path, header, asked.label)
    _refuse_unknown(path, header, label, asked)
    used = [name for name in header if name not in (label, asked.group, *asked.leave_out)]
    if not used:
        raise UserError(f"{path}: no column is left besides the label {show(label)}; allowed: at least one")
    seen = tally(path, separator, used, label, asked)
    kinds = {name: kind_of(path, separator, seen, name) for name in used}
    refuse_many_texts(path, seen, kinds)
    classes = _classes(path, separator, seen, label, asked)
    tested = {} if test is None else _tested(test, separator, used, label, asked, kinds)
    labels = _sorted({*classes, *tested})
    require_classes(f"{path}: {show(label)}", labels)
    counts = {text: classes[text] for text in labels if text in classes}
    require_examples(path, counts, lambda text: place(path, separator, seen.label.first[text]))
    sets = 3 if test is None else 2
    if seen.group is not None and len(seen.group.counts) < sets:
        groups = ", ".join(map(show, seen.group.counts))
        raise UserError(
            f"{path}: {show(str(asked.group))} has the groups {groups}; allowed: at least {sets}, one for each set"
        )
    keys = {"label": label, "labels": labels, "columns": kinds, "missing": asked.missing, "group": asked.group}
    return Found(
        source="table",
        keys=keys | {"separator": separator, "decimal": asked.decimal},
        classes=counts,
        features=sum(_width(seen, name) for name in used),
        lines=_lines(seen, kinds, labels, classes, asked, separator),
        warnings=tuple(_warnings(seen, kinds, labels, classes, tested)),
        test=sum(tested.values()),
    )


def _label(path: Path, header: Sequence[str], label: str | None) -> str:
    columns = ", ".join(map(show, header[:50]))
    if label not in header and 2 * sum(_number(name) is not None for name in header) >= len(header):
        raise UserError(f"{path}: its first line has values, not names of columns: {columns}; add a line with names")
    if label is None:
        raise UserError(f"--label is missing; allowed: one of the columns of {path}: {columns}")
    if label not in header:
        raise UserError(f"--label {show(label)}: no such column in {path}; {suggestion(label, header[:50])}")
    return label


def _refuse_unknown(path: Path, header: Sequence[str], label: str, asked: Asked) -> None:
    """Raises `UserError` for an option that names no column, or one that is in use."""
    groups = () if asked.group is None else (asked.group,)
    for option, given in (("--group", groups), ("--category", asked.category), ("--leave-out", asked.leave_out)):
        for name in given:
            if name not in header:
                raise UserError(f"{option} {show(name)}: no such column in {path}; {suggestion(name, header[:50])}")
            if name == label or (option != "--group" and name == asked.group):
                raise UserError(f"{option} {show(name)}: the label, or the group; allowed: another column")
            if option == "--leave-out" and name in asked.category:
                raise UserError(f"--category {show(name)} and --leave-out {show(name)}: give one of them")


def _classes(path: Path, separator: str, seen: Tally, label: str, asked: Asked) -> dict[str, int]:
    """How many rows each label has. Raises `UserError` for missing ones, for numbers that are no classes, for none."""
    if not seen.rows:
        raise UserError(f"{path}: no rows below the first line; allowed: at least {LEAST_OF_A_CLASS} for each class")
    if asked.missing != "drop":
        for marks, name in ((seen.label, label), (seen.group, asked.group)):
            if marks is not None and marks.first_missing is not None:
                where = place(path, separator, marks.first_missing)
                raise UserError(
                    f"{path}: {where}: {show(str(name))} is empty, the first of {marks.missing:,}; fill it in, or "
                    "leave such rows out: --missing drop"
                )
        if (missing := seen.missing) and asked.missing == "refuse":
            cells = ", ".join(f"{show(name)} {count:,}" for name, count in [*missing.items()][:_SHOWN])
            raise UserError(
                f"{path}: {sum(missing.values()):,} cells are empty ({cells}{', ...' * (len(missing) > _SHOWN)}); "
                "allowed: --missing mean, which fills in the mean of the training set, or --missing drop, which leaves "
                "such rows out"
            )
    classes = dict(seen.label.counts)
    if not classes:
        raise UserError(f"{path}: each of its {seen.rows:,} rows has an empty cell, so --missing drop leaves out all")
    fractions = sum(_is_fraction(text) for text in classes)
    if len(classes) > MOST_LABELS or (fractions and len(classes) > 20 and len(classes) > seen.rows / 10):
        number = all(_number(text) is not None for text in classes)
        what = (
            "numbers to predict, not classes: turn them into classes first, such as low and high" if number else "texts"
        )
        raise UserError(
            f"{path}: {show(label)} has {len(classes):,} different {what}; allowed: 2 to {MOST_LABELS:,} classes"
        )
    return classes


def _tested(
    path: Path, separator: str, used: Sequence[str], label: str, asked: Asked, kinds: Mapping[str, str]
) -> dict[str, int]:
    """How many rows each label has in a published test set, whose columns fit those that are used."""
    header = names(path, separator)
    if missing := [name for name in (*used, label) if name not in header]:
        raise UserError(f"{path}: no column {show(missing[0])}; {suggestion(missing[0], header[:50])}")
    numbers = [name for name in used if kinds[name] == "number"]
    seen = tally(path, separator, used, label, asked)
    for name in numbers:
        if seen.columns[name].missing < seen.rows:
            kind_of(path, separator, seen, name, number=True)
    return _classes(path, separator, seen, label, asked)


def _sorted(labels: set[str]) -> list[str]:
    """Numbers in their order, other texts in alphabetical order."""
    if all(_number(text) is not None for text in labels):
        return sorted(labels, key=lambda text: (_number(text) or 0, text))
    return sorted(labels)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_fraction(text: str) -> bool:
    number = _number(text)
    return number is not None and number % 1 != 0


def _width(seen: Tally, name: str) -> int:
    """How many features a column becomes: one for a number, one for each text of a category."""
    if name in seen.categories:
        return len(seen.categories[name].counts)
    return len(seen.columns[name].texts) or 1


def _lines(
    seen: Tally,
    kinds: Mapping[str, str],
    labels: Sequence[str],
    classes: Mapping[str, int],
    asked: Asked,
    separator: str,
) -> dict[str, str]:
    columns = []
    for kind, words in (("number", "numbers"), ("category", "categories")):
        if of := [show(name) for name in kinds if kinds[name] == kind]:
            more = ", ..." if len(of) > _SHOWN else ""
            columns.append(f"{len(of)} {kind if len(of) == 1 else words}: {', '.join(of[:_SHOWN])}{more}")
    missing = ", ".join(f"{show(name)} {count:,}" for name, count in [*seen.missing.items()][:_SHOWN]) or "none"
    names = {"\t": "a tab"}
    lines = {
        "rows": f"{seen.rows:,}, cells separated by {names.get(separator, separator)}",
        "columns": "; ".join(columns),
    }
    lines["classes"] = counted({text: classes.get(text, 0) for text in labels})
    lines["missing"] = missing + (f"; {seen.dropped:,} rows are left out" if asked.missing == "drop" else "")
    if asked.leave_out:
        lines["left out"] = ", ".join(map(show, asked.leave_out))
    if seen.repeated is not None:
        lines["repeated"] = f"{seen.repeated:,} equal to an earlier line" if seen.repeated else "none"
    if seen.group is not None:
        lines["groups"] = f"{len(seen.group.counts):,}, each in one set"
    return lines


def _warnings(
    seen: Tally, kinds: Mapping[str, str], labels: Sequence[str], classes: Mapping[str, int], tested: Mapping[str, int]
) -> list[str]:
    found = []
    if constant := [show(name) for name, column in seen.columns.items() if column.constant]:
        found.append(f"{', '.join(constant[:_SHOWN])}: the same in each row; nothing can be learned from it")
    if counters := [name for name, column in seen.columns.items() if column.counts_rows and column.rows > 1][:_SHOWN]:
        found.append(
            f"{', '.join(map(show, counters))}: counts the rows; if they are sorted by class, it gives the class away: "
            f"--leave-out {' '.join(map(quote, counters))}"
        )
    if tested and (new := [show(text) for text in labels if text not in classes]):
        found.append(f"{', '.join(new)}: only in the test set; the network will never have seen an example")
    plain: dict[object, str] = {}
    for text in labels:
        number = _number(text)
        other = plain.setdefault(" ".join(text.split()).casefold() if number is None else number, text)
        if other != text:
            how = "spaces or capitals" if number is None else "how the number is written"
            found.append(f"the classes {other!r} and {text!r} differ only in {how}")
    texts = {name: column.texts for name, column in seen.columns.items()} | {"the label": labels}
    for name, values in texts.items():
        if marks := [text for text in values if text.strip().lower() in _MISSING]:
            found.append(f"{show(name)}: {show(marks[0])} counts as a value; if it means missing, empty these cells")
    return found
