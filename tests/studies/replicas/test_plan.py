"""What a table comes to before anything runs: every training composed, checked, and told apart."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from src.config.tree import Config
from src.studies.plan import plan
from src.studies.replicas.collect import command_of
from src.studies.replicas.declare import ReplicaDeclaration, declare
from src.studies.study import Study
from tests.helpers.composing import composed
from tests.helpers.refusals import refusal

SMALL = ("data=digits", "train.epochs=2")
CLAIM = {"metric": "test/accuracy", "value": 0.9, "digits": 2}
OTHER = {"text": "a", "claims": [CLAIM]}


def compose(overrides: Sequence[str]) -> Config:
    """As the sweeper does, where there is no table that `ablation.only` could be a key of."""
    return composed(*(override for override in overrides if not override.startswith("ablation.")))


def declared(published: dict[str, Any], only: Sequence[str] = ()) -> ReplicaDeclaration:
    tree = {"title": "?", "texts": {"a": {"title": "A text"}}, "published": published, "only": list(only)}
    return declare("mine", tree)


def planned(
    *arguments: str, seeds: Sequence[str] = ("0", "1"), typed_seeds: bool = False, only: Sequence[str] = (), **more: Any
) -> Study[ReplicaDeclaration]:
    """Two experiments, the second of which has a run with the text's draws, in the small; more: keys of the first."""
    published = {
        "digits": {**OTHER, "seed": 5, **more},
        "sigmoid_mse": {**OTHER, "seeds": 1, "ours": ["model.act=tanh"]},
    }
    return plan(declared(published, only), seeds, [*SMALL, *arguments], not typed_seeds, compose)


def test_every_experiment_is_trained_with_every_seed_or_with_its_own() -> None:
    found = planned()
    assert [job.label for job in found.jobs] == ["digits, same draws s5", "digits s0", "digits s1", "sigmoid_mse s0"]
    assert found.jobs[-1].config.model.act == "tanh"
    for job in found.jobs:
        assert job.label == f"{job.variant} s{job.config.seed}"
        # The configuration that was checked is the one that another process composes from the overrides.
        assert composed(*job.overrides) == job.config
    # Seeds that are typed are for the experiments without seeds of their own.
    typed = planned(seeds=["7"], typed_seeds=True)
    assert [job.label for job in typed.jobs] == ["digits, same draws s5", "digits s7", "sigmoid_mse s0"]
    assert typed.typed == (*SMALL, "seed=7")


def test_the_command_of_an_experiment_trains_just_that_run() -> None:
    found = planned("tracking=off", "hydra/launcher=basic")
    for job in found.jobs:
        python, m, module, *overrides = shlex.split(command_of(job.overrides))
        assert [python, m, module] == ["python", "-m", "src.train"]
        assert not any(override.startswith(("tracking", "hydra", "ablation")) for override in overrides)
        assert composed(*overrides).semantic() == job.config.semantic()


def test_as_declared_it_is_reported_in_reports_and_otherwise_beside_the_runs(home: Path) -> None:
    declaration = declared({"digits": OTHER})
    plain, other = (plan(declaration, ["0"], [typed], True, compose) for typed in ("tracking=off", "train.epochs=1"))
    assert (plain.typed, plain.name, plain.command) == ((), "mine", "python -m src.ablation ablation=mine")
    assert plain.report == home / "reports" / "mine"
    assert (other.typed, other.name) == (("train.epochs=1",), f"mine-{other.digest}")
    assert other.report == home / "runs" / "studies" / other.name
    assert not plain.tracked
    assert not other.tracked


def test_what_makes_it_another_table() -> None:
    others = [
        planned(),
        planned("train.epochs=1"),
        planned(seeds=["0"], typed_seeds=True),
        planned("ablation.only=[digits]", only=["digits"]),
        planned(seed=6),
    ]
    assert len({other.digest for other in others}) == len(others)
    assert planned("tracking=off", "name=x", "hydra/launcher=basic").digest == planned().digest
    assert others[-2].command.endswith("'ablation.only=[digits]'")


@pytest.mark.parametrize(
    ("metric", "epoch", "more"),
    [
        ("train/loss", 2, ()),
        ("valid/accuracy", 40, ()),  # which the run does not reach: that is told afterwards
        ("valid/f1", 1, ("train.metrics=[f1]",)),
        ("test/f1", None, ()),
        ("valid/accuracy_with_dropout", 1, ("train.evaluate_dropout=true", "model.dropout=0.1")),
        ("train/f1_with_dropout", None, ("train.evaluate_dropout=true", "model.dropout=0.1", "train.metrics=[f1]")),
        ("train/loss", 0, ("train.evaluate_at_start=true",)),
        ("train/loss", 2, ("train.evaluate_every=2",)),
    ],
)
def test_what_a_run_measures_can_be_claimed(metric: str, epoch: int | None, more: tuple[str, ...]) -> None:
    found = planned(*more, claims=[{**CLAIM, "metric": metric, "epoch": epoch}])
    assert found.declaration.experiments[0].claims[0].metric == metric


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ({"metric": "test/acuracy"}, "test/acuracy: not measured there; did you mean accuracy?"),
        ({"metric": "valid/f1"}, "valid/f1: not measured there; allowed: accuracy, loss; train.metrics may list more"),
        ({"metric": "test/accuracy_with_dropout"}, "test/accuracy_with_dropout: not measured there; "),
        ({"metric": "units/lower left"}, "units/lower left: not measured there; "),
        (
            {"metric": "train/loss", "epoch": 0},
            "train/loss at epoch 0: not evaluated then; train.evaluate_every=2, train.evaluate_at_start=false",
        ),
        ({"metric": "train/loss", "epoch": 3}, "train/loss at epoch 3: not evaluated then; "),
        ({"metric": "new/7", "at": [0.1, 0.2]}, "new/7: at=[0.1, 0.2]: the features are None"),
        ({"metric": "new/c1", "at": [0.1, 0.2]}, "new/c1: not measured there; "),
        ({"metric": "test/f1", "label": "c1"}, "test/f1: label=c1: no such class; "),
    ],
)
def test_what_a_run_does_not_measure_is_refused(claim: dict[str, Any], told: str) -> None:
    message = refusal(planned, "train.evaluate_every=2", claims=[{**CLAIM, **claim}])
    assert message.startswith(f"ablation.published.digits: {told}")


def test_what_our_runs_do_not_measure_can_not_be_a_lesson() -> None:
    for lesson in ({"metric": "valid/f1", "least": 0.5}, {"metric": "test/accuracy", "than": "valid/f1"}):
        message = refusal(planned, lessons=[{"says": "x", **lesson}])
        assert message.startswith("ablation.published.digits: valid/f1: not measured there; ")


def test_another_experiment_for_all_and_one_that_conf_does_not_have_are_refused() -> None:
    message = refusal(planned, "experiment=quick")
    assert message.startswith("experiment=quick: the experiments are fixed; ablation.only=")
    message = refusal(plan, declared({"digit": OTHER}), ["0"], [], True, compose)
    assert message.startswith("experiment=digit: no such choice; did you mean digits?")
