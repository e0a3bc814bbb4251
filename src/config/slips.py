"""What a user may have meant by an argument that can't be read, that names nothing, or whose value is not allowed.

Only asked when there is an error, since it imports the whole configuration.
"""

import difflib
import re
import shlex
from collections.abc import Iterator, Sequence

from src.config.groups import choices
from src.config.reference import GROUPS, TITLED, keys

_GROUPS = (*GROUPS, *TITLED)
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
_SHORTEST = 3  # letters of an abbreviation
_CLOSES = {"[": "]", "(": ")", "{": "}"}
# What word processors and chats make of signs, and spaces that separate no words in a shell.
_PLAIN = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-") | {"\u2014": "--", "\uff1d": "=", "\uff0c": ","}
)
_QUOTES = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_SPACES = r"[\s\u200b\ufeff]+"
_RANGE = re.compile(r"(\d+)(\.\.|-|:)(\d+)")


def cure(arguments: Sequence[str], at: int, but: str = "") -> str:
    """What to type in place of `arguments[at]`, as the end of a message; empty if nobody can tell.

    The argument may be an override with a key or a choice that does not exist, or something else: part of an override
    that the shell has cut at a space, an option, a value alone. but: a group or key that it is known not to be.
    """
    if (typed := typographic(arguments[at])) != arguments[at]:
        return f"did you mean {typed}?"
    word = arguments[at].lstrip("-+~")
    name, equals, value = (part.strip() for part in word.partition("="))
    if (whole := _joined(arguments, at)) is not None:
        if equals and not whole and _takes_a_text(name):
            return _readable(name, value)
        return f"quote it, so that the shell keeps it whole: '{whole}'" if whole else "a bracket is not closed"
    if equals and name in keys():
        return _readable(name, value)
    group, _, choice = name.rpartition(".")
    if group in _GROUPS and choice in choices(group):  # optimizer.nesterov=true
        return f"did you mean {group}={choice}?"
    before = arguments[at - 1] if at else ""
    if not equals and re.search(r"=(.*,)?$", before):
        return f"did you mean {before}{word}?"
    if not equals and before.partition("=")[0] in keys() and "list" in keys()[before.partition("=")[0]].allowed:
        key, _, value = before.partition("=")
        return f"did you mean '{key}=[{value.strip('[],')},{word.strip('[],')}]'?"
    if not equals:
        name, value = _halves(arguments, at, word)
    if not equals and (names := list(_owners(word))):
        return f"did you mean {' or '.join(names[:_SHOWN])}?"
    meant = [key for key in dict.fromkeys(_meant(name, value)) if key != but and _allows(key, value)]
    if but in _GROUPS:  # and no choice of it: only what has such a value
        meant = [key for key in meant if value in (choices(key) if key in _GROUPS else keys()[key].names)]
    shown = [text for key in meant[:_SHOWN] if (text := f"{key}={value or 'VALUE'}") != word]
    return f"did you mean {' or '.join(shown)}?" if shown else ""


def typographic(word: str) -> str:
    """An argument with plain signs in place of typographic ones, as it is to be typed; several, if it has several."""
    parts = [part for part in re.split(rf"{_SPACES}(?=[\w.]+=)|^{_SPACES}|{_SPACES}$", word) if part]
    name, _, value = word.partition("=")
    inside = _takes_a_text(name) and value.strip(_QUOTES) == value  # they may be meant
    if len(parts) == 1 and (inside or not {*word} & {*_QUOTES, *map(chr, _PLAIN)}):
        return word if parts == [word] else shlex.quote(parts[0])
    plain = [part.translate({ord(sign): None for sign in _QUOTES}).translate(_PLAIN) for part in parts]
    words = " ".join(shlex.quote(re.sub(r"^--(?=\w$)", "-", part)) for part in plain)
    return f"{words}, as {len(plain)} words" if len(plain) > 1 else words


def quoted(key: str, value: str) -> str:
    """An override whose value is a text, as a shell and Hydra need it."""
    from hydra.core.override_parser.types import Quote, QuotedString

    single, double = (f"{key}={QuotedString(value, quote).with_quotes()}" for quote in (Quote.single, Quote.double))
    if not re.search(r'["$`!]|\\\\', single):
        return f'"{single}"'
    return shlex.quote(single if "'" in double else double)


