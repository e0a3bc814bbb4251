"""Keys that only matter beside certain values of others: typing one that changes nothing is refused."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config import tree as configuration
from src.config.needs import NEEDS, refuse_idle
from src.config.reference import keys
from src.config.tree import Config, check_against
from src.data.dataset import Dataset, Examples
from src.data.generated import BLOBS
from src.data.splits import cut
from src.foundation.errors import UserError
from src.foundation.schema import flatten
from src.training.session import Session, Start
from tests.helpers.commands import run_main
from tests.helpers.composing import composed, put
from tests.helpers.refusals import assert_rejected, refusal
from tests.training.conftest import in_memory

TINY = ("data=xor", "tracking=off", "model.hidden=[3]", "train.epochs=3", "train.batch_size=16", "optimizer.lr=0.1")
ONE_BY_ONE = ("experiment=perceptrons_xor", "tracking=off", "train.epochs=3", "train.unit_steps=5")
# Configurations each of which lacks what some keys need, and has what others need.
GROUNDS = (
    TINY,
    (*TINY, "model.hidden=[]"),
    (*TINY, "model.init=normal", "model.dropout=0", "schedule=constant"),
    (*TINY, "model.init=uniform", "schedule=warmup", "schedule.warmup=2"),
    (*TINY, "model.init=zeros", "model.bias_init=normal", "schedule=constant", "schedule.warmup=2"),
    (*TINY, "model.bias=false", "model.bias_init=normal", "train.batch_size=null"),
    (*TINY, "model.bias=fixed", "model.bias_init=uniform", "train.patience=1", "optimizer=momentum"),
    (*TINY, "model.output=sigmoid", "model.loss=binary_cross_entropy", "model.single_output=true"),
    (*TINY, "train.order=drawn", "train.steps_per_epoch=3", "optimizer=adamw", "schedule=exponential"),
    (*TINY, "train.start_from=" + "0" * 64, "model.init=normal", "model.bias_init=uniform"),
    (*TINY, "rng=legacy", "draws=one_stream", "schedule=step", "schedule.interval=1"),
    ONE_BY_ONE,
)
# Values that are allowed and make a difference, where what is allowed does not say so.
OTHERS: Mapping[str, Sequence[Any]] = {
    "model.hidden": [[4]],
    "model.class_weights": [[1.0, 3.0]],
    "draws.layer_seeds": [[3, 4], [3]],
    "draws.skip": [7],
    "schedule.warmup": [1.5],
    "train.metrics": [["rmse"]],
    "train.unit_targets": [[*BLOBS][::3]],
}
# What such a short training may not show: speed, what stops it early, and the state of an optimizer that it lacks.
NOT_SHOWN = {"train.threads", "train.patience", "train.monitor", "train.start_from", "train.start_optimizer"}


def points(n: int) -> Examples:
    rng = np.random.default_rng(n)
    group = rng.integers(0, 4, n)
    x = rng.standard_normal((n, 2)) + 2 * np.array([[-1, -1], [1, 1], [1, -1], [-1, 1]])[group]
    return Examples(x.astype(np.float32), (group < 2).astype(np.int64), group)


DATASET = in_memory(("0", "1"), *map(points, (71, 30, 31)), groups=tuple(BLOBS))


def others(key: str, value: Any) -> Iterator[Any]:
    """Some values of a key that differ from its own."""
    if key in OTHERS:
        yield from OTHERS[key]
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value / 2 if isinstance(value, float) and value else value + 1
    else:
        yield from [name for name in keys()[key].names if name != value][:2]


def outcome(config: Config, dataset: Dataset, folder: Path) -> object:
    """All that a training gives but times. Raises `UserError` for one that is not allowed."""
    theta = np.full_like(check_against(config, dataset).parameters.theta, 0.1)
    session = Session(config, dataset, Start(theta, None, "") if config.train.start_from else None)
    session.prepare()
    records = list[object]()

    def record(epoch: Any) -> dict[str, Any]:
        records.append((epoch.epoch, epoch.train_loss, epoch.valid_loss, epoch.lr, epoch.metrics))
        return {}

    session.run(session.saver(folder, ""), record)
    session.keep_best()
    result, predicted = session.evaluate()
    theta = session.network.parameters.theta
    return theta.dtype, theta.tobytes(), records, result, predicted.labels.tolist(), repr(session.steps)


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: " ".join(ground[len(TINY) :]) or ground[0])
def test_a_key_has_an_effect_where_the_table_says_so_and_nowhere_else(ground: tuple[str, ...], tmp_path: Path) -> None:
    """Each key that could be part of a run's identity is tried: a new one is found, or belongs in the table."""
    config = composed(*ground)
    before, wrong = outcome(config, DATASET, tmp_path), {}
    for key, value in flatten(config.semantic(complete=True)):
        results = list[object]()
        for other in others(key, value) if not key.startswith("data.") and key in keys() else ():
            put(tree := config.plain(), key, other)
            try:
                results.append(outcome(configuration.build(tree, "a test"), DATASET, tmp_path))
            except UserError:  # not allowed here
                continue
        met, changed = all(need.met(config) for need in NEEDS.get(key, ())), any(one != before for one in results)
        if results and met != changed and (changed or key not in NOT_SHOWN):
            wrong[key] = f"the table says {met}, trainings say {changed}"
    assert wrong == {}


