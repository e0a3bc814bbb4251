import dataclasses
import math
import string
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from src.config.tree import Config
from src.data.recipe import AS_BEFORE, Recipe
from src.foundation.errors import UserError, suggestion
from src.foundation.schema import build, flatten, plain, show
from src.nn.architecture import Architecture
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS, Optimizer
from src.optim.schedules import SCHEDULES, Schedule
from src.training.loop import Training
from src.training.metrics import METRICS
from tests.helpers.annotations import good, hints, options
from tests.helpers.refusals import refusal

GROUPS = {
    "data": Recipe,
    "model": Architecture,
    "optimizer": Annotated[Optimizer, OPTIMIZERS],
    "schedule": Annotated[Schedule, SCHEDULES],
    "train": Training,
}


# --- what is allowed, drawn from the annotations themselves ----------------------------------------------------------


def allowed(annotation: Any) -> st.SearchStrategy[Any]:
    """Plain values that `annotation` allows, data classes with all of their fields."""
    read = options(annotation)
    if dataclasses.is_dataclass(read[0].kind):
        return groups(read[0].table) if read[0].table else group(read[0].kind)
    return st.one_of(map(good, read))


@st.composite
def group(draw: st.DrawFn, kind: type) -> dict[str, Any]:
    tree = {name: draw(allowed(hint)) for name, hint in hints(kind).items()}
    if kind is Architecture:  # whose outputs and losses come in pairs, and whose lists fit its layers
        output, loss = draw(st.sampled_from(list(HEADS)))
        tree |= {"output": output, "loss": loss, "single_output": tree["single_output"] and output != "softmax"}
        fits = partial(_fits, len(tree["hidden"]))
        tree |= {key: draw(allowed(hints(kind)[key]).filter(fits)) for key in ("act", "dropout")}
    if kind is Training:  # where steps make an epoch, batches are drawn
        tree["order"] = "drawn" if tree["steps_per_epoch"] else tree["order"]
        tree["metrics"] = list(METRICS)  # any of which can be monitored
        tree["unit_targets"] = [] if tree["start_from"] is not None else tree["unit_targets"]
        tree["start_optimizer"] = tree["start_optimizer"] and tree["start_from"] is not None
        tree["evaluate_dropout"] = tree["update_first"] = False  # which depend on the model and on the optimizer
    if kind is Recipe:  # whose parts are all counts or all fractions
        sizes = draw(st.tuples(*[st.integers(1, 1000)] * 3) | st.tuples(*[st.floats(0.01, 0.33)] * 3))
        tree["split"] |= zip(("train", "valid", "test"), sizes, strict=True)
        split = tree["split"]
        split["stratify"] = split["stratify"] and split["draw"] != "choice"
        if split["overlap"] != "none":  # the sets that are one have one size
            split["valid"] = split["test"]
            split["train"] = split["test"] if split["overlap"] == "all" else split["train"]
        split["published_test"] = split["published_test"] and split["overlap"] != "all"
        tree |= {key: plain(value) for key, value in AS_BEFORE.items()}  # which are for other sources
        tree["folder"] = None  # or the name of a folder
        tree["source"] = "mnist"  # which allows all scalings, and has a test set of its own
        tree["name"] = draw(st.text(string.ascii_lowercase, min_size=1))  # of a folder
    return tree


def _fits(layers: int, value: Any) -> bool:
    return not isinstance(value, list) or (len(value) == layers and len(set(value)) != 1)  # equal values become one


