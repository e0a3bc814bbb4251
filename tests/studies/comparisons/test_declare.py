"""What a study may declare; and what it may not is told in one line, whatever it is."""

import itertools
import math
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from src.foundation import schema
from src.foundation.errors import UserError
from src.studies.comparisons.declare import ComparisonDeclaration, declare
from tests.helpers.refusals import refusal

PAIR = {"a": [], "b": ["seed=1"]}
WORDS = st.sampled_from(["a", "b", "c", "d"])


def study(**more: Any) -> dict[str, Any]:
    """What a small study declares, in YAML's plain values."""
    return {"title": "Which?", "baseline": "a", "variants": PAIR} | more


def made(declaration: ComparisonDeclaration) -> dict[str, tuple[str, ...]]:
    """Each variant's name with what it changes."""
    return {variant.name: variant.changes for variant in declaration.variants}


# --- what may be declared --------------------------------------------------------------------------------------------


def test_a_list_of_variants_keeps_its_order_and_takes_a_single_override_as_it_is() -> None:
    variants = {"z": "experiment=quick", "b": ["model.act=tanh", "optimizer.lr=0.1"], "a": None, "c": []}
    declaration = declare("mine", study(variants=variants))
    assert list(made(declaration).items()) == [
        ("z", ("experiment=quick",)),
        ("b", ("model.act=tanh", "optimizer.lr=0.1")),
        ("a", ()),
        ("c", ()),
    ]
    assert (declaration.name, declaration.title, declaration.baseline) == ("mine", "Which?", "a")
    assert (declaration.cumulative, declaration.choose_by) == (False, "valid/accuracy")
    assert declaration.report_on == "test/accuracy"


def test_grids_add_their_products_named_as_one_types_them_by_the_last_parts_of_keys_that_differ_there() -> None:
    grids = [
        {"model.act": ["relu", "tanh"], "model.hidden": [[128], [64, 32]]},
        {"model.bias": True, "train.patience": [None, 3], "optimizer.lr": 1e-5},
        {"data.seed": [1, 2], "seed": 3, "model.act": "relu"},
    ]
    declaration = declare("mine", study(grids=grids))
    assert list(made(declaration)) == [
        *PAIR,
        *("act=relu, hidden=[128]", "act=relu, hidden=[64,32]", "act=tanh, hidden=[128]", "act=tanh, hidden=[64,32]"),
        *("bias=true, patience=null, lr=1e-05", "bias=true, patience=3, lr=1e-05"),
        *("data.seed=1, seed=3, act=relu", "data.seed=2, seed=3, act=relu"),
    ]
    assert made(declaration)["act=relu, hidden=[64,32]"] == ("model.act=relu", "model.hidden=[64,32]")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats()  # those that are no number are left to the key's own check
    | st.sampled_from(["relu", "glorot_uniform", "balanced", "a.b", "x-y"]),
    lambda values: st.lists(values, max_size=3),
    max_leaves=4,
)


@settings(deadline=None)
@given(VALUES)
@example(math.nan)
@example(-math.inf)
def test_a_value_of_a_grid_is_typed_so_that_hydra_reads_the_same_value(value: Any) -> None:
    try:
        declaration = declare("mine", study(grids=[{"model.key": [value]}]))
    except UserError:
        reject()  # its name would be too long
    [override] = OverridesParser.create().parse_overrides(list(declaration.variants[-1].changes))
    assert override.get_key_element() == "model.key"
    assert not override.is_sweep_override()
    assert repr(override.value()) == repr(value)  # which tells true from 1, and 1 from 1.0


@given(st.lists(st.dictionaries(WORDS, st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True), min_size=1)))
def test_grids_come_to_each_combination_once(grids: list[dict[str, list[int]]]) -> None:
    combinations = [
        [f"{key}={value}" for key, value in zip(grid, values, strict=True)]
        for grid in grids
        for values in itertools.product(*grid.values())
    ]
    tree = study(grids=grids)
    if len({tuple(overrides) for overrides in combinations}) < len(combinations):
        assert "declared twice" in refusal(declare, "mine", tree)
        return
    declared = [list(variant.changes) for variant in declare("mine", tree).variants[len(PAIR) :]]
    assert declared == combinations


@given(st.lists(st.lists(st.integers(0, 9).map("seed={}".format), max_size=3), min_size=2, max_size=5), st.booleans())
def test_variants_add_up_where_they_are_cumulative_and_stand_alone_where_not(
    changes: list[list[str]], cumulative: bool
) -> None:
    names = [f"v{i}" for i in range(len(changes))]
    tree = study(baseline="v0", variants=dict(zip(names, changes, strict=True)), cumulative=cumulative)
    declaration = declare("mine", tree)
    for i, case in enumerate(declaration.cases):
        expected = list(itertools.chain(*changes[: i + 1])) if cumulative else changes[i]
        assert (case.name, list(case.overrides)) == (names[i], expected)


# --- what may not ----------------------------------------------------------------------------------------------------

