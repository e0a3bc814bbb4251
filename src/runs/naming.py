"""The names of runs in MLflow, which tell them apart: legends show some 25 characters, so what differs comes first."""

from collections.abc import Mapping
from typing import Any

from src.config.changes import composed_with
from src.config.composition import choices
from src.config.tree import Config
from src.foundation.schema import flatten
from src.runs.described import DEFAULT, described, differences

_NAMED_ANYWAY = ("experiment", "name", "seed")
_LONGEST = 120  # characters


def run_name(config: Config, swept: Mapping[str, str] | None = None) -> str:
    """A run's name, such as `lr=0.1 tanh s0`: what is swept, what else differs from the default, and the seed.

    The name of an experiment stands for all that this sets, as in `tanh quick s0`; a name of the user's, for all that
    is not swept. swept: what distinguishes the run from the others of its sweep, as it was typed.

    Raises:
        UserError: `conf/` has an error.
    """
    flat = dict(flatten(config.semantic(complete=True)))
    first = {key: _of(flat, key, text) for key, text in (swept or {}).items() if key not in _NAMED_ANYWAY}
    others = {key: value for key, value in differences(flat).items() if key not in (*first, *_NAMED_ANYWAY)}
    if config.name in choices("experiment"):
        base = composed_with(f"experiment={config.name}")
        others = {key: value for key, value in others.items() if _of(base, key) != value}
    elif config.name:
        others = {}
    words = [described(part) for part in (first, others) if part]
    words += [config.name] if config.name else [] if words else [DEFAULT]
    text = " ".join(words)
    return f"{text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'} s{config.seed}"


def _of(flat: Mapping[str, Any], key: str, otherwise: Any = None) -> Any:
    """The value of a key, or the choice of a group."""
    return flat.get(key, flat.get(f"{key}.name", otherwise))
