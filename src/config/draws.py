"""Whether the group `draws` fits the other settings, and its keys each other."""

import dataclasses

from src.foundation.errors import UserError
from src.foundation.schema import written
from src.nn.architecture import Architecture
from src.nn.initializers import INITIALIZERS
from src.training.draws import Draws
from src.training.loop import Training

_STREAMS_OF_ALL = ("shared", "skip", "layer_seeds", "order_first")  # what units with streams of their own don't have


def refuse_unfit(draws: Draws, rng: str, model: Architecture, training: Training) -> None:
    """Raises `UserError` if these draws do not fit the other settings, or each other."""

    def typed(name: str) -> str:
        return f"draws.{name}={written(getattr(draws, name))}"

    changed = {f.name: f.default for f in dataclasses.fields(draws) if getattr(draws, f.name) != f.default}
    if rng != "legacy":
        for name, default in changed.items():
            remedy = f"allowed: {written(default)}, or rng=legacy; draws=default resets all of draws.*"
            raise UserError(f"{typed(name)} with rng={rng}: {remedy}")

    layers, units = len(model.hidden) + 1, len(training.unit_targets)
    if isinstance(draws.layer_seeds, tuple) and len(draws.layer_seeds) != layers:
        raise UserError(f"{typed('layer_seeds')}: must be {layers} seeds, one for each layer")
    if draws.unit_seeds and not units:
        raise UserError(f"{typed('unit_seeds')}: needs train.unit_targets")
    if draws.unit_seeds and len(draws.unit_seeds) != units + 1:
        raise UserError(
            f"{typed('unit_seeds')}: must be {units + 1} seeds, one for each of train.unit_targets and one for the "
            "output layer"
        )
    for name in changed:
        if draws.unit_seeds and name in _STREAMS_OF_ALL:
            raise UserError(f"{typed(name)} with draws.unit_seeds: each unit has a stream of its own")
        if name in ("order_first", "reshuffle") and training.order != "shuffled":
            raise UserError(f"{typed(name)} with train.order={training.order}: allowed: train.order=shuffled")
        if name in ("order_first", "dropout") and not draws.shared:
            raise UserError(f"{typed(name)}: is for a stream that also draws weights; needs draws.shared=true")
    if draws.skip and draws.layer_seeds is not None:
        raise UserError(f"{typed('skip')} with draws.layer_seeds: each layer starts its stream; allowed: 0")
    for key, init in (("init", model.init), ("bias_init", model.bias_init)):
        if draws.weights == "torch" and INITIALIZERS[init].draw is INITIALIZERS["normal"].draw:
            raise UserError(
                f"model.{key}={init} with draws.weights=torch: only uniform draws are known; allowed: "
                f"model.{key}=fan_in_uniform, as in PyTorch, or another uniform one"
            )
