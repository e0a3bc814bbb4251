"""What differs between a run and the default, in a few words: `tanh [64,32] sgd lr=0.05`."""

import functools
import re
from collections.abc import Container, Mapping
from typing import Any

from src.config.changes import GROUPS, changes
from src.foundation.schema import show, written

# What tells runs apart best comes first: legends and narrow columns show about 25 characters. Others follow as conf/
# orders them.
_FIRST = (
    *("data", "model.act", "model.hidden", "optimizer", "optimizer.lr", "schedule", "model.init", "model.dropout"),
    *("train.batch_size", "train.epochs"),
)
_BARE = {*GROUPS, "model.act", "model.init", "model.hidden"}  # whose values explain themselves
_LAST = "seed"
_SHORT = ("model.", "optimizer.", "train.")  # groups whose keys are known without them
_DIGEST = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{24,}\b")  # such as of what a run starts from
DEFAULT = "default"
_DIGITS = 12  # of a digest that is a whole value


def differences(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's configuration changes, most telling first: keys with values, and groups by their name.

    config: the flattened semantic configuration, as for `changes`. The seed is last.
    """
    changed = changes(config)
    first = [key for key in _FIRST if key in changed]
    others = [key for key in changed if key not in first and key != _LAST]
    return {key: changed[key] for key in (*first, *others, *([_LAST] if _LAST in changed else []))}


def described(differs: Mapping[str, Any], without: Container[str] = ()) -> str:
    """Differences as one line, such as `relu sgd lr=0.05 s3`; `default` if there are none.

    without: keys that are left out.
    """
    words = (
        (_word if isinstance(value, list) else _known_word)(key, value)
        for key, value in differs.items()
        if key not in without
    )
    return " ".join(words) or DEFAULT


def fact(record: Mapping[str, Any], key: str, absent: str) -> str:
    """What a run's record has under a key, for people; of a digest, its beginning."""
    text = show(record[key]) if key in record else absent
    return text[:_DIGITS] if re.fullmatch("[0-9a-f]{40,}", text) else text


def _word(key: str, value: Any) -> str:
    text = _DIGEST.sub(r"\1", written(value).removesuffix(".0"))
    if key == "model.hidden" and not value:
        return "linear"
    if key == _LAST:
        return f"s{text}"
    if key in _BARE:
        return text
    short = key.partition(".")[2] if key.startswith(_SHORT) else key
    return f"{short}={text}"


# Ten thousand runs share most of their words. Typed: 1 and true are equal.
_known_word = functools.lru_cache(maxsize=4096, typed=True)(_word)
