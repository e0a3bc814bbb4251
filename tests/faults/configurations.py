"""Overrides drawn from the schema: for every key, values that its annotation allows, and values that it does not.

A key that is added to a data class is drawn from then on; `TOGETHER` has what several keys decide together.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_origin

from hypothesis import strategies as st

from src.config.composition import choices
from src.config.tree import Config
from src.data.recipe import AS_BEFORE
from src.foundation import schema
from src.nn.activations import ACTIVATIONS
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from tests.helpers.annotations import LARGEST, Drawn, bounds, good, hints, options
from tests.helpers.composing import composed

CLASSES = 10  # of the digits
TABLES = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}


class Key(NamedTuple):
    """A key that users type, and what its annotation allows."""

    name: str
    options: tuple[Any, ...]  # of a union; else one


class Override(NamedTuple):
    """What is typed, and the key that it is about."""

    key: str
    text: str


def keys(kind: type, prefix: str = "") -> Iterator[Key]:
    """The leaves of a data class, in the form in which they are typed; those out of a table apart."""
    for name, hint in hints(kind).items():
        allowed = options(hint)
        if name in TABLES and not prefix:
            continue
        if dataclasses.is_dataclass(allowed[0].kind):
            yield from keys(allowed[0].kind, f"{prefix}{name}.")
        else:
            yield Key(prefix + name, allowed)


KEYS = [key for key in keys(Config) if key.name != "conf_digest"]


def keys_of(group: str, choice: str) -> list[Key]:
    """The keys of an optimizer or a schedule."""
    name = getattr(composed(f"{group}={choice}"), group).name
    return list(keys(TABLES[group][name], f"{group}."))


def bad(key: Key) -> Drawn:
    """Texts that the key does not take: another type, beyond a bound, in no table, interpolated."""
    kinds = [option.kind for option in key.options]
    lists = any(get_origin(kind) is tuple for kind in kinds)
    of_texts = any(get_origin(kind) is tuple and get_args(kind)[0] is str for kind in kinds)
    texts = ["{a: 1}", "[[1]]", "[1, a]" if of_texts else "[a]", "${seed}", "${oc.env:HOME}", "???", "nan", "1e999"]
    texts += ["-1e999"]
    texts += ["true", "False"] if bool not in kinds else []
    texts += ["null"] if type(None) not in kinds else []
    texts += ["1.5", "1e0"] if float not in kinds else []
    texts += ["7"] if int not in kinds and float not in kinds else []
    texts += ["[-1]", "[1, null]", "[1, true]", "[1, '2']"] if lists else ["[]", "[1]"]
    texts += ["[0]"] if lists and float not in kinds and not key.name.endswith("_seeds") else []
    for option in key.options:
        for sign, limit in bounds(option.conditions).items():
            beyond = limit + {">=": -1, ">": 0, "<=": 1, "<": 0}[sign]
            texts.append(str(int(beyond) if option.kind is int else beyond))
    drawn: Drawn = st.sampled_from(texts)
    if all(option.table is not None for option in key.options if option.kind is str):
        known = {word for option in key.options if option.kind is str for word in option.table}
        words = st.from_regex(r"[a-zA-Z_]{1,12}", fullmatch=True) | st.sampled_from(["'1'", "''", "é", "1_", "\udcff"])
        drawn |= words.filter(lambda word: word.lower() not in known | {"true", "false", "null", "nan", "inf"})
    return drawn


# What several keys, or a key and the data, decide together.
TOGETHER: Mapping[str, Drawn] = {
    "model.hidden": st.lists(st.integers(1, LARGEST), max_size=3),
    "model.class_weights": st.none()
    | st.just("balanced")
    | st.lists(st.floats(1e-3, 1e3), min_size=CLASSES, max_size=CLASSES),
    "model.act": st.sampled_from(sorted(ACTIVATIONS)),  # lists fit the layers: see `allowed`
    "model.dropout": st.floats(0, 1, exclude_max=True),
    "model.single_output": st.just(False),  # of ten classes
    "train.batch_size": st.none() | st.integers(1, LARGEST) | st.just(1257),
    "train.monitor": st.sampled_from(["valid_accuracy", "valid_loss"]),  # others are to be measured, too
    "train.evaluate_dropout": st.just(False),  # which needs some
    "train.update_first": st.just(False),  # of plain gradient descent
    "train.unit_targets": st.just([]),  # digits have no groups
    "tracking.tags": st.lists(st.sampled_from(["draft", "paper:icml", "a-b_c:x, é = 'y'"]), max_size=3),
    "train.start_from": st.none(),  # nothing is trained yet
    "train.start_optimizer": st.just(False),
    "data.split.published_test": st.just(False),
    "data.split.draw": st.just("test_first"),  # others can't stratify, or need sets of equal size
    "data.split.overlap": st.just("none"),
    "data.split.skip": st.integers(0, LARGEST),
    "train.threads": st.integers(1, 3),
    "data.name": st.sampled_from(["digits", "-", "1e5", "null", "_" * 100]),
    "data.source": st.just("digits"),
    "data.mirror": st.none(),
    "data.folder": st.none() | st.just("digits"),
    **{f"data.{key}": st.just(schema.plain(value)) for key, value in AS_BEFORE.items()},  # of other sources
    "train.epochs": st.integers(2, LARGEST) | st.just(10**30),  # more than the warm-up of schedule=warmup
    "data.seed": st.sampled_from([0, 4294967295]),
    "studies": st.lists(st.sampled_from(choices("ablation")), max_size=2, unique=True),
}
APART = (
    *("model.output", "model.loss", "schedule.warmup", "data.split.train", "data.split.valid", "data.split.test"),
    *(key.name for key in KEYS if key.name.startswith("draws.")),
)


def typed(value: Any) -> str:
    """A value as an override has it: a text in quotes, with what they need escaped."""
    if isinstance(value, str) and (value == "null" or not re.fullmatch(r"[a-z_]+", value)):
        escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
        escaped = re.sub(r"(\\+)$", r"\1\1", escaped)
        return f"'{escaped}'"
    if isinstance(value, list):
        return f"[{','.join(map(typed, value))}]"
    return schema.written(value)


@st.composite
def allowed(draw: st.DrawFn) -> list[Override]:
    """Overrides that are a configuration which can train."""
    groups = {group: draw(st.sampled_from(choices(group))) for group in TABLES}
    overrides = [Override(group, f"{group}={choice}") for group, choice in groups.items()]
    candidates = [*KEYS, *(key for group, choice in groups.items() for key in keys_of(group, choice))]
    candidates = [key for key in candidates if key.name not in APART]
    chosen = draw(st.lists(st.sampled_from(candidates), max_size=6, unique_by=lambda key: key.name))
    values = {key.name: draw(TOGETHER.get(key.name, st.one_of(map(good, key.options)))) for key in chosen}
    for name, entry in (("model.act", sorted(ACTIVATIONS)), ("model.dropout", [0.0, 0.2, 0.9])):
        if draw(st.booleans()) and "model.hidden" in values:
            values[name] = [draw(st.sampled_from(entry)) for _ in values["model.hidden"]]
    if draw(st.booleans()):
        values["model.output"], values["model.loss"] = draw(st.sampled_from(sorted(HEADS)))
    if draw(st.booleans()):
        epochs = values.setdefault("train.epochs", draw(st.integers(2, LARGEST)))
        values["schedule.warmup"] = draw(st.floats(0, epochs - 1 if epochs < 1e6 else 1e6))
    if values.get("train.steps_per_epoch"):
        values["train.order"] = "drawn"
    if draw(st.booleans()):
        shuffled = values.get("train.order", "shuffled") == "shuffled"
        choice = draw(st.sampled_from(["one_stream", *(["layer_by_layer"] if shuffled else [])]))
        values["rng"] = "legacy"
        overrides.append(Override("draws", f"draws={choice}"))
    overrides += [Override(name, f"{name}={typed(value)}") for name, value in values.items()]
    return overrides


@st.composite
def refused(draw: st.DrawFn) -> tuple[list[Override], Override]:
    """Overrides of which the last is a mistake, and that one."""
    overrides = draw(allowed())
    group = {override.key: override.text.partition("=")[2] for override in overrides[: len(TABLES)]}
    candidates = [*KEYS, *(key for name, choice in group.items() for key in keys_of(name, choice))]
    key = draw(st.sampled_from(candidates))
    wrong = bad(key).map(lambda text: Override(key.name, f"{key.name}={text}"))
    mistake = draw(st.sampled_from(list(_unknown(key))) | wrong)
    return [*(override for override in overrides if override.key != key.name), mistake], mistake


def _unknown(key: Key) -> Iterator[Override]:
    parent, _, leaf = key.name.rpartition(".")
    nearby = f"{parent}.{leaf[::-1]}q" if parent else f"{leaf}q"
    for name in (f"{key.name}x", nearby, f"{key.name}.deeper", f"{key.name}.7"):
        yield Override(name, f"{name}=1")
    for text in (f"+{key.name}=1", f"++{key.name}=1", f"~{key.name}", f"+{key.name}.x=1"):
        yield Override(key.name, text)


# Anything that a keyboard can make of a line: pieces of right overrides and of Hydra's grammar, in any order.
_PIECES = [
    *(key.name for key in KEYS), *TABLES, "experiment", "data", "=", "=", "=", ",", "relu", "adam", "digits",
    "1", "0.5", "-3", "1e5", "null", "true", "[", "]", "{", "}", "(", ")", ":", "'", '"', "\\", "+", "~", "@",
    "/", ".", "..", "$", "${", "*", "%", "&", "#", " ", "\t", "\n", "\r", "\x1b", "\u2028", "é", "𝄞", "\udc80",
    "choice(1,2)", "range(3)", "interval(0,1)", "glob(*)", "int(1)", "!!python/object:os.system", "_target_",
]  # fmt: skip
_SOUP = st.lists(st.sampled_from(_PIECES), min_size=1, max_size=6).map("".join)
_LINES = _SOUP | st.builds("{}={}".format, st.sampled_from([*(key.name for key in KEYS), *TABLES]), _SOUP)
WILD = st.lists(_LINES.filter(lambda line: not re.match(r"[+~]*(hydra|-)", line)), min_size=1, max_size=2)
