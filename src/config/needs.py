"""Which keys have an effect only beside certain values of others.

A typed key that changes nothing is a slip: its author believes in a setting that no run has, so commands refuse it. In
files, and after `-S` of DVC, such keys are allowed, since a group lists all of its keys. The table is here and not
beside the fields, because the files of the network and of training are part of every run's identity.
"""

import dataclasses
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from src.config.tree import Config
from src.data.recipe import OWN
from src.data.sources import SOURCES
from src.data.splits import OVERLAPS
from src.foundation.errors import UserError
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES, Constant, Step
from src.training.draws import Draws


class Need(NamedTuple):
    """What gives a key an effect, and how a message calls that."""

    met: Callable[[Config], object]
    words: str


_HIDDEN = Need(lambda c: c.model.hidden, "hidden units, such as model.hidden=[64]")
_DRAWN = Need(lambda c: c.train.start_from is None or c.rng == "legacy", "drawn weights, train.start_from=null")
_BIAS = Need(lambda c: c.model.bias, "model.bias=true or model.bias=fixed")
_LEGACY = Need(lambda c: c.rng == "legacy", "rng=legacy")
_RECORDED = Need(lambda c: c.tracking.name == "mlflow", "tracking=mlflow")
_SPLIT = Need(lambda c: _sets_drawn(c) > 1, "a split that is drawn, such as data.split.overlap=none")


def _initialized_by(name: str) -> Need:
    return Need(
        lambda c: c.model.init == name or (c.model.bias and c.model.bias_init == name),
        f"model.init={name} or model.bias_init={name}",
    )


def _sets_drawn(config: Config) -> int:
    split = config.data.split
    own = OVERLAPS[split.overlap]
    return len(own) if config.data.group else len([part for part in own if part != "test" or not split.published_test])


def _random(config: Config) -> bool:
    source = SOURCES.get(config.data.source)
    return bool(source and source.generate) or _sets_drawn(config) > 1


def _within_epochs(config: Config) -> bool:
    schedule = config.schedule
    whole = isinstance(schedule, Constant) or (isinstance(schedule, Step) and schedule.interval.is_integer())
    return schedule.warmup > 0 or not whole


def _one_of(typed: str, key: str, names: Sequence[str]) -> Need:
    """That a key has one of these values; typed: as what it is typed."""
    return Need(lambda c: operator.attrgetter(key)(c) in names, " or ".join(f"{typed}={name}" for name in names))


def _of_sources(key: str) -> Need:
    return _one_of("data.source", "data.source", [kind for kind, own in OWN.items() if key in own])


def _of_choices(group: str, table: Mapping[str, type]) -> dict[str, tuple[Need, ...]]:
    """The keys that only some classes of a group's table have. Hydra finds them missing before anybody asks here."""
    having = dict[str, list[str]]()
    for name, kind in table.items():
        for f in dataclasses.fields(kind):
            having.setdefault(f"{group}.{f.name}", []).append(name)
    return {key: (_one_of(group, f"{group}.name", names),) for key, names in having.items() if len(names) < len(table)}


NEEDS: Mapping[str, tuple[Need, ...]] = {
    "data.seed": (Need(_random, f"{_SPLIT.words}, or points that are generated"),),
    "data.split.draw": (_SPLIT,),
    "data.split.skip": (_SPLIT,),
    "data.split.stratify": (
        _SPLIT,
        Need(lambda c: c.data.split.draw != "choice", "another data.split.draw than choice"),
    ),
    "data.mirror": (_one_of("data.source", "data.source", ["mnist"]),),
    **{f"data.{key}": (_of_sources(key),) for key in {key for own in OWN.values() for key in own}},
    "model.act": (_HIDDEN,),
    "model.init": (_DRAWN,),
    "model.init_std": (_initialized_by("normal"), _DRAWN),
    "model.init_bound": (_initialized_by("uniform"), _DRAWN),
    "model.init_gain": (Need(lambda c: c.model.init != "zeros", "another model.init than zeros"), _DRAWN),
    "model.bias_init": (_BIAS, _DRAWN),
    "model.dropout": (_HIDDEN,),
    "model.dropout_scaling": (_HIDDEN, Need(lambda c: c.model.dropout, "model.dropout > 0")),
    "model.threshold": (Need(lambda c: c.model.single_output, "model.single_output=true"),),
    **_of_choices("optimizer", OPTIMIZERS),
    **_of_choices("schedule", SCHEDULES),
    "schedule.by": (
        Need(_within_epochs, "schedule.warmup, or a schedule that changes within an epoch"),
        Need(lambda c: c.train.batch_size, "train.batch_size"),
    ),
    "train.drop_last": (
        Need(lambda c: c.train.batch_size is not None, "train.batch_size"),
        Need(lambda c: c.train.steps_per_epoch is None, "train.steps_per_epoch=null"),
    ),
    "train.update_first": (_HIDDEN, Need(lambda c: not c.train.unit_targets, "train.unit_targets=[]")),
    "train.unit_steps": (Need(lambda c: c.train.unit_targets, "train.unit_targets"),),
    "train.monitor": (Need(lambda c: c.train.patience, "train.patience"),),
    "seed": (Need(lambda c: not c.draws.unit_seeds, "draws.unit_seeds=[]"),),
    **{f"draws.{f.name}": (_LEGACY,) for f in dataclasses.fields(Draws)},
    "tracking.uri": (_RECORDED,),
    "tracking.experiment": (_RECORDED,),
    "tracking.study": (_RECORDED,),
    "tracking.gallery": (Need(lambda c: c.tracking.figures, "tracking.figures=true"),),
}


def refuse_idle(arguments: Sequence[str], configs: Sequence[Config]) -> None:
    """Raises `UserError` for a typed key that has an effect in none of the configurations.

    Or that follows itself, as a shell expands `model.act={relu,tanh}`: only the last one would count.
    """
    typed = [argument for argument in arguments if "=" in argument]
    for key, words in itertools.groupby(typed, lambda argument: argument.partition("=")[0]):
        argument, *others = words
        if others:
            values = ",".join(word.partition("=")[2] for word in (argument, *others))
            raise UserError(f"{' '.join((argument, *others))}: the same key again; did you mean -m {key}={values}?")
        needs = NEEDS.get(key, ())
        if not any(all(need.met(config) for need in needs) for config in configs):
            missing = next(need.words for need in needs if not need.met(configs[0]))
            raise UserError(f"{argument}: has no effect without {missing}")
