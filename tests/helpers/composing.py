"""Composing `conf/` for tests that do not judge how it is composed: each list of overrides once."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from src.config import composition
from src.config.tree import Config

Small = Callable[..., Config]  # the fixture `small`


@functools.cache  # a configuration is immutable, and composing one takes 0.15 s
def composed(*overrides: str) -> Config:
    """The configuration that overrides give."""
    return composition.compose(overrides)


def compose(overrides: Sequence[str]) -> Config:
    """`src.config.composition.compose`, cached."""
    return composed(*overrides)


def put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Sets a dotted key of a plain tree."""
    *parents, last = key.split(".")
    functools.reduce(operator.getitem, parents, tree)[last] = value