def another_value(message: str, arguments: Sequence[str]) -> str:
    """What to type if a message refuses an argument's value, as the end of the message; empty if nobody can tell."""
    if "did you mean" in message or not re.search("=.*: (must be|length|unknown)", message):
        return ""
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key not in keys() or not re.match(rf"{re.escape(key)}(\[\d+\])?=", message):
            continue
        allowed = keys()[key].allowed
        if "list" not in allowed and "an integer" in allowed and (match := _RANGE.fullmatch(value)):
            last = int(match[3]) + (match[2] != ":")
            return f"did you mean -m '{key}=range({match[1]},{last})'?"
        words = re.findall(r"[\w.]+", value)
        if "list" not in allowed or (": length" in message and value.startswith("[")):
            return f"did you mean -m {key}={','.join(words)}?" if re.fullmatch(r"\[.*,.*\]", value) else ""
        several = f", or -m '{key}={','.join(f'[{word}]' for word in words)}'" if "," in value else ""
        return f"did you mean '{key}=[{','.join(words)}]'{several}?" if len(words) > 1 and "[" not in value[1:] else ""
    return ""


def as_one_value(key: str, values: str) -> str:
    """How to type what Hydra takes for several values as one: a list, a text, a number with a decimal comma."""
    if key not in keys() or "(" in values:
        return ""
    if "list" in keys()[key].allowed:
        return f"as one list: '{key}=[{values}]'"
    if _takes_a_text(key):
        return f"as one text: {quoted(key, values)}"
    number = re.fullmatch(r"\d+,\d+", values) and "number" in keys()[key].allowed
    return f"with a decimal point: {key}={values.replace(',', '.')}" if number else ""


def _readable(key: str, value: str) -> str:
    """What to type in place of a value that Hydra's grammar does not have."""
    allowed = keys()[key].allowed
    if re.fullmatch(r"[\w.+-]+(,[\w.+-]+)*", plain := value.strip("=, "), re.ASCII):  # which can be read
        return f"did you mean {key}={plain}?"
    if _takes_a_text(key):
        return f"quote it, for the shell and for Hydra: {quoted(key, value)}"
    numbers = re.findall(r"[\w.+-]+", value)
    return f"did you mean '{key}=[{','.join(numbers)}]'?" if "list" in allowed and numbers else f"allowed: {allowed}"


def _takes_a_text(key: str) -> bool:
    return key in keys() and "a text" in keys()[key].allowed


def _joined(arguments: Sequence[str], at: int) -> str | None:
    """The override of which the argument is the first part, cut inside a bracket; empty if it never closes."""
    text, apart = "", " " if _takes_a_text(arguments[at].partition("=")[0]) else ","
    for word in arguments[at:]:
        text += apart * bool(re.search(r"[\w.]$", text) and re.match(r"[\w.+-]", word)) + word
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
    name = next((key for key in known if re.sub(r"\W", "_", key) == re.sub(r"\W", "_", name)), name)
    if name in known:
        yield name
        if name not in _GROUPS or not value or value in choices(name):
            return
    last = name.rpartition(".")[2]
    yield from filter(None, [_ELSEWHERE.get(last)])
    begun = [group for group in _GROUPS if len(name) >= _SHORTEST and group.startswith(name)]
    for group in (difflib.get_close_matches(name, _GROUPS, n=1, cutoff=0.75) or begun)[:1]:
        yield group
        if value in choices(group):
            return
    yield from (key for key in keys() if key.rpartition(".")[2] == last)
    yield from (key for key, about in keys().items() if key.startswith(f"{name}.") and value in about.names)
    yield from difflib.get_close_matches(name, keys(), n=1, cutoff=0.75)
    lasts = {key.rpartition(".")[2]: key for key in reversed([*keys()])}
    yield from (key for short, key in lasts.items() if last and short.startswith(f"{last}_"))
    for short in difflib.get_close_matches(last, [*lasts], n=1, cutoff=0.8):
        yield short if short in keys() else lasts[short]


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
