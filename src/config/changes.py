"""What distinguishes a configuration from the default of `conf/`: the groups that were chosen, and the keys changed."""

import contextlib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.config.composition import choices, compose, load, other_seed
from src.foundation.errors import UserError
from src.foundation.files import conf_digest, read_object, write_json
from src.foundation.schema import flatten, written

if TYPE_CHECKING:
    from src.config.tree import Config

_composed: dict[str, Mapping[str, Any]] = {}  # flattened, by their overrides
GROUPS = ("data", "optimizer", "schedule")  # whose choice is in the configuration, as <group>.name


def changes(config: Mapping[str, Any]) -> dict[str, Any]:
    """What to set to turn the default into a configuration: first groups by their name, then keys with their values.

    config: the flattened semantic configuration. Keys that it lacks, because it is of an older version, are no change.
    A key that has its group's default is no change either.

    Raises:
        UserError: `conf/` has an error.
    """
    names = tuple(config[f"{group}.name"] for group in GROUPS)
    chosen, base = _chosen(names, config["data.seed"])
    return {**chosen, **{key: value for key, value in config.items() if key not in base or base[key] != value}}


@contextlib.contextmanager
def remembered(file: Path) -> Iterator[None]:
    """Keeps what `changes` composes in a file, as long as `conf/` is the same: composing a choice takes 0.1 s."""
    digest = conf_digest()
    with contextlib.suppress(UserError, OSError, LookupError, TypeError):
        if (saved := read_object(file))["conf"] == digest:
            _composed.update(saved["composed"])
    known = len(_composed)
    yield
    if len(_composed) > known:
        with contextlib.suppress(OSError):  # a full disk, or one that can only be read
            write_json(file, {"conf": digest, "composed": _composed})


def typed(config: "Config") -> list[str]:
    """The overrides that turn `conf/` into this configuration: what you would type to get the same run."""
    return list(_overrides(changes(dict(flatten(config.semantic(complete=True))))))


def overrides_of_stage(study: str) -> list[str]:
    """The overrides of a study as a stage: params.yaml says which data it uses, and where its runs are recorded."""
    from hydra.core.override_parser.types import Quote, QuotedString

    config = load([])
    data = [override for override in typed(config) if override.startswith(("data=", "data."))]
    store = {"uri": config.tracking.uri, "experiment": config.tracking.experiment}
    quoted = {key: QuotedString(value, Quote.single).with_quotes() for key, value in store.items() if value}
    tracking = [f"tracking={config.tracking.name}", *(f"tracking.{key}={value}" for key, value in quoted.items())]
    return [f"ablation={study}", *data, *tracking]


@functools.lru_cache(maxsize=256)
def _chosen(names: tuple[str, ...], data_seed: int) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """What a configuration with these `names` of `GROUPS` chooses, and the configuration that this composes."""
    data, *others = names
    wanted = dict(zip(GROUPS, (data.removesuffix(other_seed(None, data_seed)), *others), strict=True))
    base = _flat({})
    chosen: dict[str, Any] = {
        group: name for group, name in wanted.items() if name != base[f"{group}.name"] and name in choices(group)
    }
    base = _flat(chosen)
    if base["data.seed"] != data_seed:  # which decides data.name, too
        chosen["data.seed"] = data_seed
        base = _flat(chosen)
    return chosen, base


def _flat(chosen: Mapping[str, Any]) -> Mapping[str, Any]:
    return composed_with(*_overrides(chosen))


def composed_with(*overrides: str) -> Mapping[str, Any]:
    """The flattened semantic configuration that overrides give."""
    if (key := "\n".join(overrides)) not in _composed:
        _composed[key] = dict(flatten(compose(overrides).semantic(complete=True)))
    return _composed[key]


def _overrides(changed: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{key}={written(value)}" for key, value in changed.items())
