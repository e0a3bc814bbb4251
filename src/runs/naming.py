"""Names for people: what a run is called in lists and in the MLflow UI."""

from src.config.tree import Config


def run_name(config: Config) -> str:
    """Like `relu-glorot-momentum s0`: activation, initializer and optimizer, then the seed; or `name` and the seed."""
    name = config.name or f"{config.model.act}-{config.model.init}-{config.optimizer.name}"
    return f"{name} s{config.seed}"