def groups(table: dict[str, type]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(*(group(kind).map(lambda tree, name=name: {"name": name} | tree) for name, kind in table.items()))


# --- the round trip --------------------------------------------------------------------------------------------------


@given(tree=st.fixed_dictionaries({key: allowed(annotation) for key, annotation in GROUPS.items()}))
def test_plain_is_the_inverse_of_build_which_gives_each_field_its_type(tree: dict[str, Any]) -> None:
    assume(not tree["schedule"]["warmup"] or tree["schedule"]["warmup"] < tree["train"]["epochs"])
    config = build(Config, tree)
    assert build(Config, plain(config)) == config
    for key, annotation in GROUPS.items():
        built = build(annotation, tree[key], key)
        assert built == getattr(config, key)
        assert plain(built) == plain(config)[key] == tree[key]
        for f in dataclasses.fields(built):
            value = getattr(built, f.name)
            assert not isinstance(value, list | dict) or not value  # names of the user's columns
            assert hints(type(built))[f.name] is not float or type(value) is float


# --- refusals, over every field of every group -----------------------------------------------------------------------


class Field(NamedTuple):
    """A field of a group: the group's annotation, its key, a valid tree of it, and the field's name and annotation."""

    group: Any
    key: str
    tree: dict[str, Any]
    name: str
    hint: Any

    def refusal(self, value: Any) -> str:
        message = refusal(build, self.group, self.tree | {self.name: value}, self.key)
        assert message.startswith(f"{self.key}.{self.name}={show(value)}: ")
        return message

    def metadata(self, kind: Any) -> list[Any]:
        """The annotation's conditions, or its tables."""
        metadata = get_args(self.hint)[1:] if get_origin(self.hint) is Annotated else ()
        return [entry for entry in metadata if isinstance(entry, kind)]


def every_field() -> Iterator[Any]:
    kinds = [(Architecture, "model", None), (Training, "train", None)]
    kinds += [(kind, "optimizer", OPTIMIZERS) for kind in OPTIMIZERS.values()]
    kinds += [(kind, "schedule", SCHEDULES) for kind in SCHEDULES.values()]
    for kind, key, table in kinds:
        tree = {"name": kind.name, "lr": 0.1} if key == "optimizer" else {"name": kind.name} if table else {}
        annotation = kind if table is None else Annotated[kind, table]
        for name, hint in hints(kind).items():
            yield pytest.param(Field(annotation, key, tree, name, hint), id=f"{key}.{tree.get('name', '')}.{name}")


def fits(value: Any, kinds: set[Any]) -> bool:
    """Whether a value is of one of the types; a bool is not an integer, and nan and inf are no numbers."""
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int):
        return int in kinds or float in kinds
    if isinstance(value, float):
        return float in kinds and math.isfinite(value)
    return type(value) in kinds or (isinstance(value, list) and tuple in kinds)


SAMPLES = [True, None, "rubbish", "", "3", 3, 0.5, ["rubbish"], [], {"a": 1}, {}, math.nan, math.inf, -math.inf]


@pytest.mark.parametrize("field", list(every_field()))
def test_a_field_refuses_other_types_values_beyond_its_bounds_unknown_names_and_misspelt_keys(field: Field) -> None:
    kinds = {get_origin(option.kind) or option.kind for option in options(field.hint)}
    others = [value for value in SAMPLES if not fits(value, kinds)]
    assert len(others) > len(SAMPLES) / 2
    for value in others:
        field.refusal(value)
    for condition in field.metadata(str):
        symbol, bound = condition.split()
        outside = [float(bound) + (-1 if symbol[0] == ">" else 1), *([float(bound)] if len(symbol) == 1 else [])]
        for value in outside:
            assert condition in field.refusal(int(value) if int in kinds else value)
    for table in field.metadata((tuple, dict)):
        message = field.refusal("qqq")
        assert all(entry in message for entry in table)
    misspelt = field.name + "x"
    message = refusal(build, field.group, field.tree | {misspelt: 1}, field.key)
    assert message.startswith(f"{field.key}.{misspelt}=1: no such key; ")
    assert f"did you mean {field.name}?" in message


SGD = {"name": "sgd", "lr": 1}


