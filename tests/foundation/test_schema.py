import dataclasses
import math
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from src.config.tree import Config
from src.data.recipes import Recipe
from src.foundation.errors import UserError
from src.foundation.schema import build, flatten, plain, show
from src.nn.architecture import Architecture
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS, Optimizer
from src.optim.schedules import SCHEDULES, Schedule
from src.training.loop import Training
from src.training.metrics import METRICS

GROUPS = {
    "data": Recipe,
    "model": Architecture,
    "optimizer": Annotated[Optimizer, OPTIMIZERS],
    "schedule": Annotated[Schedule, SCHEDULES],
    "train": Training,
}


def refusal(annotation: Any, value: Any, key: str = "key") -> str:
    """The message with which a value is refused."""
    with pytest.raises(UserError) as caught:
        build(annotation, value, key)
    message = str(caught.value)
    assert "\n" not in message
    assert key in message
    return message


# --- what is allowed, drawn from the annotations themselves ----------------------------------------------------------


def bounds(conditions: list[str]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for condition in conditions:
        symbol, bound = condition.split()
        side = "min" if symbol[0] == ">" else "max"
        limits[f"{side}_value"] = float(bound)
        limits[f"exclude_{side}"] = len(symbol) == 1
    return limits


def integers(conditions: list[str]) -> st.SearchStrategy[int]:
    limits = bounds(conditions)
    low, high = limits.get("min_value", -(10**6)), limits.get("max_value", 10**6)
    return st.integers(int(low) + limits.get("exclude_min", False), int(high) - limits.get("exclude_max", False))


def allowed(annotation: Any, conditions: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Plain values that `annotation` allows, data classes with all of their fields."""
    kind, metadata = annotation, []
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
    conditions = tuple(entry for entry in metadata if isinstance(entry, str)) or conditions
    tables = [entry for entry in metadata if not isinstance(entry, str)]
    if dataclasses.is_dataclass(kind):
        return groups(tables[0]) if tables else group(kind)
    if get_origin(kind) is tuple:
        return st.lists(allowed(get_args(kind)[0], conditions), max_size=4)
    if args := get_args(kind):
        return st.one_of(*(allowed(option, conditions) for option in args))
    if kind is str:
        return st.sampled_from(sorted(tables[0])) if tables else st.text(string.ascii_lowercase, min_size=1)
    return {
        bool: st.booleans(),
        type(None): st.none(),
        int: integers(list(conditions)),
        float: st.floats(allow_nan=False, allow_infinity=False, **bounds(list(conditions))),
    }[kind]


def group(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: allowed(hint) for name, hint in hints(kind).items()}
    drawn = st.fixed_dictionaries(fields)
    if kind is Architecture:  # whose outputs and losses come in pairs
        return drawn.flatmap(
            lambda tree: st.sampled_from(list(HEADS)).map(
                lambda head: (
                    tree
                    | {"output": head[0], "loss": head[1]}
                    | {"single_output": tree["single_output"] and head[0] != "softmax"}
                )
            )
        )
    if kind is Training:  # where steps make an epoch, batches are drawn
        return drawn.map(
            lambda tree: (
                tree
                | {"order": "drawn" if tree["steps_per_epoch"] else tree["order"]}
                | {"metrics": list(METRICS)}  # any of which can be monitored
                | {"evaluate_dropout": False}  # which depends on the model
            )
        )
    if kind is Recipe:  # whose parts are all counts or all fractions
        sizes = st.tuples(*[st.integers(1, 1000)] * 3) | st.tuples(*[st.floats(0.01, 0.33)] * 3)
        return st.tuples(drawn, sizes).map(
            lambda both: (
                both[0]
                | {"source": "mnist"}  # which allows all scalings, and has a test set of its own
                | {"split": both[0]["split"] | dict(zip(("train", "valid", "test"), both[1], strict=True))}
            )
        )
    return drawn


def groups(table: dict[str, type]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(*(group(kind).map(lambda tree, name=name: {"name": name} | tree) for name, kind in table.items()))


def hints(kind: type) -> dict[str, Any]:
    every = get_type_hints(kind, include_extras=True)
    return {f.name: every[f.name] for f in dataclasses.fields(kind)}


# --- the round trip --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", GROUPS)
@settings(deadline=None)
@given(data=st.data())
def test_plain_is_the_inverse_of_build(key: str, data: st.DataObject) -> None:
    annotation = GROUPS[key]
    tree = data.draw(allowed(annotation))
    built = build(annotation, tree, key)
    assert plain(built) == tree
    assert build(annotation, plain(built), key) == built


@settings(deadline=None)
@given(tree=st.fixed_dictionaries({key: allowed(annotation) for key, annotation in GROUPS.items()}))
def test_a_whole_configuration_makes_the_round_trip(tree: dict[str, Any]) -> None:
    assume(not tree["schedule"]["warmup"] or tree["schedule"]["warmup"] < tree["train"]["epochs"])
    config = build(Config, tree)
    assert {key: plain(config)[key] for key in GROUPS} == tree
    assert build(Config, plain(config)) == config


@pytest.mark.parametrize("key", GROUPS)
@settings(deadline=None)
@given(data=st.data())
def test_every_field_has_the_type_of_its_annotation(key: str, data: st.DataObject) -> None:
    built = build(GROUPS[key], data.draw(allowed(GROUPS[key])), key)
    for f in dataclasses.fields(built):
        value = getattr(built, f.name)
        assert not isinstance(value, list | dict)
        if hints(type(built))[f.name] is float:
            assert type(value) is float


# --- refusals, over every field of every group -----------------------------------------------------------------------


def every_field() -> Iterator[tuple[Any, str, dict[str, Any], str, Any]]:
    """annotation of the group, key of the group, a valid tree of it, and a field with its annotation."""
    kinds = [(Architecture, "model", None), (Training, "train", None)]
    kinds += [(kind, "optimizer", OPTIMIZERS) for kind in OPTIMIZERS.values()]
    kinds += [(kind, "schedule", SCHEDULES) for kind in SCHEDULES.values()]
    for kind, key, table in kinds:
        tree = {"name": kind.name, "lr": 0.1} if key == "optimizer" else {"name": kind.name} if table else {}
        annotation = kind if table is None else Annotated[kind, table]
        for name, hint in hints(kind).items():
            yield pytest.param(annotation, key, tree, name, hint, id=f"{key}.{tree.get('name', '')}.{name}")


def told(annotation: Any, key: str, tree: dict[str, Any], name: str, value: Any) -> str:
    message = refusal(annotation, tree | {name: value}, key)
    assert message.startswith(f"{key}.{name}={show(value)}: ")
    return message


def kinds_of(hint: Any) -> set[Any]:
    """The plain types that an annotation allows."""
    if get_origin(hint) is Annotated:
        return kinds_of(get_args(hint)[0])
    if get_origin(hint) is tuple or not get_args(hint):
        return {get_origin(hint) or hint}
    return set().union(*(kinds_of(option) for option in get_args(hint)))


def metadata_of(hint: Any, kind: Any) -> list[Any]:
    """An annotation's conditions, or its tables."""
    metadata = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return [entry for entry in metadata if isinstance(entry, kind)]


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


@pytest.mark.parametrize(("annotation", "key", "tree", "name", "hint"), list(every_field()))
class TestEveryField:
    def test_refuses_other_types(self, annotation: Any, key: str, tree: dict[str, Any], name: str, hint: Any) -> None:
        others = [value for value in SAMPLES if not fits(value, kinds_of(hint))]
        assert len(others) > len(SAMPLES) / 2
        for value in others:
            told(annotation, key, tree, name, value)

    def test_refuses_what_lies_beyond_its_bounds(
        self, annotation: Any, key: str, tree: dict[str, Any], name: str, hint: Any
    ) -> None:
        for condition in metadata_of(hint, str):
            symbol, bound = condition.split()
            outside = [float(bound) + (-1 if symbol[0] == ">" else 1), *([float(bound)] if len(symbol) == 1 else [])]
            for value in outside:
                typed = int(value) if int in kinds_of(hint) else value
                assert condition in told(annotation, key, tree, name, typed)

    def test_refuses_names_that_are_in_no_table_and_lists_those_that_are(
        self, annotation: Any, key: str, tree: dict[str, Any], name: str, hint: Any
    ) -> None:
        for table in metadata_of(hint, (tuple, dict)):
            message = told(annotation, key, tree, name, "qqq")
            assert all(entry in message for entry in table)

    def test_refuses_a_misspelt_key_and_suggests_it(
        self, annotation: Any, key: str, tree: dict[str, Any], name: str, hint: Any
    ) -> None:
        misspelt = name + "x"
        message = refusal(annotation, tree | {misspelt: 1}, key)
        assert message.startswith(f"{key}.{misspelt}=1: no such key; ")
        assert f"did you mean {name}?" in message


@pytest.mark.parametrize(
    ("annotation", "key", "tree", "expected"),
    [
        (Architecture, "model", {"act": "rleu"}, "model.act=rleu: unknown; did you mean relu? (allowed: "),
        (Architecture, "model", {"init": "xavier"}, "model.init=xavier: unknown; allowed: fan_in_uniform, glorot, "),
        (Architecture, "model", {"hidden": [64, 0]}, "model.hidden[1]=0: must be an integer >= 1 and <= 65536"),
        (Architecture, "model", {"hidden": 64}, "model.hidden=64: must be a list, like model.hidden=[64,32]"),
        (Architecture, "model", {"hidden": [True]}, "model.hidden[0]=true: must be an integer"),
        (Architecture, "model", {"dropout": 1.5}, "model.dropout=1.5: must be a finite number >= 0 and < 1"),
        (Architecture, "model", {"dropout": 1}, "model.dropout=1: must be a finite number >= 0 and < 1"),
        (Architecture, "model", {"bias": 1}, "model.bias=1: must be true or false"),
        (
            Architecture,
            "model",
            {"class_weights": "balance"},
            "model.class_weights=balance: unknown; did you mean balanced?",
        ),
        (Architecture, "model", {"class_weights": [1, 0]}, "model.class_weights[1]=0: must be a finite number >= 1e-6"),
        (
            Architecture,
            "model",
            {"class_weights": 3},
            "model.class_weights=3: must be balanced or a list of numbers or null",
        ),
        (
            Architecture,
            "model",
            {"output": "sigmoid"},
            "model.output=sigmoid with model.loss=cross_entropy: no such pair",
        ),
        (Architecture, "model", [1], "model=[1]: must be a group of keys"),
        (Architecture, "model", None, "model=null: must be a group of keys"),
        (Training, "train", {"epochs": True}, "train.epochs=true: must be an integer >= 1"),
        (Training, "train", {"epochs": 1.0}, "train.epochs=1.0: must be an integer >= 1"),
        (Training, "train", {"patience": 0}, "train.patience=0: must be an integer >= 1 or null"),
        (Training, "train", {"dtype": "float16"}, "train.dtype=float16: unknown; did you mean float64?"),
        (
            GROUPS["optimizer"],
            "optimizer",
            {"name": "addam", "lr": 1},
            "optimizer.name=addam: unknown; did you mean adam?",
        ),
        (GROUPS["optimizer"], "optimizer", {"lr": 1}, "optimizer.name=null: unknown; allowed: adam, "),
        (GROUPS["optimizer"], "optimizer", {"name": ["sgd"], "lr": 1}, "optimizer.name=['sgd']: unknown"),
        (GROUPS["optimizer"], "optimizer", {"name": "sgd"}, "optimizer.lr: missing, and it has no default"),
        (
            GROUPS["optimizer"],
            "optimizer",
            {"name": "sgd", "lr": math.nan},
            "optimizer.lr=nan: must be a finite number > 0",
        ),
        (
            GROUPS["optimizer"],
            "optimizer",
            {"name": "sgd", "lr": 1, "momentum": 0.9},
            "optimizer.momentum=0.9: no such key",
        ),
        (
            GROUPS["optimizer"],
            "optimizer",
            {"name": "sgd", "lr": 1, "clip_norm": 0},
            "optimizer.clip_norm=0: must be a finite",
        ),
        (
            GROUPS["schedule"],
            "schedule",
            {"name": "step", "interval": 0},
            "schedule.interval=0: must be a finite number >= 0.001",
        ),
        (Recipe, "data", {"name": "a", "source": "mnist", "split": 3}, "data.split=3: must be a group of keys"),
        (
            Recipe,
            "data",
            {"name": "a", "source": "minst", "split": {}},
            "data.source=minst: unknown; did you mean mnist?",
        ),
    ],
)
def test_messages(annotation: Any, key: str, tree: Any, expected: str) -> None:
    message = refusal(annotation, tree, key)
    assert message.startswith(expected)


@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["10^400", "-10^400"])
def test_refuses_whole_numbers_too_large_for_a_float(value: int) -> None:
    assert "optimizer.lr=" in refusal(GROUPS["optimizer"], {"name": "sgd", "lr": value}, "optimizer")


@pytest.mark.parametrize("value", ["re\nlu", "re\r\nlu"])
def test_a_value_of_several_lines_is_told_in_one(value: str) -> None:
    message = refusal(Architecture, {"act": value}, "model")
    assert len(message.splitlines()) == 1


def test_a_key_of_several_lines_is_told_in_one() -> None:
    with pytest.raises(UserError) as caught:
        build(Architecture, {"a\nct": 1}, "model")
    assert len(str(caught.value).splitlines()) == 1


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
    ("annotation", "value", "built"),
    [
        (int, 3, 3),
        (float, 3, 3.0),
        (float, -0.5, -0.5),
        (bool, False, False),
        (str, "", ""),
        (str | None, None, None),
        (Annotated[float | None, "> 0"], None, None),
        (Annotated[float | None, "> 0"], 2, 2.0),
        (Annotated[int | float, "> 0"], 2, 2),
        (Annotated[int | float, "> 0"], 0.5, 0.5),
        (Annotated[str, ("a", "b")], "b", "b"),
        (Annotated[str, {"a": 1}], "a", "a"),
        (Annotated[float, ">= 0", "<= 1"], 1, 1.0),
        (tuple[int, ...], [], ()),
        (tuple[int, ...], (1, 2), (1, 2)),
        (tuple[float, ...], [1, 2.5], (1.0, 2.5)),
        (Annotated[str, ("x",)] | tuple[float, ...] | None, "x", "x"),
        (Annotated[str, ("x",)] | tuple[float, ...] | None, [1], (1.0,)),
    ],
)
def test_builds(annotation: Any, value: Any, built: Any) -> None:
    found = build(annotation, value, "key")
    assert found == built
    assert type(found) is type(built)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, True),
        (int, 1.0),
        (int, "1"),
        (int, None),
        (float, False),
        (float, "0.1"),
        (float, math.nan),
        (float, math.inf),
        (bool, 1),
        (bool, "true"),
        (str, 1),
        (str, None),
        (Annotated[float | None, "> 0"], 0),
        (Annotated[float | None, "> 0"], -1.5),
        (Annotated[int | float, "> 0"], 0),
        (Annotated[int | float, "> 0"], True),
        (Annotated[float, ">= 0", "< 1"], 1),
        (tuple[int, ...], 3),
        (tuple[int, ...], "12"),
        (tuple[int, ...], {"a": 1}),
        (tuple[int, ...], [1, 2.5]),
        (tuple[int, ...], [[1]]),
    ],
)
def test_refuses(annotation: Any, value: Any) -> None:
    message = refusal(annotation, value)
    assert show(value) in message or show(value[-1]) in message


