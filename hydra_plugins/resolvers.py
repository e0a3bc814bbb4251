"""Registers the resolvers behind `conf_digest: ${conf_digest:}`, and `${other_seed:...}` in names of data.

Hydra imports everything in `hydra_plugins` as it starts, and DVC does so as it composes params.yaml: so the snapshot
carries the digest of the conf/ that it was composed from, and the name of its data, whoever composed it.
"""

from omegaconf import DictConfig, OmegaConf

from src.config.composition import other_seed
from src.foundation.files import conf_digest


def _other_seed(own: int, *, _parent_: DictConfig) -> str:
    return other_seed(own, _parent_.seed)


OmegaConf.register_new_resolver("conf_digest", conf_digest, replace=True)
OmegaConf.register_new_resolver("other_seed", _other_seed, replace=True)