SIZES = {"train": 1.0, "valid": 1.0, "test": 1.0, "overlap": "all"}
HELD_OUT = {"train": 20, "valid": 20, "test": 20, "published_test": True}


@pytest.mark.parametrize(
    "split",
    [{}, SIZES, HELD_OUT, HELD_OUT | {"overlap": "valid_is_test"}, {"draw": "choice", "stratify": False}],
    ids=str,
)
def test_a_key_of_the_split_has_an_effect_where_the_table_says_so(split: Mapping[str, Any]) -> None:
    tree = composed("data=digits").plain()
    tree["data"]["split"] |= {"train": 20, "valid": 20, "test": 20} | split
    tree["data"]["source"] = "mnist"  # which has a published test set
    y = np.tile(np.arange(4), 20)

    def sets(tree: Mapping[str, Any]) -> list[list[int]]:
        recipe = configuration.build(tree, "a test").data
        return [rows.tolist() for rows in cut(y, recipe.split, recipe.seed, 20 * recipe.split.published_test).values()]

    before, config = sets(tree), configuration.build(tree, "a test")
    for key, other in {"seed": 5, "split.skip": 7, "split.draw": "train_first", "split.stratify": False}.items():
        changed = configuration.build(tree, "a test").plain()
        put(changed, f"data.{key}", other)
        if other != dict(flatten(tree))[f"data.{key}"]:
            met = all(need.met(config) for need in NEEDS[f"data.{key}"])
            assert (sets(changed) != before) == met, key


def test_the_table_names_keys_that_exist() -> None:
    known = {*keys(), "data.columns", *(key.partition(".")[0] for key in keys())}
    mentioned = {word for needs in NEEDS.values() for need in needs for word in re.findall(r"([\w.]+)=", need.words)}
    assert {*NEEDS, *mentioned} <= known


IDLE = {
    "train model.init_std=0.2": "without model.init=normal or model.bias_init=normal",
    "train model.threshold=0.5": "without model.single_output=true",  # its own default
    "train model.hidden=[] model.act=tanh": "without hidden units, such as model.hidden=[64]",
    "train draws.shared=false": "without rng=legacy",
    "train data.label=null": "without data.source=table",
    "train tracking=off tracking.experiment=mine": "without tracking=mlflow",
    "train -m model.init=he,glorot model.init_std=0.2": "without model.init=normal or model.bias_init=normal",
    "train -m seed=0,1 train.unit_steps=5,6": "without train.unit_targets",
    "ablation ablation=width train.monitor=valid_loss": "without train.patience",
    "compose train.monitor=valid_loss": "without train.patience",
    **{
        f"{stage} data=digits {typed}": f"here; the stage {stage} uses data alone"
        for stage in ("fetch", "split", "normalize", "evaluate")
        for typed in ("model.threshold=0.3", "optimizer=sgd")
    },
}


@pytest.mark.parametrize("command", IDLE)
def test_a_key_without_effect_is_refused_where_it_is_typed(
    command: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.config.tree.SNAPSHOT", home / "params.yaml")
    done = run_main(*command.split())
    assert_rejected(done, f"has no effect {IDLE[command]}")
    assert done.stderr.removeprefix("error: ").split(":")[0] in command.split()


@pytest.mark.parametrize(
    ("typed", "needs"),
    [
        ("optimizer.momentum=0.9", "optimizer=momentum or optimizer=nesterov"),
        ("schedule.gamma=0.1", "schedule=step"),
    ],
)
def test_a_key_of_another_choice_names_the_choice(typed: str, needs: str) -> None:
    assert refusal(composed, typed) == f"{typed}: no such key without {needs}"


def test_a_key_with_an_effect_in_one_run_of_several_is_accepted() -> None:
    one, other = composed("model.init=normal"), composed()
    refuse_idle(["model.init_std=0.1", "seed=3", "-m", "hydra.verbose=true"], [other, one])
    assert "has no effect" in refusal(refuse_idle, ["model.init_std=0.1"], [other, other])
