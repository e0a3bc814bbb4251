"""The configuration as one typed tree, assembled from the data classes and tables of the rooms.

After this file no strings are interpreted: what a user typed has become an object, or was rejected with one line.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from src.config.draws import refuse_unfit as refuse_unfit_draws
from src.config.interpolations import TEXTS
from src.config.tracking import Tracking
from src.data.dataset import Dataset
from src.data.recipe import Recipe
from src.foundation import schema
from src.foundation.errors import UserError
from src.foundation.files import ROOT, read_capped
from src.nn.architecture import Architecture
from src.nn.arithmetic.operations import MOST_TERMS
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS, Optimizer
from src.optim.schedules import SCHEDULES, Schedule
from src.training.draws import DEFAULT, KINDS, Draws
from src.training.loop import Training
from src.training.session import build_network
from src.training.units import refuse_unfit

_A_FLOAT = ("tag:yaml.org,2002:float", re.compile(r"[-+]?\d[\d_]*[eE][-+]?\d+$"), list("-+0123456789"))
PLAIN = ("sgd", 0, None)  # gradient descent that subtracts rate * gradient, and nothing else
_TEXTS = {f"data.{key}" for key in TEXTS}  # names in the user's data, which nothing resolves or calls
SNAPSHOT = ROOT / "params.yaml"
_LARGEST_YAML = 1 << 20  # bytes
_DEEPEST_YAML = 100  # levels


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run."""

    data: Recipe
    model: Architecture
    optimizer: Annotated[Optimizer, OPTIMIZERS]
    schedule: Annotated[Schedule, SCHEDULES]
    train: Training
    seed: Annotated[int, ">= 0", "<= 4294967295"] = 0
    rng: Annotated[str, KINDS] = "default"  # which random streams the seed gives: see streams.py
    draws: Draws = field(default=DEFAULT, metadata={"before": DEFAULT})  # with rng=legacy: how they draw
    studies: tuple[str, ...] = field(default=(), metadata={"semantic": False})  # which `dvc repro` runs
    name: str | None = field(default=None, metadata={"semantic": False})  # of the run; null: as in run_name
    profile: bool = field(default=False, metadata={"semantic": False})  # print where a single training's time goes
    tracking: Tracking = field(default=Tracking(), metadata={"semantic": False})
    conf_digest: str = field(default="", metadata={"semantic": False})  # of conf/ at the time of composition

    def __post_init__(self) -> None:
        warmup, epochs = self.schedule.warmup, self.train.epochs
        if warmup and warmup >= epochs:
            raise UserError(f"schedule.warmup={warmup:g}: must be < train.epochs={epochs}")

        if self.train.update_first and (self.optimizer.name, self.optimizer.l2, self.optimizer.clip_norm) != PLAIN:
            raise UserError("train.update_first=true: needs optimizer=sgd, optimizer.l2=0 and optimizer.clip_norm=null")
        refuse_unfit_draws(self.draws, self.rng, self.model, self.train)
        if self.train.evaluate_dropout and not (self.model.dropout and self.model.hidden):
            raise UserError("train.evaluate_dropout=true: needs hidden units, and model.dropout > 0")

    @property
    def run_name(self) -> str:
        """The name in run.json, which tables of runs show: `name`, or as in `relu-glorot-momentum`; and the seed, `s0`.

        The activations of several layers are joined, as in `relu+tanh-glorot-momentum`. MLflow's name is another one:
        `src/runs/naming.py`.
        """
        act = self.model.act if isinstance(self.model.act, str) else "+".join(self.model.act) or "linear"
        return f"{self.name or f'{act}-{self.model.init}-{self.optimizer.name}'} s{self.seed}"

    @property
    def portable(self) -> bool:
        """Whether results are the same on every machine that draws the same start values."""
        return self.train.portable

    @property
    def warnings(self) -> list[str]:
        """What a user may not expect of a configuration that is allowed."""
        if not self.portable or self.rng == "default":
            return []
        return [
            "train.arithmetic=portable with rng=legacy: NumPy's legacy draws may call the C library, so a machine that "
            "draws other start values trains another run"
        ]

    def plain(self) -> dict[str, Any]:
        """The tree as plain dicts, lists and scalars."""
        return dict(schema.plain(self))

    def semantic(self, complete: bool = False) -> dict[str, Any]:
        """The part of the tree that decides a run's results, without what only names, records or locates.

        complete: with keys that a later version added and that are at their default, which identify no run.
        """
        return dict(schema.plain(self, semantic_only=True, complete=complete))


