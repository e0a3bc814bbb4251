"""What can be typed: the groups with their choices, and the keys with what they mean, as `conf/` explains them."""

import dataclasses
import functools
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from src.config.groups import CONF, choices
from src.foundation.schema import flatten, in_words, options_of, read_annotation, show

GROUPS = ("data", "model", "optimizer", "schedule", "train", "draws", "tracking")
TITLED = ("experiment", "debug")  # groups whose choices are listed with their titles
_HIDDEN = ("conf_digest", "studies")  # which nobody types
_WIDTH, _COLUMN = 118, 34  # characters of a line, and before a key's text
_HELP = """\
Trains one network, or a grid with -m. Results go to runs/<fingerprint>/ and to MLflow.

  python -m src.train [-m] [GROUP=CHOICE ...] [KEY=VALUE ...]

== Groups: GROUP=CHOICE selects conf/GROUP/CHOICE.yaml ==
{groups}

== Experiments: experiment=NAME; what you type besides comes on top ==
{experiment}

== First looks at something new: debug=NAME ==
{debug}

== Keys: KEY=VALUE changes one ==
{keys}

== Examples ==
  python -m src.train                                           the default network
  python -m src.train model.act=tanh 'model.hidden=[100,50]'    two hidden layers, tanh
  python -m src.train optimizer=momentum optimizer.lr=0.05      another optimizer and learning rate
  python -m src.train data=digits train.epochs=5                another dataset, a short run
  python -m src.train experiment=quick                          a small network, in seconds
  python -m src.train train=native                              in half the time; bits depend on the machine
  python -m src.train train.start_from=RUN                      goes on with the network of a run, or of a file
  python -m src.train debug=overfit_batch model.act=tanh        can this network learn one batch by heart?
  python -m src.train -m model.act=relu,sigmoid seed=0,1,2      a grid: six runs in parallel
  python -m src.train -m optimizer=sgd,adam tracking.sheet=curves    and their learning curves on one sheet

Compare runs with `make ui`. To resume an interrupted run, repeat its command. A finished run is not trained again
unless train.fresh=true. tracking=off skips MLflow and figures. --cfg job prints the configuration.
Exit codes: 0 done; 1 a run failed; 2 the input is wrong; 130 interrupted.
"""


class Key(NamedTuple):
    """A key of the configuration: its dotted name, and what is allowed, in words and, if they are listed, as names."""

    name: str
    allowed: str
    names: tuple[str, ...]


def help_text(composed: Mapping[str, Any]) -> str:
    """The text of `python -m src.train --help`, with the values of a configuration, which is a plain tree."""
    values = dict(flatten(composed))
    groups = "\n".join(_hanging(f"  {group}", ", ".join(choices(group)), 14) for group in (*GROUPS, *TITLED[1:]))
    titled = {group: "\n".join(_titles(group)) for group in TITLED}
    return _HELP.format(groups=groups, keys="\n".join(_explained(values)), **titled)


@functools.cache
def keys() -> Mapping[str, Key]:
    """All keys by their names, in the order of the configuration."""
    from src.config.tree import Config

    found = dict[str, Key]()
    for key in _keys_of(Config, ""):
        if key.name not in _HIDDEN:
            found.setdefault(key.name, key)
    return found


def _keys_of(kind: Any, prefix: str) -> Iterator[Key]:
    """The keys below a data class. Where a table has several data classes, those of each, so some come twice."""
    hints = get_type_hints(kind, include_extras=True)
    for f in dataclasses.fields(kind):
        name, allowed = f"{prefix}{f.name}", read_annotation(hints[f.name])
        if dataclasses.is_dataclass(allowed.kind):
            for inner in allowed.table.values() if isinstance(allowed.table, Mapping) else [allowed.kind]:
                yield from _keys_of(inner, f"{name}.")
        elif get_origin(allowed.kind) is Mapping:
            entry = read_annotation(get_args(allowed.kind)[1])
            yield Key(name, f"names, each with one of: {', '.join(entry.table or ())}", ())
        else:
            options = options_of(allowed)
            lists = [read_annotation(get_args(one.kind)[0]) for one in options if get_origin(one.kind) is tuple]
            names = tuple(dict.fromkeys(name for one in (*options, *lists) for name in one.table or ()))
            listed = f": {', '.join(names)}" if names and len(options) == len(lists) else ""
            yield Key(name, in_words(options) + listed, names)


def _explained(values: Mapping[str, object]) -> Iterator[str]:
    comments = _comments()
    for name, key in keys().items():
        if name.endswith(".name") and name.partition(".")[0] in ("optimizer", "schedule", "tracking"):
            continue  # a choice of the group
        value = f"={show(values[name])}" if name in values else ""
        group = name.partition(".")[0]
        chosen = f"(of another {group}) " if name not in values and group in ("optimizer", "schedule") else ""
        told = f"{comments[name].removesuffix('.')}; allowed: " if comments.get(name) else "allowed: "
        yield _hanging(f"  {name}{value}", f"{chosen}{told}{key.allowed}", _COLUMN)


def _titles(group: str) -> Iterator[str]:
    for name in choices(group):
        lines = (Path(CONF) / group / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        comment = []
        for line in lines:
            if not line.startswith("#"):
                break
            if "@package" not in line:
                comment.append(line.removeprefix("#").strip())
        title = re.split(r"(?<=[.?])\s", " ".join(comment), maxsplit=1)[0]
        yield _hanging(f"  {name}", title, 24)


def _comments() -> dict[str, str]:
    """The comment of each key: behind it, or in the lines above it, in the first file that has one."""
    found = dict[str, str]()
    for group in ("", *GROUPS):
        base = Path(CONF) / group
        first = {"": "config", "data": "mnist", "draws": "default", "tracking": "mlflow"}.get(group, "")
        files = [base / f"{first}.yaml"] if first else sorted(base.rglob("*.yaml"))
        for file in files:
            for key, comment in _comments_of(file.read_text(encoding="utf-8")):
                found.setdefault(f"{group}.{key}".removeprefix("."), comment)
    return found


def _comments_of(text: str) -> Iterator[tuple[str, str]]:
    parents: list[tuple[int, str]] = []
    above: list[str] = []
    begun = False  # the lines at the top are of the file
    for line in text.splitlines():
        if match := re.match(r"( *)# ?(.*)", line):
            above += [match[2]] if begun else []
        elif match := re.match(r"( *)(\w+):(?: (?:.*?))??(?:\s+# (.*))?$", line):
            indent, key = len(match[1]), match[2]
            parents = [(depth, name) for depth, name in parents if depth < indent]
            parents.append((indent, key))
            if comment := " ".join([*above, *([match[3]] if match[3] else [])]):
                yield ".".join(name for _, name in parents), comment
            above, begun = [], True
        else:
            above = []


def _hanging(label: str, text: str, column: int) -> str:
    """A label, and beside it a text in lines of the same indent; below it if the label is long."""
    lines = textwrap.wrap(text, _WIDTH - column) or [""]
    first = f"{label:{column - 1}} {lines[0]}" if len(label) < column else f"{label}\n{' ' * column}{lines[0]}"
    return "\n".join([first, *(f"{' ' * column}{line}" for line in lines[1:])])