def test_fills_defaults_in_and_goes_into_groups() -> None:
    assert build(Outer, {"inner": {"a": 2}, "many": [1]}) == Outer(Inner(2), (1.0,))


def test_names_nested_keys_in_full() -> None:
    assert refusal(Outer, {"inner": {"a": "x"}}, "top").startswith("top.inner.a=x: ")
    with pytest.raises(UserError, match=r"^inner\.b=1: no such key"):
        build(Outer, {"inner": {"a": 1, "b": 1}})
    with pytest.raises(UserError, match=r"^inner: missing, and it has no default"):
        build(Outer, {})
    with pytest.raises(UserError, match=r"^7=1: no such key"):
        build(Outer, {"inner": {"a": 1}, 7: 1})


def test_leaves_its_input_alone() -> None:
    tree = {"name": "sgd", "lr": 0.1}
    build(GROUPS["optimizer"], tree, "optimizer")
    assert tree == {"name": "sgd", "lr": 0.1}


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


def test_a_key_that_a_version_added_is_left_out_while_it_means_as_before() -> None:
    assert plain(build(Later, {"a": 1}), semantic_only=True) == {"a": 1}
    for change in ({"warm": 0.5}, {"inner": {"a": 2}}):
        later = build(Later, {"a": 1, **change})
        assert plain(later, semantic_only=True) == {"a": 1, **change}
        assert build(Later, plain(later, semantic_only=True)) == later
    assert plain(Later(a=1, inner=Inner(1, hidden=4)), semantic_only=True) == {"a": 1}
    assert plain(Later(a=1), semantic_only=True, complete=True) == {"a": 1, "warm": 0.0, "inner": {"a": 1}}
    assert plain(Later(a=1)) == {"a": 1, "warm": 0.0, "inner": {"a": 1, "hidden": 3}}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_plain_gives_a_data_class_out_of_a_table_its_name(name: str) -> None:
    assert plain(OPTIMIZERS[name](lr=0.5))["name"] == name


def test_flatten_gives_the_leaves_their_dotted_keys() -> None:
    tree = {"a": 1, "b": {"c": [1, 2], "d": {"e": None}}, "empty": {}}
    assert dict(flatten(tree)) == {"a": 1, "b.c": [1, 2], "b.d.e": None}
    assert dict(flatten({"a": 1}, "x.")) == {"x.a": 1}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (0.1, "0.1"),
        ("relu", "relu"),
        ([1, 2], "[1, 2]"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 77 + "..."),
        (math.nan, "nan"),
        ("a\nb", "'a\\nb'"),
    ],
)
def test_show(value: Any, shown: str) -> None:
    assert show(value) == shown
