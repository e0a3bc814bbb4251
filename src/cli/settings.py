"""Settings of a command that Hydra does not parse, typed as KEY=VALUE and checked against a data class."""

import contextlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from src.foundation.errors import UserError, suggestion
from src.foundation.schema import build

if TYPE_CHECKING:
    from src.data.recipes import Recipe

Settings = TypeVar("Settings")


def read_settings(kind: type[Settings], words: Iterable[str]) -> tuple[Settings, list[str]]:
    """The settings that the fields of `kind` describe, and the words that are not among them, in their order.

    Raises:
        UserError: a value is not allowed, or a setting is given twice.
    """
    hints, given, others = get_type_hints(kind), dict[str, Any](), list[str]()
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or key not in hints:
            others.append(word)
        elif key in given:
            raise UserError(f"{word}: {key} is given twice")
        else:
            given[key] = text if str in (hints[key], *get_args(hints[key])) else _number(text)
    settings: Settings = build(kind, given)
    return settings, others


def data_recipe(overrides: Sequence[str], kind: type) -> "Recipe | None":
    """The recipe that overrides of `data` choose; None without overrides. kind: of the settings beside them.

    Raises:
        UserError: one is not about data, or there is no data=RECIPE, or the recipe is not allowed.
    """
    for override in overrides:
        if not override.startswith(("data=", "data.")):
            names = ("data", "data.KEY", *get_type_hints(kind))
            raise UserError(f"{override}: no such setting; {suggestion(override.partition('=')[0], names)}")
    if not overrides:
        return None
    if not any(override.startswith("data=") for override in overrides):
        raise UserError(f"{overrides[0]}: give the recipe, too: data=RECIPE {overrides[0]}")
    from src.config.composition import compose

    return compose(overrides).data


def _number(text: str) -> int | float | str:
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text)
    return text
