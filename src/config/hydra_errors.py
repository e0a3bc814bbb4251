"""Errors of Hydra and OmegaConf in words: what was typed, what is wrong with it, and what to type instead.

Only asked when there is an error, since it imports the whole configuration.
"""

import re
from collections.abc import Mapping, Sequence

from hydra.errors import MissingConfigException, OverrideParseException

from src.config.needs import NEEDS
from src.config.reference import keys
from src.config.slips import as_one_value, cure
from src.foundation.errors import suggestion

_NOBODY_SETS = ("hydra", "conf_digest")


def one_line(error: Exception, arguments: Sequence[str]) -> str:
    """The message for an error that Hydra or OmegaConf raised about a command's arguments."""
    text = str(error).split("Config search path")[0]
    several = re.match(r"Ambiguous value for argument '(.*?)'|Sweep parameters '(.*?)'", text)
    if several:
        key, _, values = (one := several[1] or several[2].split()[0]).partition("=")
        as_one = as_one_value(key, values)
        return f"{one}: several values; `python -m src.train -m` trains with each of them{as_one and f'; {as_one}'}"
    if unknown := re.search(r"BasicSweeper does not support sweep type : (\w+)_SWEEP", text):
        argument = next((a for a in arguments if f"={unknown[1].lower()}(" in a), unknown[1])
        return f"{argument}: can't be swept; allowed: KEY=A,B,C, KEY=choice(A,B,C) and KEY=range(FROM,TO,STEP)"
    if isinstance(error, OverrideParseException):
        at = [*arguments].index(error.override) if error.override in arguments else -1
        meant = cure(arguments, at) if at >= 0 else ""
        return f"{error.override}: can't be read; {meant or 'allowed: KEY=VALUE, with special characters in quotes'}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        return f"{group}={choice}: no such choice; {suggestion(choice, error.options)}"
    if text.startswith("Unsupported item value in defaults"):
        return f'a file in conf/: {text}; a choice that YAML reads as something else needs quotes, like "off"'
    if match := re.match(r"Error merging override (([\w.]+)=.*)", text):
        why = str(error.__cause__ or "not a value of this key").partition("\n")[0]
        return f"{match[1]}: {_inside(match[2]) or why}"
    names: list[str] = []
    if match := re.search(r"invalid literal for int.* '(.*)'", text):  # OmegaConf expected an index of a list
        key = next((a for a in arguments if f".{match[1]}" in a.partition("=")[0]), match[1])
    elif match := re.search(r"Could not override '([^']*)'", text):
        key = next((a for a in arguments if a.lstrip("+~").startswith(f"{match[1]}=")), match[1])
        parent = getattr(error.__cause__, "parent_node", None)
        names = [str(name) for name in parent if name not in _NOBODY_SETS] if isinstance(parent, Mapping) else []
    else:
        return " ".join(text.split()) or type(error).__name__
    if needs := _needs(key.partition("=")[0]):
        return f"{key}: no such key without {needs}"
    listed = suggestion(match[1].rpartition(".")[2], names) if names else "`python -m src.train --help` lists the keys"
    meant = cure([key], 0, but=key.partition("=")[0])
    return f"{key}: no such key; {meant or listed}"


def _inside(group: str) -> str:
    inside = [key for key in keys() if key.startswith(f"{group}.")]
    return f"has keys of its own, which are set one by one: {', '.join(inside)}" * bool(inside)


def _needs(key: str) -> str:
    return " and ".join(need.words for need in NEEDS.get(key, ()))