@pytest.mark.parametrize(
    ("key", "tree", "expected"),
    [
        ("model", {"act": "rleu"}, ".act=rleu: unknown; did you mean relu? (allowed: "),
        ("model", {"init": "xavier"}, ".init=xavier: unknown; allowed: fan_in_uniform, glorot, "),
        ("model", {"hidden": [64, 0]}, ".hidden[1]=0: must be an integer >= 1 and <= 65536"),
        ("model", {"hidden": 64}, ".hidden=64: must be a list, like model.hidden=[64,32]"),
        ("model", {"hidden": [True]}, ".hidden[0]=true: must be an integer"),
        ("model", {"dropout": 1.5}, ".dropout=1.5: must be a finite number >= 0 and < 1"),
        ("model", {"dropout": 1}, ".dropout=1: must be a finite number >= 0 and < 1"),
        ("model", {"dropout": [0.1, 1]}, ".dropout[1]=1: must be a finite number >= 0 and < 1"),
        ("model", {"dropout": "a"}, ".dropout=a: must be a finite number >= 0 and < 1 or a list of numbers"),
        ("model", {"act": ["relu", "rleu"]}, ".act[1]=rleu: unknown; did you mean relu? (allowed: "),
        ("model", {"act": [3]}, ".act[0]=3: must be sigmoid, tanh, relu, leaky_relu, linear"),
        ("model", {"act": 3}, ".act=3: must be sigmoid, tanh, relu, leaky_relu, linear or a list of names"),
        ("model", {"act": ["relu", "tanh"]}, ".act=[relu,tanh]: length 2; allowed: one value for all "),
        ("model", {"bias": 1}, ".bias=1: must be true or false or fixed"),
        ("model", {"bias": "fixd"}, ".bias=fixd: unknown; did you mean fixed? (allowed: false, fixed, true)"),
        ("model", {"dropout_scaling": "no"}, ".dropout_scaling=no: unknown; did you mean none? (allowed: inference, "),
        ("model", {"class_weights": "balance"}, ".class_weights=balance: unknown; did you mean balanced? (allowed: "),
        ("model", {"class_weights": [1, 0]}, ".class_weights[1]=0: must be a finite number >= 1e-6"),
        ("model", {"class_weights": 3}, ".class_weights=3: must be balanced or a list of numbers or null"),
        ("model", {"output": "sigmoid"}, ".output=sigmoid with model.loss=cross_entropy: no such pair"),
        ("model", [1], "=[1]: must be a group of keys"),
        ("model", None, "=null: must be a group of keys"),
        ("train", {"epochs": True}, ".epochs=true: must be an integer >= 1"),
        ("train", {"epochs": 1.0}, ".epochs=1.0: must be an integer >= 1"),
        ("train", {"patience": 0}, ".patience=0: must be an integer >= 1 or null"),
        ("train", {"dtype": "float16"}, ".dtype=float16: unknown; did you mean float64?"),
        ("optimizer", {"name": "addam", "lr": 1}, ".name=addam: unknown; did you mean adam?"),
        ("optimizer", {"lr": 1}, ".name=null: unknown; allowed: adam, "),
        ("optimizer", {"name": ["sgd"], "lr": 1}, ".name=['sgd']: unknown"),
        ("optimizer", {"name": "sgd"}, ".lr: missing, and it has no default"),
        ("optimizer", SGD | {"lr": math.nan}, ".lr=nan: must be a finite number > 0"),
        ("optimizer", SGD | {"lr": 10**400}, ".lr=1000"),
        ("optimizer", SGD | {"lr": -(10**400)}, ".lr=-1000"),
        ("optimizer", SGD | {"momentum": 0.9}, ".momentum=0.9: no such key"),
        ("optimizer", SGD | {"clip_norm": 0}, ".clip_norm=0: must be a finite"),
        ("schedule", {"name": "step", "interval": 0}, ".interval=0: must be a finite number >= 0.001"),
        ("data", {"name": "a", "source": "mnist", "split": 3}, ".split=3: must be a group of keys"),
        ("data", {"name": "a", "source": "minst", "split": {}}, ".source=minst: unknown; did you mean mnist?"),
        ("model", {"act": "re\nlu"}, ".act='re\\nlu': unknown"),
        ("model", {"act": "re\r\nlu"}, ".act='re\\r\\nlu': unknown"),
        ("model", {"a\nct": 1}, ".'a\\nct'=1: no such key"),
    ],
)
def test_messages(key: str, tree: Any, expected: str) -> None:
    assert refusal(build, GROUPS[key], tree, key).startswith(key + expected)


# --- the rules, one by one -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inner:
    a: int
    hidden: int = field(default=3, metadata={"semantic": False})


@dataclass(frozen=True)
class Outer:
    inner: Inner
    many: tuple[float, ...] = ()
    text: str | None = None
    note: Inner = field(default=Inner(1), metadata={"semantic": False})


