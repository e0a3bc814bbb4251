"""What no library can train in step with this project, whatever it offers."""

from collections.abc import Iterator

from src.config.tree import Config


def lacking(config: Config) -> Iterator[str]:
    """The settings that no library has, like "model.dropout=0.1"."""
    model, optimizer, train = config.model, config.optimizer, config.train
    if any(model.rates):
        yield f"model.dropout={model.dropout}"  # its masks are drawn from a stream of its own
    if model.bias == "fixed":
        yield "model.bias=fixed"
    if optimizer.clip_norm:
        yield f"optimizer.clip_norm={optimizer.clip_norm:g}"
    if config.schedule.name != "constant":
        yield f"schedule={config.schedule.name}"
    if train.unit_targets:
        yield "train.unit_targets"
    if train.update_first:
        yield "train.update_first=true"
