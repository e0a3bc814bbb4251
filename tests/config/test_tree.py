"""The configuration: every file of conf/ composes, and what is not allowed is refused in one line."""

from pathlib import Path

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from src.compose import snapshot
from src.config import tree as config
from src.config.composition import CONF, compose, from_hydra
from src.foundation.errors import UserError
from src.foundation.files import conf_digest
from src.foundation.schema import flatten, plain
from src.nn.activations import ACTIVATIONS
from src.nn.initializers import INITIALIZERS
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from tests.conftest import ROOT
from tests.helpers.composing import composed

CHOICES = sorted(
    (file.parent.name, file.stem) for file in (ROOT / "conf").glob("*/*.yaml") if file.parent.name != "hydra"
)


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_file_of_conf_composes(group: str, choice: str) -> None:
    composed = compose([f"{group}={choice}"])
    assert config.build(composed.plain(), "again") == composed


GLOBAL = ("ablation", "experiment", "pipeline")  # groups whose files change keys of other groups


@pytest.mark.parametrize(("group", "choice"), [pair for pair in CHOICES if pair[0] not in GLOBAL])
def test_conf_lists_every_key_of_a_group(group: str, choice: str) -> None:
    """Hydra lets people change only keys that conf/ lists; with a default in code alone it could not be typed."""
    with initialize_config_dir(CONF, version_base="1.3"):
        listed = OmegaConf.to_container(hydra_compose("config", [f"{group}={choice}"]), resolve=False)
    assert isinstance(listed, dict)
    expected = plain(getattr(compose([f"{group}={choice}"]), group))
    assert set(dict(flatten(listed[group]))) == set(dict(flatten(expected)))


@pytest.mark.parametrize(("key", "table"), [("model.act", ACTIVATIONS), ("model.init", INITIALIZERS)])
def test_every_entry_of_a_table_can_be_typed(key: str, table: dict[str, object]) -> None:
    for name in table:
        assert dict(flatten(compose([f"{key}={name}"]).plain()))[key] == name


def test_every_optimizer_schedule_and_head_can_be_typed() -> None:
    for name in OPTIMIZERS:
        assert compose([f"optimizer={name}"]).optimizer.name == name
    for name in SCHEDULES:
        assert compose([f"schedule={name}"]).schedule.name == name
    for output, loss in HEADS:
        assert compose([f"model.output={output}", f"model.loss={loss}"]).model.loss == loss


def test_the_committed_snapshot_is_what_conf_composes_to() -> None:
    assert (ROOT / "params.yaml").read_text() == snapshot([])
    assert config.read_snapshot() == compose([])


def test_the_snapshot_carries_the_digest_of_conf() -> None:
    assert config.read_snapshot().conf_digest == conf_digest()


REFUSED = {
    "nosuch.key=1": ("nosuch.key=1", "no such key"),
    "model.nosuch=1": ("model.nosuch=1", "no such key"),
    "+foo=1": ("+foo=1", "added"),
    "++foo=1": ("++foo=1", "added"),
    "~model": ("~model", "removed"),
    "~train.epochs": ("~train.epochs", "removed"),
    "model=null": ("model=null", "mlp"),
    "optimizer=sgdx": ("optimizer=sgdx", "did you mean sgd"),
    "data=nope": ("data=nope", "digits, digits_raw, mnist"),
    "experiment=nope": ("experiment=nope", "quick"),
    "optimizer=3": ("optimizer=3", "adam, "),
    "optimizer=sgd,3": ("optimizer=3", "adam, "),
    "optimizer=[sgd,adam]": ("optimizer=[sgd,adam]", "one choice"),
    "optimizer=[3]": ("optimizer=[3]", "one choice"),
    "optimizer@model=sgd": ("optimizer@model=sgd", "no such key"),
    "/optimizer=sgd": ("/optimizer=sgd", "no such key"),
    "data=true": ("data=true", "digits, digits_raw, mnist"),
    "schedule=1e5": ("schedule=1e5", "cosine"),
    "experiment=-1": ("experiment=-1", "quick"),
    "experiment=null": ("experiment=null", "quick"),
    "experiment=quick,null": ("experiment=null", "quick"),
    "=3": ("=3", "KEY=VALUE"),
    "model.act=${oc.env:HOME}": ("model.act=${oc.env:HOME}", "interpolations"),
    "name=${seed}": ("name=${seed}", "interpolations"),
    "optimizer.lr=abc": ("optimizer.lr=abc", "a finite number > 0"),
    "optimizer.lr=nan": ("optimizer.lr=nan", "a finite number > 0"),
    "optimizer.lr=inf": ("optimizer.lr=inf", "a finite number > 0"),
    "optimizer.lr=-1": ("optimizer.lr=-1", "> 0"),
    "optimizer.lr=0": ("optimizer.lr=0", "> 0"),
    "optimizer.lr=true": ("optimizer.lr=true", "a finite number"),
    "optimizer.lr=null": ("optimizer.lr=null", "a finite number"),
    "optimizer.name=sgdx": ("optimizer.name=sgdx", "sgd"),
    "optimizer.momentum=0.9": ("optimizer.momentum=0.9", "beta1"),
    "model.dropout=1": ("model.dropout=1", ">= 0 and < 1"),
    "model.dropout=-0.1": ("model.dropout=-0.1", ">= 0 and < 1"),
    "model.hidden=[0]": ("model.hidden[0]=0", ">= 1"),
    "model.hidden=[10,x]": ("model.hidden[1]=x", "an integer"),
    "model.hidden=[1.5]": ("model.hidden[0]=1.5", "an integer"),
    "model.hidden=5": ("model.hidden=5", "list"),
    "model.act=rleu": ("model.act=rleu", "did you mean relu"),
    "model.act=": ("model.act=", "relu"),
    "model.bias=1": ("model.bias=1", "true or false"),
    "model.output=sigmoid": ("model.output=sigmoid", "model.loss=mse"),
    "model.class_weights=some": ("model.class_weights=some", "balanced"),
    "model.class_weights=[1,0]": ("model.class_weights[1]=0", ">= 1e-6 and <= 1e6"),
    "schedule.warmup=20": ("schedule.warmup=20", "train.epochs=20"),
    "train.epochs=0": ("train.epochs=0", ">= 1"),
    "train.epochs=2.5": ("train.epochs=2.5", "an integer"),
    "train.batch_size=0": ("train.batch_size=0", ">= 1"),
    "train.dtype=float16": ("train.dtype=float16", "float32"),
    "seed=-1": ("seed=-1", ">= 0"),
    "data.split=3": ("data.split=3", "group of keys"),
    "data.name=../elsewhere": ("data.name=../elsewhere", "folder"),
    "tracking.name=wandb": ("tracking.name=wandb", "mlflow"),
}


