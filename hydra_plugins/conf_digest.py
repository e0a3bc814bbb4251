"""Registers the resolver behind `conf_digest: ${conf_digest:}`.

Hydra imports everything in `hydra_plugins` as it starts, and DVC does so as it composes params.yaml: so the snapshot
carries the digest of the conf/ that it was composed from, whoever composed it.
"""

from omegaconf import OmegaConf

from src.foundation.files import conf_digest

OmegaConf.register_new_resolver("conf_digest", conf_digest, replace=True)
