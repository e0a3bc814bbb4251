"""Variants that share a seed share every draw but those that make them different: their differences are paired."""

import hashlib
import itertools
from typing import Any

import numpy as np
import pytest

from src.config.tree import Config
from src.data.dataset import Dataset
from src.nn.arrays import Array
from src.nn.dropout import draw_mask
from src.nn.initializers import INITIALIZERS, Spread
from src.nn.network import Network
from src.optim.optimizers import OPTIMIZERS
from src.training.loop import train
from src.training.processor import held
from src.training.session import build_network
from src.training.streams import Streams
from tests.helpers.composing import Small

# One change of each kind that a study compares; none of them may move another draw.
CHANGES = {
    "activation": ["model.act=tanh"],
    "dropout": ["model.dropout=0.5"],
    "initializer": ["model.init=glorot_uniform"],
    **{f"{name} with decay": [f"optimizer={name}", "schedule=linear"] for name in OPTIMIZERS},
    "rate": ["optimizer.lr=0.02"],
    "decay": ["schedule=linear"],
    "penalty": ["optimizer.l2=0.01"],
    "head": ["model.output=sigmoid", "model.loss=mse"],
    "width": ["model.hidden=[5]"],
    "depth": ["model.hidden=[8,8]"],
    "precision": ["train.dtype=float64"],
    "class weights": ["model.class_weights=balanced"],
    "biases": ["model.bias=false"],
}


def initialized(config: Config, dataset: Dataset) -> tuple[Network, Streams]:
    """A network with its first weights, and what is left of its streams: as a run makes them."""
    streams = Streams.of(config.seed)
    net = build_network(config.model, dataset, config.train)
    config.model.initialize(net, streams.initialization)
    return net, streams


def unit_draws(config: Config, dataset: Dataset) -> list[np.ndarray[Any, Any]]:
    """What was drawn for each layer's weights, before scaling."""
    net, _ = initialized(config, dataset)
    scale, spread = INITIALIZERS[config.model.init].scale, Spread(config.model.init_std, config.model.init_bound)
    pairs = zip(net.parameters.W, itertools.pairwise(net.widths), strict=True)
    return [W / scale(fan_in, fan_out, spread) for W, (fan_in, fan_out) in pairs]


def batches_seen(config: Config, dataset: Dataset) -> list[str]:
    """The examples of every batch that a training learns from, in their order, whatever it learns."""
    net, streams = initialized(config, dataset)
    learn, seen = net.loss_and_gradient, []

    def watched(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], *others: Any) -> float:
        seen.append(hashlib.sha256(x.astype(np.float32).tobytes() + y.tobytes()).hexdigest())
        return learn(x, y, *others)

    net.loss_and_gradient = watched  # type: ignore[method-assign]
    with held(1):
        for _ in train(net, config.optimizer, config.schedule, dataset, config.train, streams):
            pass
    return seen


def masks(config: Config, dataset: Dataset) -> bytes:
    """Which units each example keeps, over a whole training."""
    kept = []

    def watched(rng: np.random.Generator, dropout: float, out: Array) -> Array:
        kept.append((draw_mask(rng, dropout, out) > 0).tobytes())
        return out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src.nn.network.draw_mask", watched)
        batches_seen(config, dataset)
    return b"".join(kept)


# --- data and split --------------------------------------------------------------------------------------------------


def test_variants_and_seeds_share_their_data_and_their_split(small: Small) -> None:
    for change in (*CHANGES.values(), ["seed=1"]):
        assert small(*change) != small()
        assert small(*change).data == small().data


# --- initial draws ---------------------------------------------------------------------------------------------------


