"""What one would type to get a configuration is what comes to it."""

import functools
import shlex
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from src.config import tree as configuration
from src.config.composition import choices, compose, typed
from src.config.tree import Config
from src.foundation.errors import UserError
from src.nn.activations import ACTIVATIONS
from src.nn.initializers import INITIALIZERS
from src.nn.losses import HEADS
from tests.helpers.composing import composed


def assert_typed(config: Config) -> None:
    overrides = typed(config)
    assert composed(*overrides).semantic() == config.semantic()
    assert shlex.split(" ".join(overrides)) == overrides  # as a shell takes it, too


GROUPS = ("experiment", "data", "optimizer", "schedule")
CHOICES = [f"{group}={choice}" for group in GROUPS for choice in choices(group)]


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_shipped_is_typed_as_what_it_is(choice: str) -> None:
    assert_typed(composed(choice))


def test_the_default_takes_no_word_and_a_choice_one() -> None:
    assert typed(composed()) == []
    assert typed(composed("data=digits")) == ["data=digits"]
    assert typed(composed("optimizer=sgd", "seed=3")) == ["optimizer=sgd", "seed=3"]


def test_what_changes_no_result_is_not_typed() -> None:
    assert typed(composed("name=mine", "tracking=off", "train.fresh=true", "data.mirror=/elsewhere")) == []


POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(0, 2**32 - 1),
    "data.seed": st.integers(0, 2**32 - 1),
    "data.scaling": st.sampled_from(["unit", "symmetric", "standard", "per_feature"]),
    "data.name": st.from_regex(r"[a-z][A-Za-z0-9._-]{0,98}z", fullmatch=True),
    "data.split.stratify": st.booleans(),
    "model.hidden": st.lists(st.integers(1, 65536), max_size=40),
    "model.act": st.sampled_from(sorted(ACTIVATIONS)),
    "model.init": st.sampled_from(sorted(INITIALIZERS)),
    "model.init_std": st.floats(0, 1e300),
    "model.bias": st.booleans(),
    "model.dropout": st.floats(0, 1, exclude_max=True),
    "model.class_weights": st.none() | st.just("balanced") | st.lists(st.floats(1e-6, 1e6), max_size=12),
    "optimizer.lr": POSITIVE,
    "optimizer.l2": st.floats(0, 1e300),
    "optimizer.clip_norm": st.none() | POSITIVE,
    "schedule.by": st.sampled_from(["epoch", "step"]),
    "train.epochs": st.integers(2, 10**12),
    "train.patience": st.none() | st.integers(1, 10**6),
    "train.drop_last": st.booleans(),
    "train.dtype": st.sampled_from(["float32", "float64"]),
}

LONG = {
    "data.name": "d" * 100,
    "model.hidden": [65536] * 40,
    "model.class_weights": [1 / 3] * 10,
    "optimizer.lr": 1.2345678901234567e-300,
}


# Few sets of groups, each of which is composed once: the tests above go through all choices.
GROUND = (("optimizer=sgd", "schedule=step", "data=digits"), ("optimizer=rmsprop", "schedule=warmup"), ())


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@example(GROUND[0], ("softmax", "cross_entropy"), LONG)
@given(
    ground=st.sampled_from(GROUND),
    head=st.sampled_from(sorted(HEADS)),
    changes=st.fixed_dictionaries({}, optional=CHANGES),
)
def test_any_configuration_is_what_its_overrides_come_to(
    ground: tuple[str, ...], head: tuple[str, str], changes: dict[str, Any]
) -> None:
    tree = composed(*ground).plain()
    for key, value in {**changes, "model.output": head[0], "model.loss": head[1]}.items():
        *parents, last = key.split(".")
        functools.reduce(lambda node, parent: node[parent], parents, tree)[last] = value
    assert_typed(configuration.build(tree, "a test"))


@pytest.mark.parametrize("override", ["+more=1", "model.act=rleu", "optimizer=nope", "optimizer=3", "a b"])
def test_a_refusal_leaves_hydra_as_it_was(override: str) -> None:
    with pytest.raises(UserError):
        compose([override])
    assert not GlobalHydra.instance().is_initialized()
