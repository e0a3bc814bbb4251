"""Checks plain YAML values against annotated data classes.

The data classes live in the rooms that use them. A field's annotation says what is allowed:

- `Annotated[float, ">= 0", "< 1"]`: a type, and conditions that messages quote;
- `Annotated[str, TABLE]`: a key of a table, or an entry of a tuple;
- `Mapping[str, ...]`: any names, each with a value that the annotation allows;
- `Annotated[Optimizer, OPTIMIZERS]`: one of the data classes in a table, selected by the key `name`;
- `field(metadata={"semantic": False})`: a field that does not affect results; excluded from a run's identity;
- `field(default=..., metadata={"before": 0.0})`: a field that a version added, and the value that means "as before". At
  this value, whatever the default becomes, it is left out of a run's identity: a new key leaves all fingerprints and
  study digests as they are. A tree without the key is from before it, and gets this value.
"""

import dataclasses
import functools
import operator
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from src.foundation.errors import UserError, suggestion

_OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_TYPE_NAMES = {int: "an integer", float: "a finite number", bool: "true or false", str: "a text", type(None): "null"}
_WORDS = {bool: ("true", "false"), type(None): ("null",)}  # allowed beside the names of a table


# What Hydra's grammar, and YAML, take for something else: null, booleans, numbers.
_NO_TEXT = re.compile(
    r"null|true|false|yes|no|on|off|~|[+-]?(nan|\.?inf(inity)?|[\d_]*\.?[\d_]*(e[+-]?[\d_]+)?)", re.IGNORECASE
)


class Allowed(NamedTuple):
    """A parsed annotation: type, conditions, and the table of allowed values."""

    kind: Any
    conditions: tuple[str, ...] = ()
    table: Mapping[str, Any] | tuple[str, ...] | None = None


def build(annotation: Any, value: Any, key: str = "") -> Any:
    """Builds the object described by `annotation` from a plain `value`; `key` is its dotted name for messages.

    Raises `UserError` with the key, the value and what is allowed.
    """
    return _builder(annotation)(value, key)


def _builder(annotation: Any) -> Callable[[Any, str], Any]:
    """What builds from a value and its key. The annotation is read here, once for all values."""
    allowed = read_annotation(annotation)
    if dataclasses.is_dataclass(allowed.kind):
        return functools.partial(_build_dataclass, allowed)
    if get_origin(allowed.kind) is tuple:
        return functools.partial(_build_tuple, allowed)
    if get_origin(allowed.kind) is Mapping:
        return functools.partial(_build_mapping, allowed)
    return functools.partial(_build_scalar, options_of(allowed))


def plain(value: Any, semantic_only: bool = False, complete: bool = False) -> Any:
    """The inverse of `build`: dicts, lists and scalars.

    semantic_only: only what decides a run's results, without keys of later versions that mean "as before".
    complete: with those.
    """
    if not dataclasses.is_dataclass(value):
        return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
    tree = {}
    for f in dataclasses.fields(value):
        entry = plain(getattr(value, f.name), semantic_only, complete)
        before = f.metadata.get("before", dataclasses.MISSING)
        as_before = not complete and entry == plain(before, semantic_only, complete)
        if not semantic_only or (f.metadata.get("semantic", True) and not as_before):
            tree[f.name] = entry
    tag = getattr(type(value), "name", None)  # a data class in a table has its name
    return {"name": tag} | tree if isinstance(tag, str) and "name" not in tree else tree


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a plain tree, with their dotted keys."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def show(value: Any) -> str:
    """A value as a user would type it, truncated to 80 characters."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= 80 else text[:77] + "..."


def written(value: Any) -> str:
    """A value as an override on a command line, in full; a text that would be read as something else is quoted."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, str) and _NO_TEXT.fullmatch(value):
        return f"'{value}'"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _build_dataclass(allowed: Allowed, value: Any, key: str) -> Any:
    if not isinstance(value, Mapping):
        raise UserError(f"{key}={show(value)}: must be a group of keys, not a single value")
    given, kind = dict(value), allowed.kind
    if isinstance(allowed.table, Mapping):
        name = given.pop("name", None)
        if not isinstance(name, str) or name not in allowed.table:
            raise UserError(f"{key}.name={show(name)}: unknown; {suggestion(show(name), allowed.table)}")
        kind = allowed.table[name]
    builders, prefix = _builders(kind), f"{key}." if key else ""
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for name, entry in given.items():
        if name not in fields:
            raise UserError(f"{prefix}{show(name)}={show(entry)}: no such key; {suggestion(str(name), fields)}")
    for name, f in fields.items():
        if name not in given and f.default is f.default_factory is dataclasses.MISSING:
            raise UserError(f"{prefix}{name}: missing, and it has no default")
    before = {name: f.metadata["before"] for name, f in fields.items() if "before" in f.metadata}
    return kind(**before | {name: builders[name](entry, f"{prefix}{name}") for name, entry in given.items()})