def test_initializers_of_one_distribution_share_their_draws_before_scaling(small: Small, digits: Dataset) -> None:
    draws = dict.fromkeys(initializer.draw for name, initializer in INITIALIZERS.items() if name != "zeros")
    families = [[name for name, entry in INITIALIZERS.items() if entry.draw is draw] for draw in draws]
    assert any({"normal", "glorot", "he"} <= set(family) for family in families)  # those that studies compare
    for names in families:
        assert len(names) > 1
        configs = [small("train.dtype=float64", "model.hidden=[8,6]", f"model.init={name}") for name in names]
        first, *others = [unit_draws(config, digits) for config in configs]
        assert [W.shape for W in first] == [(64, 8), (8, 6), (6, 10)]
        assert all(np.unique(W).size == W.size for W in first)
        for other in others:
            for expected, found in zip(first, other, strict=True):
                np.testing.assert_allclose(found, expected, rtol=1e-14)
        # They are different variants all the same.
        weights = {initialized(config, digits)[0].parameters.theta.tobytes() for config in configs}
        assert len(weights) == len(names)


@pytest.mark.parametrize("init", ["normal", "he_uniform"])
def test_variants_of_depth_share_the_draws_of_the_layers_that_they_share(
    small: Small, digits: Dataset, init: str
) -> None:
    shapes = ["[8]", "[8,8]", "[8,8,8]"]
    shallow, deeper, deepest = [
        unit_draws(small("train.dtype=float64", f"model.init={init}", f"model.hidden={hidden}"), digits)
        for hidden in shapes
    ]
    np.testing.assert_allclose(shallow[0], deepest[0], rtol=1e-14)
    for layer in (0, 1):
        np.testing.assert_allclose(deeper[layer], deepest[layer], rtol=1e-14)
    assert len({W.tobytes() for W in deepest}) == 4  # each layer has a stream of its own


def test_what_does_not_make_the_weights_leaves_the_first_ones_alone(small: Small, digits: Dataset) -> None:
    first = initialized(small(), digits)[0].parameters
    for what, change in CHANGES.items():
        changed = initialized(small(*change), digits)[0].parameters
        if what == "biases":  # which start at zero and take no draw
            np.testing.assert_array_equal(changed.theta, first.weights)
            assert not any(b.any() for b in first.b)
        elif what not in ("initializer", "width", "depth"):
            np.testing.assert_array_equal(changed.theta.astype(np.float32), first.theta, what)
    # Another seed draws others in every layer.
    seeds = [unit_draws(small(f"seed={seed}"), digits) for seed in range(3)]
    for layers in zip(*seeds, strict=True):
        assert all((one != other).all() for one, other in itertools.combinations(layers, 2))


# --- the order of batches, and dropout -------------------------------------------------------------------------------


def test_variants_learn_from_the_same_batches_in_order_and_another_seed_from_others(
    small: Small, digits: Dataset
) -> None:
    config = small()
    seen = batches_seen(config, digits)
    assert len(set(seen)) == config.train.epochs * -(-len(digits.train.y) // config.train.batch_size)
    for what, change in CHANGES.items():
        assert batches_seen(small(*change), digits) == seen, what
    seeds = [set(batches_seen(small(f"seed={seed}"), digits)) for seed in range(3)]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(seeds, 2))


def test_variants_that_drop_units_drop_the_same_ones(small: Small, digits: Dataset) -> None:
    dropping = masks(small("model.dropout=0.5"), digits)
    assert len(dropping) == 3 * len(digits.train.y) * 8  # epochs, examples and units
    for change in (["model.act=tanh"], ["optimizer=momentum"], ["model.init=glorot"]):
        assert masks(small("model.dropout=0.5", *change), digits) == dropping
    assert masks(small("model.dropout=0.5", "seed=1"), digits) != dropping
    # What a higher rate keeps, a lower one keeps, too.
    low, high = (np.frombuffer(masks(small(f"model.dropout={rate}"), digits), bool) for rate in (0.2, 0.5))
    assert low.mean() == pytest.approx(0.8, abs=0.02)
    assert high.mean() == pytest.approx(0.5, abs=0.02)
    assert not (high & ~low).any()
