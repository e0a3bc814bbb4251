"""Composing `conf/`: every choice composes, the typed overrides give it back, and a mistake gets one line."""

import shlex
from typing import Any

import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from src.compose import snapshot
from src.config import tree as configuration
from src.config.changes import typed
from src.config.composition import CONF, choices, compose, from_hydra
from src.config.tree import Config
from src.data.sources import SOURCES
from src.foundation.errors import UserError
from src.foundation.schema import flatten, plain
from src.nn.activations import ACTIVATIONS
from src.nn.initializers import INITIALIZERS
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS, Optimizer
from src.optim.schedules import SCHEDULES, Schedule
from tests.conftest import ROOT
from tests.faults.configurations import APART, KEYS, TOGETHER, keys
from tests.helpers.annotations import good
from tests.helpers.composing import composed, put
from tests.helpers.refusals import refusal

CHOICES = sorted(
    (file.parent.name, file.stem) for file in (ROOT / "conf").glob("*/*.yaml") if file.parent.name != "hydra"
)
# What a choice can't be without.
_TORCH = ("rng=legacy", "model.init=fan_in_uniform")
NEEDS = {
    **dict.fromkeys(("one_stream", "layer_by_layer", "spiral_mlp"), ("rng=legacy",)),
    **dict.fromkeys(("torch", "spiral_adam", "noise_overfit"), _TORCH),
    "perceptrons_xor": ("rng=legacy", "train.unit_targets=[a,b]"),
    "xor_untrained": ("rng=legacy", "model.hidden=[10]"),
}
GLOBAL = ("ablation", "debug", "experiment", "pipeline")  # groups whose files change keys of other groups


def assert_typed(config: Config) -> list[str]:
    overrides = typed(config)
    assert composed(*overrides).semantic() == config.semantic()
    return overrides


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_composes_and_can_be_typed(group: str, choice: str) -> None:
    """Hydra accepts only keys that conf/ lists, so a key with a default in code alone could not be typed."""
    needs = NEEDS.get(choice, ()) if group == "draws" else ()
    config = composed(*needs, f"{group}={choice}")
    assert configuration.build(config.plain(), "again") == config
    overrides = assert_typed(config)
    assert shlex.split(" ".join(overrides)) == overrides  # a shell needs no quotes
    if group not in GLOBAL:
        with initialize_config_dir(CONF, version_base="1.3"):
            listed = OmegaConf.to_container(hydra_compose("config", [f"{group}={choice}"]), resolve=False)
        assert isinstance(listed, dict)
        assert dict(flatten(listed[group])).keys() == dict(flatten(plain(getattr(config, group)))).keys()


ENTRIES = [
    *({"model.act": name} for name in ACTIVATIONS),
    *({"model.init": name} for name in INITIALIZERS),
    *({"model.output": output, "model.loss": loss} for output, loss in HEADS),
    *({"optimizer": name} for name in OPTIMIZERS),
    *({"schedule": name} for name in SCHEDULES),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_every_entry_of_a_table_can_be_typed(entry: dict[str, str]) -> None:
    config = dict(flatten(composed(*(f"{key}={name}" for key, name in entry.items())).plain()))
    assert all(config[key if "." in key else f"{key}.name"] == name for key, name in entry.items())


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([], []),
        (["data=digits"], ["data=digits"]),
        (["optimizer=sgd", "seed=3"], ["optimizer=sgd", "seed=3"]),
        *((own, own) for own in (["data=spiral", "data.seed=5"], ["data=spiral", "data.seed=5", "data.name=spiral"])),
        (["name=mine", "tracking=off", "train.fresh=true", "data.mirror=/elsewhere"], []),  # they change no result
    ],
)
def test_typed_overrides_are_few(overrides: list[str], expected: list[str]) -> None:
    assert typed(composed(*overrides)) == expected


