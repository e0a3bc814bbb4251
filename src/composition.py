"""The bridge to Hydra: composing `conf/`, and telling Hydra's errors in our way.

Imported as a command starts, so that it imports late what `--help` does not need.
"""

import contextlib
import functools
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.errors import UserError, suggestion
from src.files import ROOT, conf_digest

if TYPE_CHECKING:
    from src.config import Config

CONF = str(ROOT / "conf")
_DIGEST = "${conf_digest:}"


def load(overrides: Sequence[str]) -> "Config":
    """What a stage works on: params.yaml, or `conf/` composed with overrides where the user gave some."""
    from src.config import read_snapshot

    return compose(overrides) if overrides else read_snapshot()


def compose(overrides: Sequence[str]) -> "Config":
    """`conf/` composed with overrides, as `python -m src.train` composes it; `UserError` for what is not allowed."""
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    # Inside a command that Hydra runs, it is initialized, with the same conf/.
    running = GlobalHydra.instance().is_initialized()
    with (
        told_our_way(overrides),
        contextlib.nullcontext() if running else initialize_config_dir(CONF, version_base="1.3"),
    ):
        return from_hydra(hydra_compose("config", list(overrides)))


def typed(config: "Config") -> list[str]:
    """The overrides that make a configuration out of `conf/`: what one would type to get the same run."""
    from src.schema import flatten, written

    groups = {"data": config.data.name, "optimizer": config.optimizer.name, "schedule": config.schedule.name}
    default = dict(flatten(_composed(()).semantic()))
    chosen = [
        f"{group}={name}"
        for group, name in groups.items()
        if name != default[f"{group}.name"] and name in choices(group)
    ]
    base = dict(flatten(_composed(tuple(chosen)).semantic()))
    changed = [(key, value) for key, value in flatten(config.semantic()) if base.get(key) != value]
    return [*chosen, *(f"{key}={written(value)}" for key, value in changed)]


@functools.lru_cache(maxsize=64)
def _composed(overrides: tuple[str, ...]) -> "Config":
    return compose(overrides)


def from_hydra(composed: Any) -> "Config":
    """The typed configuration in an OmegaConf tree. Interpolations are refused: they would read the environment."""
    from omegaconf import OmegaConf

    from src import config

    tree = OmegaConf.to_container(composed, resolve=False)
    if isinstance(tree, dict):
        tree.pop("hydra", None)
        tree.pop("ablation", None)  # what a study compares is in no single run
        if tree.get("conf_digest") == _DIGEST:
            tree["conf_digest"] = conf_digest()
        _refuse_interpolations(tree, "")
    return config.build(tree, "the configuration")


def check_overrides(arguments: Sequence[str]) -> None:
    """Refuses, among a command's arguments, what Hydra would let through: added and removed keys, interpolations."""
    for argument in arguments:
        if argument.startswith("-") or re.match(r"[+~]*hydra[./=]", argument):
            continue
        if argument.startswith(("+", "~")):
            does = "added" if argument.startswith("+") else "removed"
            raise UserError(
                f"{argument}: keys and groups can't be {does}; allowed: KEY=VALUE for a key that --help lists"
            )
        if "${" in argument:
            raise UserError(f"{argument}: interpolations are not allowed; write the value itself")
        group, equals, choice = argument.partition("=")
        if equals and (not group or "@" in group or group.startswith("/")):
            raise UserError(f"{argument}: no such key; allowed: KEY=VALUE for a key that --help lists")
        if not (allowed := choices(group)):
            continue
        if choice in ("null", ""):
            raise UserError(f"{argument}: a choice is needed; allowed: {', '.join(allowed)}")
        if choice.startswith("[") and group != "experiment":  # Hydra would merge them all
            raise UserError(f"{argument}: one choice is needed, not a list; allowed: {', '.join(allowed)}")
        for word in re.findall(r"(?:^|,)([\w.+-]+)(?=,|$)", choice):
            if word not in allowed:  # Hydra itself trips over one that reads as a number, a truth value or null
                raise UserError(f"{group}={word}: no such choice; {suggestion(word, allowed)}")


@contextlib.contextmanager
def told_our_way(arguments: Sequence[str]) -> Iterator[None]:
    """Checks a command's arguments, and turns Hydra's and OmegaConf's errors about them into a `UserError`."""
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    # Without it Hydra prints errors itself, over many lines, and exits with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    check_overrides(arguments)
    try:
        yield
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"a file of conf/ is not readable as YAML: {error}") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_one_line(error, arguments)) from None


def choices(group: str) -> list[str]:
    """The choices of a group of `conf/`."""
    return sorted(file.stem for file in (ROOT / "conf").glob(f"{glob.escape(group)}/*.yaml")) if group else []


def _one_line(error: Exception, arguments: Sequence[str]) -> str:
    from hydra.errors import MissingConfigException

    text = str(error).split("Config search path")[0]
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        return f"{group}={choice}: no such choice; {suggestion(choice, error.options)}"
    if match := re.search(r"Could not override '([^']*)'", text):
        key = match[1]
        typed = next((a for a in arguments if a.lstrip("+~").startswith(key + "=")), key)
        parent = getattr(error.__cause__, "parent_node", None)
        if isinstance(parent, Mapping):
            names = [str(name) for name in parent if name != "hydra"]
            return f"{typed}: no such key; {suggestion(key.rpartition('.')[2], names)}"
        return f"{typed}: no such key; `python -m src.train --help` lists the keys"
    return " ".join(text.split()) or type(error).__name__


def _refuse_interpolations(node: Any, key: str) -> None:
    if isinstance(node, dict):
        for name, value in node.items():
            _refuse_interpolations(value, f"{key}.{name}" if key else str(name))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            _refuse_interpolations(value, f"{key}[{i}]")
    elif isinstance(node, str) and "${" in node:
        raise UserError(f"{key}={node}: interpolations are not allowed; write the value itself")
    elif node == "???":
        raise UserError(f"{key}: missing, and it has no default")
