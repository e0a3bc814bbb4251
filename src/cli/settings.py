"""Settings of a command that Hydra does not parse, typed as KEY=VALUE and checked against a data class."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from src.foundation.errors import UserError
from src.foundation.schema import build

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


def is_setting(word: str) -> bool:
    """Whether a word of a command line is KEY=VALUE, not a file."""
    return "=" in word and not Path(word).exists()


def _number(text: str) -> int | float | str:
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text)
    return text