@pytest.mark.parametrize("override", REFUSED)
def test_what_is_not_allowed_is_refused_in_one_line(override: str) -> None:
    key_and_value, allowed = REFUSED[override]
    with pytest.raises(UserError) as refused:
        compose([override])
    message = str(refused.value)
    assert key_and_value in message
    assert allowed in message
    assert "\n" not in message


def test_an_interpolation_in_a_file_is_refused_too() -> None:
    from omegaconf import OmegaConf

    tree = compose([]).plain() | {"name": "${oc.env:HOME}"}
    with pytest.raises(UserError, match=r"name=\$\{oc\.env:HOME\}: interpolations"):
        from_hydra(OmegaConf.create(tree))


@pytest.mark.parametrize(
    "content", ["", "[1, 2]", "just text", "a: [", "- a\n- b", "\x00", "a: !!python/name:os.system", "{}"]
)
def test_a_snapshot_that_is_not_one_is_refused_with_the_remedy(tmp_path: Path, content: str) -> None:
    (tmp_path / "params.yaml").write_text(content)
    with pytest.raises(UserError) as refused:
        config.read_snapshot(tmp_path / "params.yaml")
    assert "\n" not in str(refused.value)
    assert "python -m src.compose" in str(refused.value)


@pytest.mark.parametrize(("written", "read"), [("1e-3", 0.001), ("1E5", 100000.0), ("-2e+2", -200.0), ("3", 3)])
def test_numbers_are_read_as_people_write_them(tmp_path: Path, written: str, read: float) -> None:
    (tmp_path / "params.yaml").write_text(f"lr: {written}\n")
    assert config.read_yaml(tmp_path / "params.yaml") == {"lr": read}


def test_a_snapshot_that_refers_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: &a [*a]\n")
    with pytest.raises(UserError, match=r"alias .* not allowed"):
        config.read_snapshot(tmp_path / "params.yaml")


def test_a_missing_snapshot_is_refused_with_the_remedy(tmp_path: Path) -> None:
    restore = r"to restore params\.yaml, run `git checkout params\.yaml` or `python -m src\.compose`"
    with pytest.raises(UserError, match=rf"params\.yaml: no such file; {restore}"):
        config.read_snapshot(tmp_path / "params.yaml")


def test_semantics_leave_out_what_names_records_or_locates() -> None:
    base = compose([]).semantic()
    for override in ("name=mine", "tracking=off", "data.mirror=/somewhere", "train.fresh=true"):
        assert compose([override]).semantic() == base
    for override in ("seed=1", "optimizer.lr=0.5", "model.bias=false", "data.scaling=unit", "train.dtype=float64"):
        assert compose([override]).semantic() != base


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=3)
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(key=st.deferred(lambda: st.sampled_from(sorted(key for key, _ in flatten(composed().plain())))), value=VALUES)
def test_any_value_of_any_key_is_taken_or_refused_in_one_line(key: str, value: object) -> None:
    tree = composed().plain()
    *parents, last = key.split(".")
    node = tree
    for parent in parents:
        node = node[parent]
    node[last] = value
    try:
        built = config.build(tree, "a test")
    except UserError as error:
        refusal = str(error)
    else:
        assert config.build(built.plain(), "again") == built
        return
    assert key in refusal
    assert "\n" not in refusal