LONG = "n" * 61
REFUSED: dict[str, tuple[Any, list[str]]] = {
    "not a mapping": (["a", "b"], ["ablation=mine: ", "title, baseline, and variants or grids"]),
    "nothing": (None, ["ablation=mine: ", "title, baseline, and variants or grids"]),
    "an empty mapping": ({}, ["ablation.variants", "missing"]),
    "no title": ({"baseline": "a", "variants": PAIR}, ["ablation.title: missing"]),
    "no baseline": ({"title": "?", "variants": PAIR}, ["ablation.baseline: missing", "allowed: a, b"]),
    "an empty baseline": (study(baseline=""), ["ablation.baseline: missing", "allowed: a, b"]),
    "a baseline that is no variant": (study(baseline="c"), ["ablation.baseline=c: no such variant; ", "allowed: a, b"]),
    "a misspelt baseline": (
        study(baseline="glorto", variants=PAIR | {"glorot": None}),
        ["ablation.baseline=glorto: ", "did you mean glorot?"],
    ),
    "a baseline of several lines": (study(baseline="a\nb"), [r"ablation.baseline='a\nb': no such variant"]),
    "a variant twice in grids": (
        study(grids=[{"model.act": ["relu"]}, {"model.act": ["tanh", "relu"]}]),
        ["ablation.variants.act=relu: declared twice"],
    ),
    "a variant in the list and in a grid": (
        study(variants=PAIR | {"act=relu": ["model.act=relu"]}, grids=[{"model.act": ["relu"]}]),
        ["ablation.variants.act=relu: declared twice"],
    ),
    "a number and a text of the same name": (
        study(variants=PAIR | {1: [], "1": ["seed=2"]}),
        ["ablation.variants.1: declared twice"],
    ),
    "no variants": (study(variants={}), ["ablation.variants", "missing"]),
    "one variant": (study(variants={"a": []}), ["ablation.variants=['a']: a study compares at least two"]),
    "a name without a letter": (study(variants=PAIR | {" ": []}), ["ablation.variants. : a name has 1 to 60"]),
    "a name that hides": (study(variants=PAIR | {"c\x1b[2J": []}), [r"ablation.variants.'c\x1b[2J': a name has"]),
    "a long name": (study(variants=PAIR | {LONG: []}), [f"ablation.variants.{LONG}: a name has 1 to 60"]),
    "a long name out of a grid": (study(grids=[{"data.name": [LONG]}]), ["ablation.variants.name=nnn", "1 to 60"]),
    "a key of a grid without a value": (study(grids=[{"model.act": []}]), ["ablation.grids", "model.act", "[]"]),
    "keys of a grid that are nested": (
        study(grids=[{"model": {"act": ["relu", "tanh"]}}]),
        ["ablation.grids", "model", "{'act': ['relu', 'tanh']}", "KEY: [VALUE, VALUE]"],
    ),
    "values of a grid that are groups": (
        study(grids=[{"model.hidden": [[1, {"a": 2}], 3]}]),
        ["ablation.grids", "model.hidden", "{'a': 2}"],
    ),
    "an unknown key": (study(variant=PAIR), ["ablation.variant={'a': [], 'b': ['seed=1']}: no such key; "]),
    "a choice by the test set": (
        study(choose_by="test/accuracy"),
        ["ablation.choose_by=test/accuracy: unknown; ", "valid/accuracy, valid/loss"],
    ),
    "a report on the validation set": (
        study(report_on="valid/accuracy"),
        ["ablation.report_on=valid/accuracy: unknown; ", "test/accuracy"],
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_not_be_run_is_refused_with_the_key_the_value_and_what_is_allowed(what: str) -> None:
    tree, told = REFUSED[what]
    message = refusal(declare, "mine", tree)
    assert [words for words in told if words not in message] == []


@pytest.mark.parametrize("value", [3, False, {}, "text", ["text"], [["seed=1"]], [None], {"model.act": ["relu"]}, [{}]])
def test_what_is_no_list_of_changes_variants_or_grids_is_refused(value: Any) -> None:
    shown = schema.show(value)
    changes = f"ablation.variants.c={shown}: must be a list of KEY=VALUE overrides"
    assert refusal(declare, "mine", study(variants=PAIR | {"c": value})) == changes
    grids = f"ablation.grids={shown}: must be a list of grids, each KEY: [VALUE, VALUE]"
    assert refusal(declare, "mine", study(grids=value)) == grids
    if not isinstance(value, dict):
        variants = f"ablation.variants={shown}: must be names with lists of overrides"
        assert refusal(declare, "mine", study(variants=value)) == variants


# --- anything at all -------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3)
TREES = st.recursive(
    SCALARS | st.sampled_from(["a", "b", "seed=1", "model.act=relu"]),
    lambda trees: st.lists(trees, max_size=3) | st.dictionaries(SCALARS | WORDS, trees, max_size=3),
    max_leaves=8,
)
OVERRIDES = st.lists(st.sampled_from(["seed=1", "model.act=relu", "experiment=quick"]), max_size=2)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "title": st.just("Which?") | TREES,
        "baseline": WORDS | TREES,
        "cumulative": st.booleans() | TREES,
        "choose_by": st.sampled_from(["valid/accuracy", "valid/loss"]) | TREES,
        "report_on": st.just("test/accuracy") | TREES,
        "variants": st.dictionaries(WORDS, OVERRIDES, min_size=1) | st.dictionaries(WORDS, TREES) | TREES,
        "grids": st.lists(st.dictionaries(WORDS, TREES, max_size=2), max_size=2) | TREES,
        "more": TREES,
    },
)


@settings(deadline=None, max_examples=200)
@given(TREES | NEARLY | NEARLY.map(lambda tree: study() | tree))
def test_any_tree_is_a_study_or_is_refused_in_one_line(tree: Any) -> None:
    before = repr(tree)
    try:
        declaration = declare("mine", tree)
    except UserError as error:
        message = str(error)
    else:
        names = [variant.name for variant in declaration.variants]
        assert len(names) == len(set(names)) >= 2
        assert declaration.baseline in names
        assert all(name.isprintable() and 0 < len(name) <= 60 for name in names)
        assert all("=" in change for variant in declaration.variants for change in variant.changes)
        assert repr(tree) == before
        return
    assert message.startswith("ablation")
    assert len(message.splitlines()) == 1
