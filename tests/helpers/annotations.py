"""Values that the annotations of configurations allow, as Hypothesis draws them."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from src.foundation import schema

Drawn = st.SearchStrategy[Any]
LARGEST = 64  # of what has no bound, so that a step is quick


def hints(kind: type) -> dict[str, Any]:
    """The annotations of a data class's fields."""
    every = get_type_hints(kind, include_extras=True)
    return {field.name: every[field.name] for field in dataclasses.fields(kind)}


def options(hint: Any) -> tuple[Any, ...]:
    """What an annotation allows, with conditions and table: each option of a union, else one."""
    allowed = schema.read_annotation(hint)
    union = get_origin(allowed.kind) in (Union, types.UnionType)
    read = [schema.read_annotation(option) for option in get_args(allowed.kind)] if union else [allowed]
    return tuple(allowed._replace(**schema._given(option)) for option in read)


def bounds(conditions: tuple[str, ...]) -> dict[str, float]:
    """What conditions such as `>= 0` say, by their sign."""
    return {condition.split()[0]: float(condition.split()[1]) for condition in conditions}


def good(option: Any) -> Drawn:
    """Values that an option of an annotation allows, those at its bounds among them."""
    limits = bounds(option.conditions)
    if option.kind is type(None):
        return st.none()
    if option.kind is bool:
        return st.booleans()
    if option.kind is str:
        return st.sampled_from(list(option.table)) if option.table is not None else st.text("aé .,=-'\\$", max_size=9)
    if get_origin(option.kind) is Mapping:
        return st.just({})  # its names are the data's
    if option.kind is int:
        low = int(limits.get(">=", limits.get(">", -1) + 1))
        return st.integers(low, low + LARGEST) | st.just(int(limits.get("<=", low + 10**30)))
    if option.kind is float:
        low, high = limits.get(">=", limits.get(">", -1e300)), limits.get("<=", limits.get("<", 1e300))
        ends = {"exclude_min": ">" in limits, "exclude_max": "<" in limits}
        return st.floats(low, min(high, low + 2), **ends) | st.floats(low, high, **ends)
    element = schema.read_annotation(get_args(option.kind)[0])
    return st.lists(good(element), max_size=3)
