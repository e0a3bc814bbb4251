"""The table that is shipped: it declares what the texts print, and what is trained is what it says."""

import functools
from typing import Any

from src.config.tree import read_yaml
from src.studies.plan import plan
from src.studies.replicas.claims import Claim
from src.studies.replicas.declare import Experiment, ReplicaDeclaration, declare
from src.studies.study import Study
from tests.conftest import ROOT
from tests.helpers.composing import compose, composed


@functools.cache
def tree() -> dict[str, Any]:
    read: dict[str, Any] = read_yaml(ROOT / "conf" / "ablation" / "replicas.yaml")
    return read


@functools.cache
def planned() -> Study[ReplicaDeclaration]:
    return table(["ablation=replicas"], [str(seed) for seed in range(10)], True)


def table(arguments: list[str], seeds: list[str], declared: bool, **more: Any) -> Study[ReplicaDeclaration]:
    declaration = declare("replicas", tree()["ablation"] | more)
    return plan(declaration, seeds, arguments, declared, compose)


def experiments() -> dict[str, Experiment]:
    return {experiment.name: experiment for experiment in planned().declaration.experiments}


def claims() -> list[tuple[str, Claim]]:
    return [(name, claim) for name, each in experiments().items() for claim in each.every_claim]


def test_every_experiment_has_ten_runs_of_ours_or_more_and_one_with_the_text_s_draws_where_they_are_known() -> None:
    assert tree()["hydra"] == {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "range(10)"}}}
    assert len(experiments()) == 23
    trained = [(job.variant, job.config.seed) for job in planned().jobs]
    same = [(f"{name}, same draws", each.seed) for name, each in experiments().items() if each.seed is not None]
    assert trained == same + [(name, seed) for name, each in experiments().items() for seed in range(each.seeds or 10)]
    assert not planned().typed


def test_what_is_trained_is_what_the_shown_command_trains() -> None:
    first = {job.variant: job for job in reversed(planned().jobs)}
    for job in first.values():
        alone = composed(*(override for override in job.overrides if not override.startswith("ablation=")))
        assert job.config.semantic() == alone.semantic(), job.label
        assert not job.config.tracking.figures


def test_ours_draw_from_the_default_streams_and_the_text_s_draws_from_others() -> None:
    for job in planned().jobs:
        assert (job.config.rng == "legacy") == job.variant.endswith(", same draws"), job.label


def test_a_number_has_no_more_digits_than_are_declared() -> None:
    for name, claim in claims():
        if claim.value is not None and claim.digits is not None and claim.digits < 15:  # the others print more
            assert float(f"{claim.value:.{claim.digits}f}") == claim.value, (name, claim)
        for share in (claim.value, claim.rerun, claim.least):
            assert share is None or claim.about.is_loss or 0 <= share <= 1, (name, claim)


def test_the_forty_printed_epochs_stand_in_full() -> None:
    rows = experiments()["raschka_relu"].rows
    assert rows.columns == ("train/loss", "train/accuracy", "valid/accuracy")
    assert len(rows.values) == composed("experiment=raschka_relu").train.epochs == 40
    # The first, the last, and the sums of the columns, so that no digit of the others slips.
    assert (rows.values[0], rows.values[-1]) == ((0.0206, 0.8881, 0.8884), (0.0048, 0.9744, 0.9630))
    sums = [round(sum(column), 4) for column in zip(*rows.values, strict=True)]
    assert sums == [0.3080, 38.3224, 38.0166]


def test_every_text_is_told_of_and_an_experiment_without_numbers_says_so() -> None:
    declaration = planned().declaration
    assert len(declaration.texts) == 5
    assert [text for text in declaration.texts if not declaration.of(text)] == ["exercise"]
    assert "studies" in declaration.texts["exercise"].note
    for experiment in declaration.experiments:
        assert experiment.groups or experiment.note, experiment.name
        assert experiment.groups or experiment.lessons or experiment.seed is None, experiment.name
