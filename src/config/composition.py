"""The bridge to Hydra: composing `conf/`, and telling Hydra's errors in our way.

Imported as a command starts, so that it imports late what `--help` does not need.
"""

import contextlib
import functools
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.foundation.errors import UserError, suggestion
from src.foundation.files import ROOT, conf_digest

if TYPE_CHECKING:
    from src.config.tree import Config

CONF = str(ROOT / "conf")
_DIGEST = "${conf_digest:}"
_OWN_HELP = "${hydra.help.header}"
_CHOSEN_DATA = "${data}"  # by which Hydra finds conf/pipeline/<data>.yaml
# Of Hydra's command line, what shows, and what starts a sweep: no other conf/, and no run out of a pickle.
_OPTIONS = (
    "-h", "--help", "--hydra-help", "--version", "-c", "--cfg", "--resolve", "-p", "--package", "-i", "--info",
    "-r", "--run", "-m", "--multirun", "-sc", "--shell-completion",
)  # fmt: skip
# Of Hydra's own keys, what says where and how it runs jobs and what it prints: nothing that it would call.
_HYDRAS_KEYS = (
    r"[+~]*hydra([./](launcher|sweeper)\b[\w./]*|\.(mode|verbose|output_subdir|run\.dir|sweep\.(dir|subdir)|job\.chdir)"
    r"|/(job|hydra)_logging)(=|$)"
)
# What Hydra, or the logging that it sets up, would take for something to call or to import, and where to find more.
_CALLED = ("_target_", "()", "class", "searchpath")


def load(overrides: Sequence[str]) -> "Config":
    """What a stage works on: params.yaml, or `conf/` composed with overrides where the user gave some."""
    from src.config.tree import read_snapshot

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
    from src.foundation.schema import flatten, written

    groups = {"data": config.data.name, "optimizer": config.optimizer.name, "schedule": config.schedule.name}
    default = dict(flatten(_composed(()).semantic(complete=True)))
    chosen = [
        f"{group}={name}"
        for group, name in groups.items()
        if name != default[f"{group}.name"] and name in choices(group)
    ]
    base = dict(flatten(_composed(tuple(chosen)).semantic(complete=True)))
    changed = [(key, value) for key, value in flatten(config.semantic(complete=True)) if base.get(key) != value]
    return [*chosen, *(f"{key}={written(value)}" for key, value in changed)]


def overrides_of_stage(study: str) -> list[str]:
    """The overrides of a study as a stage: params.yaml says which data it uses, and where its runs are recorded."""
    from hydra.core.override_parser.types import Quote, QuotedString

    config = load([])
    data = [override for override in typed(config) if override.startswith(("data=", "data."))]
    store = {"uri": config.tracking.uri, "experiment": config.tracking.experiment}
    quoted = {key: QuotedString(value, Quote.single).with_quotes() for key, value in store.items() if value}
    tracking = [f"tracking={config.tracking.name}", *(f"tracking.{key}={value}" for key, value in quoted.items())]
    return [f"ablation={study}", *data, *tracking]


@functools.lru_cache(maxsize=64)
def _composed(overrides: tuple[str, ...]) -> "Config":
    return compose(overrides)


def from_hydra(composed: Any) -> "Config":
    """The typed configuration in an OmegaConf tree, whose interpolations are left as they stand, and so refused."""
    from omegaconf import OmegaConf

    from src.config import tree as config

    tree = OmegaConf.to_container(composed, resolve=False)
    if isinstance(tree, dict):
        tree.pop("hydra", None)
        tree.pop("ablation", None)  # what a study compares is in no single run
        if tree.get("conf_digest") == _DIGEST:
            tree["conf_digest"] = conf_digest()
    return config.build(tree, "the configuration")


