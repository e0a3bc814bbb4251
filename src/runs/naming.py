"""Names for people: what a run is called in lists and in the MLflow UI."""

from src.config import Config


def run_name(config: Config) -> str:
    """Like `relu-glorot-momentum s0`: activation, initializer and optimizer, then the seed; or `name` and the seed."""
    parts = [config.model.act, config.model.init, config.optimizer.name]
    if config.model.dropout:
        parts.append(f"dropout{config.model.dropout:g}")
    return f"{config.name or '-'.join(parts)} s{config.seed}"