@functools.cache  # reading annotations takes longer than building
def _builders(kind: type[Any]) -> dict[str, Callable[[Any, str], Any]]:
    """What builds each field of a data class."""
    return {name: _builder(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def _build_tuple(allowed: Allowed, value: Any, key: str) -> Any:
    if not isinstance(value, list | tuple):
        entry = read_annotation(get_args(allowed.kind)[0])
        like = (
            "64,32" if entry.kind is int else show(value) if isinstance(value, str) else next(iter(entry.table or "x"))
        )
        raise UserError(f"{key}={show(value)}: must be a list, like {key}=[{like}]")
    builder = _builder(get_args(allowed.kind)[0])
    return tuple(builder(entry, f"{key}[{i}]") for i, entry in enumerate(value))


def _build_mapping(allowed: Allowed, value: Any, key: str) -> Any:
    if not isinstance(value, Mapping):
        raise UserError(f"{key}={show(value)}: must be a group of keys, not a single value")
    for name in value:
        if not isinstance(name, str):
            raise UserError(f'{key}.{show(name)}: must be a text; write it in quotes: "{show(name)}"')
    builder = _builder(get_args(allowed.kind)[1])
    return {name: builder(entry, f"{key}.{show(name)}") for name, entry in value.items()}


def _build_scalar(options: list[Allowed], value: Any, key: str) -> Any:
    for option in options:
        if not _is_a(value, option.kind):
            continue
        if isinstance(value, list | tuple):
            return _build_tuple(option, value, key)
        if isinstance(value, str) and option.table is not None and value not in option.table:
            words = [word for option in options for word in _WORDS.get(option.kind, ())]
            raise UserError(f"{key}={show(value)}: unknown; {suggestion(value, [*option.table, *words])}")
        if isinstance(value, int | float) and not all(_holds(condition, value) for condition in option.conditions):
            break
        return float(value) if option.kind is float else value
    # Hydra reads an id like 4112080 or 12e456 as a number.
    quotes = f"; in quotes, if it looks like a number: {key}=\"'...'\""
    text = isinstance(value, int | float) and any(option.kind is str and option.table is None for option in options)
    raise UserError(f"{key}={show(value)}: must be {in_words(options)}{quotes if text else ''}")


def _is_a(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple)
    if isinstance(value, bool):  # a subclass of int in Python
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and abs(value) <= sys.float_info.max  # no inf, no nan, no 10**400
    return isinstance(value, kind)


def _holds(condition: str, value: float) -> bool:
    symbol, bound = condition.split()
    return bool(_OPERATORS[symbol](value, float(bound)))


def in_words(options: list[Allowed]) -> str:
    """What options allow, as messages say it."""
    words = []
    for option in options:
        if option.table is not None and option.kind is str:
            words.append(", ".join(option.table))
        elif option.kind in (int, float) and option.conditions:
            words.append(f"{_TYPE_NAMES[option.kind]} {' and '.join(option.conditions)}")
        else:
            listed = get_origin(option.kind) is tuple
            words.append(_described_list(option) if listed else _TYPE_NAMES[option.kind])
    return " or ".join(words)


def _described_list(option: Allowed) -> str:
    entry = read_annotation(get_args(option.kind)[0])
    return "a list of names" if entry.table else "a list of texts" if entry.kind is str else "a list of numbers"


def read_annotation(annotation: Any) -> Allowed:
    """What an annotation allows."""
    if get_origin(annotation) is not Annotated:
        return Allowed(annotation)
    kind, *metadata = get_args(annotation)
    conditions = tuple(entry for entry in metadata if isinstance(entry, str))
    return Allowed(kind, conditions, next((entry for entry in metadata if not isinstance(entry, str)), None))


def options_of(allowed: Allowed) -> list[Allowed]:
    """The options of a union; of anything else, itself."""
    if get_origin(allowed.kind) in (Union, types.UnionType):
        return [allowed._replace(**_given(read_annotation(option))) for option in get_args(allowed.kind)]
    return [allowed]


def _given(allowed: Allowed) -> dict[str, Any]:
    # An option of a union inherits the union's conditions unless it has its own.
    return {name: entry for name, entry in allowed._asdict().items() if entry}