@pytest.mark.parametrize(
    ("annotation", "built", "refused"),
    [
        (int, [(3, 3)], [True, 1.0, "1", None]),
        (float, [(3, 3.0), (-0.5, -0.5)], [False, "0.1", math.nan, math.inf]),
        (bool, [(False, False)], [1, "true"]),
        (str, [("", "")], [1, None]),
        (str | None, [(None, None)], [1]),
        (Annotated[float | None, "> 0"], [(None, None), (2, 2.0)], [0, -1.5]),
        (Annotated[int | float, "> 0"], [(2, 2), (0.5, 0.5)], [0, True]),
        (Annotated[str, ("a", "b")], [("b", "b")], ["c"]),
        (Annotated[str, {"a": 1}], [("a", "a")], ["b"]),
        (Annotated[float, ">= 0", "< 1"], [(0, 0.0)], [1]),
        (Annotated[float, ">= 0", "<= 1"], [(1, 1.0)], [1.5]),
        (tuple[int, ...], [([], ()), ((1, 2), (1, 2))], [3, "12", {"a": 1}, [1, 2.5], [[1]]]),
        (tuple[float, ...], [([1, 2.5], (1.0, 2.5))], ["12"]),
        (Annotated[str, ("x",)] | tuple[float, ...] | None, [("x", "x"), ([1], (1.0,))], ["y"]),
    ],
)
def test_builds_what_an_annotation_allows_and_refuses_the_rest(
    annotation: Any, built: list[tuple[Any, Any]], refused: list[Any]
) -> None:
    for value, expected in built:
        found = build(annotation, value, "key")
        assert found == expected
        assert type(found) is type(expected)
    for value in refused:
        message = refusal(build, annotation, value, "key")
        assert show(value) in message or show(value[-1]) in message


def test_fills_defaults_in_and_names_nested_keys_in_full() -> None:
    assert build(Outer, {"inner": {"a": 2}, "many": [1]}) == Outer(Inner(2), (1.0,))
    assert refusal(build, Outer, {"inner": {"a": "x"}}, "top").startswith("top.inner.a=x: ")
    for tree, message in (
        ({"inner": {"a": 1, "b": 1}}, r"^inner\.b=1: no such key"),
        ({}, r"^inner: missing, and it has no default"),
        ({"inner": {"a": 1}, 7: 1}, r"^7=1: no such key"),
    ):
        with pytest.raises(UserError, match=message):
            build(Outer, tree)


def test_plain_can_leave_out_what_has_no_influence_at_any_depth() -> None:
    outer = Outer(Inner(2), (1.0, 2.0), "x")
    assert plain(outer) == {
        "inner": {"a": 2, "hidden": 3},
        "many": [1.0, 2.0],
        "text": "x",
        "note": {"a": 1, "hidden": 3},
    }
    assert plain(outer, semantic_only=True) == {"inner": {"a": 2}, "many": [1.0, 2.0], "text": "x"}


@dataclass(frozen=True, kw_only=True)
class Later:
    a: int
    warm: float = field(default=0.0, metadata={"before": 0.0})
    inner: Inner = field(default=Inner(1), metadata={"before": Inner(1)})
    kind: str = field(default="new", metadata={"before": "old"})


def test_a_key_that_a_version_added_is_left_out_while_it_means_as_before() -> None:
    assert plain(build(Later, {"a": 1}), semantic_only=True) == {"a": 1}
    for change in ({"warm": 0.5}, {"inner": {"a": 2}}, {"kind": "new"}):
        later = build(Later, {"a": 1, **change})
        assert plain(later, semantic_only=True) == {"a": 1, **change}
        assert build(Later, plain(later, semantic_only=True)) == later
    later = Later(a=1, kind="old")
    assert build(Later, {"a": 1}) == later != Later(a=1)  # a tree without the key is from before it
    assert plain(replace(later, inner=Inner(1, hidden=4)), semantic_only=True) == {"a": 1}
    assert plain(later, semantic_only=True, complete=True) == {"a": 1, "warm": 0.0, "inner": {"a": 1}, "kind": "old"}
    assert plain(later) == {"a": 1, "warm": 0.0, "inner": {"a": 1, "hidden": 3}, "kind": "old"}


def test_flatten_gives_the_leaves_their_dotted_keys() -> None:
    tree = {"a": 1, "b": {"c": [1, 2], "d": {"e": None}}, "empty": {}}
    assert dict(flatten(tree)) == {"a": 1, "b.c": [1, 2], "b.d.e": None}
    assert dict(flatten({"a": 1}, "x.")) == {"x.a": 1}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (False, "false"),
        ([1, 2], "[1, 2]"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 77 + "..."),
    ],
)
def test_show(value: Any, shown: str) -> None:
    assert show(value) == shown


def test_a_suggestion_ignores_capitals_and_lists_all_names() -> None:
    assert suggestion("height", ["X", "x"]) == "allowed: X, x"
    assert suggestion("AGE", ["age", "height"]) == "did you mean age? (allowed: age, height)"
