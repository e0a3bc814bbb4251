"""Draws that fit neither the other settings nor each other are rejected in one line, before anything runs."""

import pytest

from src.config.composition import choices
from src.training.draws import Draws
from tests.config.test_composition import NEEDS
from tests.helpers.composing import composed
from tests.helpers.refusals import refusal

LEGACY = "rng=legacy"
UNITS = ("experiment=perceptrons_xor",)
MISTAKES = [
    (("draws.shared=true",), "draws.shared=true with rng=default: allowed: false, or rng=legacy"),
    (("draws=torch",), "draws.shared=true with rng=default: allowed: false, or rng=legacy"),
    (("draws.unit_seeds=[1]",), "draws.unit_seeds=[1] with rng=default: allowed: [], or rng=legacy"),
    (("draws.layer_seeds=[1,2]",), "draws.layer_seeds=[1,2] with rng=default: allowed: null, or rng=legacy"),
    ((LEGACY, "draws.layer_seeds=[1]"), "draws.layer_seeds=[1]: must be 2 seeds, one for each layer"),
    ((LEGACY, "draws.layer_seeds=[1,2,3]"), "draws.layer_seeds=[1,2,3]: must be 2 seeds, one for each layer"),
    ((LEGACY, "draws.layer_seeds=other"), "draws.layer_seeds=other: unknown"),
    ((LEGACY, "draws.layer_seeds=[1,-2]"), "draws.layer_seeds[1]=-2: must be an integer >= 0 and <= 4294967295"),
    ((LEGACY, "draws.unit_seeds=[1,2]"), "draws.unit_seeds=[1,2]: needs train.unit_targets"),
    ((*UNITS, "draws.unit_seeds=[1,2]"), "draws.unit_seeds=[1,2]: must be 3 seeds, one for each of train.unit_targets"),
    ((*UNITS, "draws.skip=5"), "draws.skip=5 with draws.unit_seeds: each unit has a stream of its own"),
    ((*UNITS, "draws.shared=true"), "draws.shared=true with draws.unit_seeds"),
    ((LEGACY, "draws.skip=-1"), "draws.skip=-1: must be an integer >= 0"),
    ((LEGACY, "draws.skip=5", "draws.layer_seeds=same"), "draws.skip=5 with draws.layer_seeds"),
    ((LEGACY, "draws.weights=keras"), "draws.weights=keras: unknown"),
    ((LEGACY, "draws=torch"), "model.init=he with draws.weights=torch: only uniform draws are known"),
    (
        (LEGACY, "draws=torch", "model.init=fan_in_uniform", "model.bias_init=normal"),
        "model.bias_init=normal with draws.weights=torch",
    ),
    (
        (LEGACY, "draws.order_first=true"),
        "draws.order_first=true: is for a stream that also draws weights; needs draws.shared=true",
    ),
    ((LEGACY, "draws.dropout=binomial"), "draws.dropout=binomial: is for a stream that also draws weights"),
    ((LEGACY, "draws=layer_by_layer", "train.order=drawn"), "draws.order_first=true with train.order=drawn"),
    (("train.update_first=true",), "train.update_first=true: needs optimizer=sgd, optimizer.l2=0 and"),
    ((LEGACY, "draws.reshuffle=accumulated", "train.order=fixed"), "draws.reshuffle=accumulated with train.order="),
]


@pytest.mark.parametrize(("overrides", "message"), MISTAKES, ids=str)
def test_draws_that_do_not_fit_are_rejected(overrides: tuple[str, ...], message: str) -> None:
    assert refusal(composed, *overrides).startswith(message)


@pytest.mark.parametrize("choice", choices("draws"))
def test_a_choice_is_part_of_a_runs_identity_unless_it_is_the_default(choice: str) -> None:
    needs = NEEDS.get(choice, ("rng=legacy",))
    config = composed(*needs, f"draws={choice}")
    assert (config.draws == Draws()) == (choice == "default")
    assert ("draws" in config.semantic()) == (choice != "default")


@pytest.mark.parametrize("name", choices("experiment"))
def test_an_experiment_with_the_draws_of_a_text_can_have_ours(name: str) -> None:
    ours = composed(f"experiment={name}", "rng=default", "draws=default", "seed=7")
    assert (ours.draws, ours.seed) == (Draws(), 7)