# What a folder may be called, and above all what Hydra or YAML takes for something other than a text.
NOT_TEXTS = ["null", "True", "off", "1", "-1", "007", "1e5", "1_000", "nan", "-inf", "1.", "2e-3", "0x1f", "e5", "--x"]
NAMES = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", fullmatch=True) | st.sampled_from(NOT_TEXTS)
CHANGES = {
    key.name: TOGETHER.get(key.name, st.one_of(map(good, key.options)))
    for key in (*KEYS, *keys(Optimizer, "optimizer."), *keys(Schedule, "schedule."))
    if key.name not in (*APART, "data.source", "train.steps_per_epoch")
} | {"data.name": NAMES, "data.seed": st.integers(0, 2**32 - 1)}
LONG = {
    "data.name": "d" * 100,
    "model.hidden": [65536] * 40,
    "model.class_weights": [1 / 3] * 10,
    "optimizer.lr": 1.2345678901234567e-300,
}
# Few sets of groups, each of which is composed once: the tests above go through all choices.
GROUND = (("optimizer=sgd", "schedule=step", "data=digits"), ("optimizer=rmsprop", "schedule=warmup"), ())


@settings(max_examples=20)
@example(GROUND[0], ("softmax", "cross_entropy"), LONG)
@example((), ("softmax", "cross_entropy"), {"data.name": "null"})
@example(("data=spiral",), ("softmax", "cross_entropy"), {"data.seed": 5})
@example(("data=xor",), ("softmax", "cross_entropy"), {"data.name": "xor_seed5"})
@given(
    ground=st.sampled_from(GROUND),
    head=st.sampled_from(sorted(HEADS)),
    changes=st.fixed_dictionaries({}, optional=CHANGES),
)
def test_any_configuration_can_be_typed(
    ground: tuple[str, ...], head: tuple[str, str], changes: dict[str, Any]
) -> None:
    tree = composed(*ground).plain()
    for key, value in {**changes, "model.output": head[0], "model.loss": head[1]}.items():
        put(tree, key, value)
    assert_typed(configuration.build(tree, "a test"))


def test_lists_for_layers_can_be_typed_and_name_the_run() -> None:
    layers = "model.hidden=[6,5,4]"
    config = composed(layers, "model.act=[relu,tanh,relu]", "model.dropout=[0.5,0,0.2]")
    assert config.run_name == "relu+tanh+relu-he-adam s0"
    assert config.semantic()["model"]["act"] == ["relu", "tanh", "relu"]
    assert_typed(config)
    same = composed(layers, "model.act=[relu,relu,relu]", "model.dropout=[0.3,0.3,0.3]")
    assert same == composed(layers)
    assert composed("model.hidden=[]", "model.act=[]").run_name == "linear-he-adam s0"
    # What an experiment has as a value, a list can replace, and a value a list.
    assert composed("experiment=weidman_deep_dropout", "model.act=[relu,tanh]").model.acts == ("relu", "tanh")
    assert composed(layers, "model.act=[relu,tanh,relu]", "model.act=tanh").model.act == "tanh"