def check_overrides(arguments: Sequence[str]) -> None:
    """Refuses, among a command's arguments, what Hydra would let through.

    That is added and removed keys, interpolations, what it would call, and most of its own settings.
    """
    for argument in arguments:
        if argument.startswith("-"):
            if argument.partition("=")[0] not in _OPTIONS:
                raise UserError(f"{argument}: no such option; allowed: {', '.join(_OPTIONS)}")
            continue
        if "${" in argument:
            raise UserError(f"{argument}: interpolations are not allowed; write the value itself")
        if re.search(r"\b_target_\b", argument):
            raise UserError(f"{argument}: _target_ is not allowed; a configuration calls nothing")
        if re.match(r"[+~/]*hydra\b", argument):
            if not re.match(_HYDRAS_KEYS, argument):
                raise UserError(f"{argument}: of Hydra's own keys, launcher, sweeper and folders can be set")
            continue
        if argument.startswith(("+", "~")):
            does = "added" if argument.startswith("+") else "removed"
            raise UserError(
                f"{argument}: keys and groups can't be {does}; allowed: KEY=VALUE for a key that --help lists"
            )
        group, _, choice = argument.partition("=")
        if not group or "@" in group or group.startswith("/"):
            raise UserError(f"{argument}: no such key; allowed: KEY=VALUE for a key that --help lists")
        if not (allowed := choices(group)):
            continue
        if choice in ("null", ""):
            raise UserError(f"{argument}: a choice is needed; allowed: {', '.join(allowed)}")
        if choice.startswith("[") and group != "experiment":  # Hydra would merge them all
            raise UserError(f"{argument}: one choice is needed, not a list; allowed: {', '.join(allowed)}")
        if "/" in choice:
            raise UserError(f"{argument}: no such choice; {suggestion(choice, allowed)}")
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
        _check_files()
        yield
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"a file of conf/ is not readable as YAML: {error}") from None
    except (HydraException, OmegaConfBaseException, ValueError) as error:  # the last, of a key below a list
        raise UserError(_one_line(error, arguments)) from None


def _check_files() -> None:
    """Refuses a conf/ that calls something, or reads the environment: Hydra would do so before we see the result."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in Path(CONF).rglob("*.yaml"):
        if not file.is_file():  # an editor's lock
            continue
        for token in yaml.scan(file.read_text(encoding="utf-8"), loader):
            if not isinstance(token, yaml.ScalarToken):
                continue
            if token.value in _CALLED:
                raise UserError(f"{file}: {token.value} is not allowed; a configuration calls nothing")
            if "${" in token.value.replace(_OWN_HELP, "") and token.value not in (_DIGEST, _CHOSEN_DATA):
                value = " ".join(token.value.split())
                raise UserError(f"{file}: {value}: interpolations are not allowed; write the value itself")


def choices(group: str) -> list[str]:
    """The choices of a group of `conf/`."""
    return sorted(file.stem for file in (ROOT / "conf").glob(f"{glob.escape(group)}/*.yaml")) if group else []


def _one_line(error: Exception, arguments: Sequence[str]) -> str:
    from hydra.errors import MissingConfigException

    text = str(error).split("Config search path")[0]
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        return f"{group}={choice}: no such choice; {suggestion(choice, error.options)}"
    if match := re.search(r"invalid literal for int.* '(.*)'", text):  # OmegaConf takes it for a list's index
        below = next((a for a in arguments if f".{match[1]}" in a.partition("=")[0]), match[1])
        return f"{below}: no such key; `python -m src.train --help` lists the keys"
    if match := re.search(r"Could not override '([^']*)'", text):
        key = match[1]
        typed = next((a for a in arguments if a.lstrip("+~").startswith(key + "=")), key)
        parent = getattr(error.__cause__, "parent_node", None)
        if isinstance(parent, Mapping):
            names = [str(name) for name in parent if name != "hydra"]
            return f"{typed}: no such key; {suggestion(key.rpartition('.')[2], names)}"
        return f"{typed}: no such key; `python -m src.train --help` lists the keys"
    return " ".join(text.split()) or type(error).__name__