def build(tree: Any, origin: str) -> Config:
    """Builds the configuration from a plain tree; `origin` names its source in messages.

    Raises `UserError` for a key or value that is not allowed. Interpolations could read the environment and `_target_`
    could call code, so neither is allowed anywhere.
    """
    if not isinstance(tree, Mapping) or not tree:
        raise UserError(f"{origin}: empty, or not a mapping")
    _refuse_tricks(tree)
    config: Config = schema.build(Config, tree, "")
    return config


def read_snapshot(path: Path = SNAPSHOT) -> Config:
    """The configuration in params.yaml, as the stages of DVC read it; a `UserError` says how to restore the file."""
    try:
        return build(read_yaml(path), path.name)
    except UserError as error:
        restore = "to restore params.yaml, run `git checkout params.yaml` or `python -m src.compose`"
        raise UserError(f"{error}; {restore}") from None


def read_yaml(path: Path) -> Any:
    """The plain value in a YAML file, without interpolation. Raises `UserError` if it can't be read."""
    import yaml

    try:
        text, loader, depth = read_capped(path, _LARGEST_YAML), _loader(), 0
        for event in yaml.parse(text, loader):
            if isinstance(event, yaml.AliasEvent):  # a few lines of aliases can expand to gigabytes
                raise yaml.YAMLError("an alias (*) is not allowed")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST_YAML:  # the C parser would exhaust the stack
                raise yaml.YAMLError(f"it is nested more than {_DEEPEST_YAML} levels deep")
        return yaml.load(text, loader)  # a safe one
    except FileNotFoundError:
        raise UserError(f"{path.name}: no such file") from None
    except (yaml.YAMLError, ValueError, RecursionError, IsADirectoryError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path.name}: not valid YAML ({reason})") from None


@functools.cache
def _loader() -> Any:
    """A safe loader that reads 1e-3 as a number, as Hydra does; YAML 1.1 reads it as text."""
    import yaml

    # Ten times as fast as the one in Python, where PyYAML was built with it.
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.add_implicit_resolver(*_A_FLOAT)
    return Loader


def yaml_text(tree: Mapping[str, Any]) -> str:
    """A plain tree as YAML that `read_yaml` gives back, with quotes around texts that look like numbers to it."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]
        pass

    Dumper.add_implicit_resolver(*_A_FLOAT)
    return str(yaml.dump(dict(tree), Dumper=Dumper, sort_keys=False))


def _refuse_tricks(node: Any, key: str = "") -> None:
    if key in _TEXTS and node != "???":
        return
    entries = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    for name, value in entries:
        inner = f"{key}[{name}]" if isinstance(node, list) else f"{key}.{name}".removeprefix(".")
        if name == "_target_":
            raise UserError(f"{inner}={schema.show(value)}: _target_ is not allowed; a configuration calls nothing")
        _refuse_tricks(value, inner)
    if isinstance(node, str) and "${" in node:
        raise UserError(f"{key}={schema.show(node)}: interpolations are not allowed; write the value itself")
    if node == "???":
        raise UserError(f"{key}: missing, and it has no default")


def check_against(config: Config, dataset: Dataset) -> Network:
    """Rejects settings that do not fit the data: a batch larger than the training set, weights for missing classes.

    Returns the network that the configuration asks for, with zero parameters.
    """
    examples = len(dataset.train.y)
    if config.train.batch_size is not None and config.train.batch_size > examples:
        raise UserError(
            f"train.batch_size={config.train.batch_size}: must be <= {examples}, the size of the training set"
        )
    network = build_network(config.model, dataset, config.train)
    if config.train.portable and network.arithmetic.terms > MOST_TERMS:
        raise UserError(
            f"train.arithmetic=portable with train.batch_size={schema.show(config.train.batch_size)}: products of "
            f"{network.arithmetic.terms:,} terms leave fewer than 12 bits; allowed: at most {MOST_TERMS:,}, or native"
        )
    if config.train.unit_targets:
        refuse_unfit(network, config.train, dataset)
    return network