# What Hydra and the configuration as a whole decide; tests/foundation/test_schema.py goes through each field's values.
REJECTED = {
    "nosuch.key=1": ("nosuch.key=1", "no such key"),
    "model.nosuch=1": ("model.nosuch=1", "no such key"),
    "+foo=1": ("+foo=1", "added"),
    "++foo=1": ("++foo=1", "added"),
    "~model": ("~model", "removed"),
    "~train.epochs": ("~train.epochs", "removed"),
    "model=null": ("model=null", "mlp"),
    "model=": ("model=", "mlp"),
    "optimizer=sgdx": ("optimizer=sgdx", "did you mean sgd"),
    "data=nope": ("data=nope", "digits, digits_raw, digits_tutorial, "),
    "experiment=nope": ("experiment=nope", "quick"),
    "optimizer=3": ("optimizer=3", "adam, "),
    "optimizer=sgd,3": ("optimizer=3", "adam, "),
    "optimizer=[sgd,adam]": ("optimizer=[sgd,adam]", "one choice"),
    "optimizer=[3]": ("optimizer=[3]", "one choice"),
    "optimizer=../optimizer/sgd": ("optimizer=../optimizer/sgd", "adam, "),
    "optimizer@model=sgd": ("optimizer@model=sgd", "no such key"),
    "/optimizer=sgd": ("/optimizer=sgd", "no such key"),
    "data=true": ("data=true", "digits, digits_raw, digits_tutorial, "),
    "schedule=1e5": ("schedule=1e5", "cosine"),
    "experiment=-1": ("experiment=-1", "quick"),
    "experiment=null": ("experiment=null", "quick"),
    "experiment=quick,null": ("experiment=null", "quick"),
    "=3": ("=3", "KEY=VALUE"),
    "a b": ("a b", "KEY=VALUE"),
    "model.act=[a": ("model.act=[a", "a bracket is not closed"),
    "name=${seed}": ("name=${seed}", "interpolations"),
    "optimizer.lr=nan": ("optimizer.lr=nan", "a finite number > 0"),
    "optimizer.momentum=0.9": ("optimizer.momentum=0.9", "without optimizer=momentum or optimizer=nesterov"),
    "model.hidden=[10,x]": ("model.hidden[1]=x", "an integer"),
    "model.act=": ("model.act=", "relu"),
    "model.act=[relu,tanh]": ("model.act=[relu,tanh]", "a list of length 1, with one for each of model.hidden=[512]"),
    "model.dropout=[]": ("model.dropout=[]: length 0", "one value for all hidden layers"),
    "model.dropout=[0.2,x]": ("model.dropout[1]=x", "a finite number"),
    "model.bias=no": ("model.bias=no", "false, fixed, true"),
    "model.output=sigmoid": ("model.output=sigmoid", "model.loss=mse"),
    "schedule.warmup=20": ("schedule.warmup=20", "train.epochs=20"),
    "seed=-1": ("seed=-1", ">= 0"),
    "data.name=../elsewhere": ("data.name=../elsewhere", "folder"),
    "data.name=a${other_seed:3}": ("data.name=a${other_seed:3}", "interpolations"),
    "tracking.name=wandb": ("tracking.name=wandb", "mlflow"),
}


@pytest.mark.parametrize("override", REJECTED)
def test_what_is_not_allowed_is_rejected_in_one_line(override: str) -> None:
    key_and_value, allowed = REJECTED[override]
    message = refusal(compose, [override])
    assert key_and_value in message
    assert allowed in message
    assert not GlobalHydra.instance().is_initialized()


GENERATED = ["noise", "spiral", "xor", "xor_all"]


def test_these_recipes_are_generated() -> None:
    recipes = {name: composed(f"data={name}").data for name in choices("data")}
    shipped = {name: recipe.source for name, recipe in recipes.items() if not recipe.own}
    assert [name for name, source in shipped.items() if SOURCES[source].generate] == GENERATED


@pytest.mark.parametrize("name", GENERATED)
def test_points_of_another_seed_have_a_name_of_their_own_whoever_composes(name: str) -> None:
    own = composed(f"data={name}").data
    assert own.name == name
    assert own.seed == SOURCES[own.source].seed
    other = (f"data={name}", "data.seed=5")
    for overrides, expected in (
        ((f"data={name}", f"data.seed={own.seed}"), name),
        (other, f"{name}_seed5"),
        ((*other, "data.name=mine"), "mine"),
    ):
        assert composed(*overrides).data.name == expected
        assert yaml.safe_load(snapshot([*overrides]))["data"]["name"] == expected  # as `dvc exp run -S` writes it


def test_an_interpolation_in_a_composed_tree_is_rejected() -> None:
    tree = composed().plain() | {"name": "${oc.env:HOME}"}
    with pytest.raises(UserError, match=r"name=\$\{oc\.env:HOME\}: interpolations"):
        from_hydra(OmegaConf.create(tree))


# One of each kind: of data, of draws, of units trained apart.
EXPERIMENTS = ("quick", "raschka_sigmoid", "noise_overfit", "perceptrons_xor", "spiral_mlp", "xor_single_output")


@pytest.mark.parametrize("debug", choices("debug"))
def test_every_experiment_can_be_debugged(debug: str) -> None:
    configs = [composed(f"experiment={experiment}", f"debug={debug}") for experiment in EXPERIMENTS]
    for config in configs:
        assert config.tracking.name == "off"
        assert configuration.build(config.plain(), "again") == config  # the pipeline can read it, too
    if debug == "overfit_batch":  # recipes that differ have folders that differ
        recipes = {config.data for config in configs}
        assert len({recipe.name for recipe in recipes}) == len(recipes)
