"""Composes the jobs of a sweep: exactly as Hydra does, in milliseconds instead of a tenth of a second each.

Hydra reads and merges all files of `conf/` again for every job, in the parent and in the workers. But jobs mostly
differ in values (`seed=3 optimizer.lr=0.1`). So what chooses files (`optimizer=sgd`) is composed once in each process,
and Hydra's own code applies the values to a copy. Anything else, and any error, is left to Hydra itself.
"""

import copy
import functools
from collections.abc import Sequence
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.utils import JobReturn
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

_BASES = 64  # sets of choices that are kept, of up to a megabyte each


class SweepLoader(ConfigLoaderImpl):
    """Hydra's loader, with a fast `load_sweep_config`.

    Each job brings a copy of it to a worker. All copies in a process share what they have composed.

    version: differs if the files of `conf/` do.
    """

    def __init__(self, config_search_path: ConfigSearchPath, version: str) -> None:
        super().__init__(config_search_path)
        self._identity = (str(config_search_path), version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SweepLoader) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """The configuration of a job: that of the command, with the overrides of the job."""
        parsed = self._plain(sweep_overrides)
        config = self._applied(master_config, parsed, whole=True)
        if parsed is None or config is None:
            return super().load_sweep_config(master_config, sweep_overrides)
        hydra = config.hydra
        hydra.overrides.task = list(sweep_overrides)
        about = hydra.job.config.override_dirname
        hydra.job.override_dirname = get_overrides_dirname(parsed, about.exclude_keys, about.item_sep, about.kv_sep)
        OmegaConf.copy_cache(from_config=master_config, to_config=config)
        return config

    def load_task_config(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        """The same without the part of Hydra, in half the time."""
        config = self._applied(master_config, self._plain(sweep_overrides), whole=False)
        if config is None:
            config = _without_hydra(super().load_sweep_config(master_config, list(sweep_overrides)))
        return config

    def _plain(self, overrides: Sequence[str]) -> list[Override] | None:
        """The overrides, if each of them chooses from a group or gives a key a value; otherwise None."""
        try:
            parsed: list[Override] = OverridesParser.create().parse_overrides(list(overrides))
        except HydraException:
            return None
        plain = all(
            override.type == OverrideType.CHANGE
            and override.package is None
            and not override.is_sweep_override()
            and not override.key_or_group.startswith("hydra")
            for override in parsed
        )
        return parsed if plain else None

    def _applied(self, master: DictConfig, parsed: Sequence[Override] | None, whole: bool) -> DictConfig | None:
        """What the overrides compose to; None for an error, which Hydra is to find itself."""
        if parsed is None:
            return None
        values = [override for override in parsed if self._is_value(override)]
        choices = [str(override.input_line) for override in parsed if not self._is_value(override)]
        overrides = (*master.hydra.overrides.hydra, *choices)
        try:
            config = copy.deepcopy(_base(self, master.hydra.job.config_name, overrides)[0 if whole else 1])
            self._apply_overrides_to_config(values, config)
        except Exception:  # whatever it is
            return None
        return config

    def _is_value(self, override: Override) -> bool:
        return isinstance(override.value(), dict) or not self.repository.group_exists(override.key_or_group)


@functools.lru_cache(maxsize=_BASES)
def _base(loader: SweepLoader, name: str, overrides: tuple[str, ...]) -> tuple[DictConfig, DictConfig]:
    """What overrides compose to, and that without the part of Hydra; not to be changed."""
    config = loader.load_configuration(name, list(overrides), RunMode.RUN)
    return config, _without_hydra(copy.deepcopy(config))


def _without_hydra(config: DictConfig) -> DictConfig:
    with open_dict(config):
        del config["hydra"]
    return config


class LeanReturns(Callback):
    """Leaves out of what a worker returns for a job what nobody reads: its configuration, twice."""

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Called by Hydra."""
        job_return.cfg = job_return.hydra_cfg = None
