"""What a user may have meant by an argument that can't be read, or that names nothing.

Only asked when there is an error, since it imports the whole configuration.
"""

import difflib
from collections.abc import Iterator, Sequence

from src.config.groups import choices
from src.config.reference import keys

_GROUPS = ("data", "model", "optimizer", "schedule", "train", "draws", "tracking", "experiment", "debug")
# What other libraries call it.
_ELSEWHERE = {
    **dict.fromkeys(("activation", "nonlinearity"), "model.act"),
    **dict.fromkeys(("learning_rate", "rate", "step_size"), "optimizer.lr"),
    **dict.fromkeys(("layers", "hidden_layers", "hidden_layer_sizes", "hidden_size", "units"), "model.hidden"),
    **dict.fromkeys(("max_epochs", "num_epochs", "n_epochs", "max_iter"), "train.epochs"),
    **dict.fromkeys(("early_stopping", "n_iter_no_change"), "train.patience"),
    **dict.fromkeys(("random_state", "random_seed"), "seed"),
    **dict.fromkeys(("initializer", "weight_init"), "model.init"),
    **dict.fromkeys(("dataset", "datasets"), "data"),
    **dict.fromkeys(("solver", "optim"), "optimizer"),
}
_SHOWN = 3  # overrides that a message offers
_CLOSES = {"[": "]", "(": ")", "{": "}"}


def cure(arguments: Sequence[str], at: int, but: str = "") -> str:
    """What to type in place of `arguments[at]`, as the end of a message; empty if nobody can tell.

    The argument may be an override with a key or a choice that does not exist, or something else: part of an override
    that the shell has cut at a space, an option, a value alone. but: a group or key that it is known not to be.
    """
    word = arguments[at].lstrip("-+~")
    if (whole := _joined(arguments, at)) is not None:
        return f"quote it, so that the shell keeps it whole: '{whole}'" if whole else "a bracket is not closed"
    name, equals, value = word.partition("=")
    before = arguments[at - 1] if at else ""
    if not equals and before.partition("=")[0] in keys() and "list" in keys()[before.partition("=")[0]].allowed:
        key, _, value = before.partition("=")
        return f"did you mean '{key}=[{value.strip('[],')},{word.strip('[],')}]'?"
    if not equals:
        name, value = _halves(arguments, at, word)
    if not equals and (names := list(_owners(word))):
        return f"did you mean {' or '.join(names[:_SHOWN])}?"
    meant = [key for key in dict.fromkeys(_meant(name, value)) if key != but and _allows(key, value)]
    shown = [text for key in meant[:_SHOWN] if (text := f"{key}={value or 'VALUE'}") != word]
    return f"did you mean {' or '.join(shown)}?" if shown else ""


def _joined(arguments: Sequence[str], at: int) -> str | None:
    """The override of which the argument is the first part, cut inside a bracket; empty if it never closes."""
    text = ""
    for word in arguments[at:]:
        text += word
        open_brackets = [sign for sign in text if sign in "[]{}()"]
        if all(open_brackets.count(one) == open_brackets.count(other) for one, other in _CLOSES.items()):
            return None if word == arguments[at] else text
    return ""


def _halves(arguments: Sequence[str], at: int, word: str) -> tuple[str, str]:
    """Key and value of what was written with other signs than `=`, as in `lr = 0.1`, `lr: 0.1` and `--lr 0.1`."""
    name, _colon, value = word.partition(":")
    after = [*arguments[at + 1 : at + 3], "", ""]
    if not value and after[0].startswith("="):
        value = after[0][1:] or after[1]
    elif not value and "=" not in after[0] and not after[0].startswith("-"):
        value = after[0]
    return name, value


def _meant(name: str, value: str) -> Iterator[str]:
    """Keys and groups that a name may stand for, the most likely first; then those that allow it as a value."""
    known, name = [*keys(), *_GROUPS], name.lower().replace("-", "_")
    if name in known:
        yield name
        if name not in _GROUPS or not value or value in choices(name):
            return
    last = name.rpartition(".")[2]
    yield from filter(None, [_ELSEWHERE.get(last)])
    yield from (key for key in keys() if key.rpartition(".")[2] == last)
    yield from (key for key, about in keys().items() if key.startswith(f"{name}.") and value in about.names)
    yield from difflib.get_close_matches(name, keys(), n=1, cutoff=0.75)
    lasts = {key.rpartition(".")[2]: key for key in reversed([*keys()])}
    yield from (key for short, key in lasts.items() if last and short.startswith(f"{last}_"))
    for short in difflib.get_close_matches(last, [*lasts], n=1, cutoff=0.8):
        yield lasts[short]


def _allows(key: str, value: str) -> bool:
    """Whether a key or a group may have this value: False only where all that is allowed are other names."""
    if key in _GROUPS:
        return not value or value in choices(key)
    about = keys()[key]
    return not value or not about.names or value in about.names or "list" in about.allowed or "number" in about.allowed


def _owners(word: str) -> Iterator[str]:
    """The overrides that a value, or the name of a choice, stands for if it is typed alone."""
    yield from (f"{group}={word}" for group in _GROUPS if word in choices(group))
    yield from (f"{key}={word}" for key, about in keys().items() if word in about.names and key != "tracking.gallery")
