"""What a study comes to before anything runs: every training composed, checked, and told apart."""

import functools
import itertools
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from src.config.composition import choices
from src.config.tree import Config, read_yaml
from src.foundation.schema import flatten
from src.studies.comparisons.declare import ComparisonDeclaration, declare
from src.studies.plan import plan
from src.studies.study import Study
from tests.conftest import ROOT
from tests.helpers.composing import composed
from tests.helpers.refusals import refusal

Comparison = Study[ComparisonDeclaration]
SEEDS = ["0", "1", "2"]
VARIANTS = {"sigmoid": [], "tanh": ["model.act=tanh"]}
GROUND = ("experiment=digits", "model.act=sigmoid")


def on(*ground: str) -> Callable[[list[str]], Config]:
    """Composes the configurations of a study with this common ground, as the sweeper does."""
    return lambda overrides: composed(*ground, *overrides)


def declared(**more: Any) -> ComparisonDeclaration:
    return declare("mine", {"title": "Which?", "baseline": "sigmoid", "variants": VARIANTS} | more)


def planned(*arguments: str, seeds: Sequence[str] = SEEDS, typed_seeds: bool = False, **more: Any) -> Comparison:
    return plan(declared(**more), seeds, arguments, declared=not typed_seeds, compose=on(*GROUND))


# --- the trainings ---------------------------------------------------------------------------------------------------


def test_every_variant_is_trained_with_every_seed_variant_by_variant() -> None:
    found = planned()
    assert found.seeds == (0, 1, 2)
    cells = [(variant, seed) for variant in VARIANTS for seed in range(3)]
    assert [(job.variant, job.config.seed) for job in found.jobs] == cells
    for job, (variant, seed) in zip(found.jobs, cells, strict=True):
        assert job.label == job.name == f"{variant} s{seed}"
        assert set(VARIANTS[variant]) <= set(job.overrides)
    for job in (found.jobs[0], found.jobs[-1]):
        # The configuration that was checked is the one that another process composes from the overrides.
        assert composed(*GROUND, *job.overrides) == job.config


def test_the_command_line_applies_to_every_run_and_has_the_last_word() -> None:
    for job in planned("train.epochs=3", "optimizer.lr=0.5").jobs:
        assert (job.config.train.epochs, job.config.optimizer.lr) == (3, 0.5)


def test_cumulative_variants_carry_the_changes_of_those_before_them() -> None:
    variants = {"sigmoid": [], "slow": ["optimizer.lr=0.0001"], "tanh": ["model.act=tanh"]}
    configs = [job.config for job in planned(variants=variants, cumulative=True, seeds=["0"]).jobs]
    assert [(config.model.act, config.optimizer.lr) for config in configs] == [
        ("sigmoid", 0.001),
        ("sigmoid", 0.0001),
        ("tanh", 0.0001),
    ]


# --- what is refused -------------------------------------------------------------------------------------------------


# What is planned, and the message as a pattern.
REFUSED: list[tuple[list[str], dict[str, Any], str]] = [
    (
        [],
        {"variants": VARIANTS | {"again": ["model.act=relu", "model.act=tanh"]}},
        r"ablation\.variants: tanh and again are the same training",
    ),
    (
        ["train.epochs=3", "model.act=relu", "tracking=off"],
        {},
        r"ablation\.variants: sigmoid and tanh are the same training.* with train\.epochs=3 model\.act=relu",
    ),
    *(
        ([], {"variants": {"sigmoid": [], "other": [inert]}}, r"ablation\.variants: sigmoid and other .*")
        for inert in ("name=mine", "tracking.figures=true", "train.fresh=true", "train.resume=false")
    ),
    *(
        ([], {"variants": VARIANTS | {"other": [data]}}, r"ablation\.variants\.other: (?=.*data)(?=.*sigmoid).*")
        for data in ("data.seed=1", "data.scaling=unit", "data.split.stratify=false", "data=mnist")
    ),
    ([], {"variants": {"sigmoid": [], "x": ["model.act=rleu"]}}, r"model\.act=rleu: unknown; did you mean relu\?.*"),
    *(
        ([], {"seeds": seeds}, f"seed={','.join(seeds)}: a seed is listed twice.*")
        for seeds in (["0", "0"], ["0", "2", "0"], ["0", "1", "01"])
    ),
    ([], {"seeds": []}, r"seed: none; a study needs at least one, like seed=range\(5\)"),
]


@pytest.mark.parametrize(("arguments", "more", "told"), REFUSED, ids=str)
def test_a_study_that_can_not_be_run_is_refused_in_one_line(
    arguments: list[str], more: dict[str, Any], told: str
) -> None:
    message = refusal(planned, *arguments, **more)
    assert re.fullmatch(told, message), message


@pytest.mark.parametrize("seed", ["x", "-1", "1.5", "", "null", "true", "4294967296", "9" * 50, "1e3", "[1]"])
def test_a_seed_that_is_none_is_refused_with_what_is_allowed_wherever_it_is(seed: str) -> None:
    for seeds in (["0", seed], [seed, "0"]):
        message = refusal(planned, seeds=seeds)
        assert message.startswith((f"seed={seed}: ", "seed=1000.0: "))  # as Hydra reads 1e3
        assert "an integer >= 0 and <= 4294967295" in message


# --- which study it is -----------------------------------------------------------------------------------------------

# What changes no result, and so makes no other study.
INERT = ["tracking=off", "tracking.figures=true", "tracking.experiment=x", "train.fresh=true", "name=x"]
INERT += ["hydra/launcher=basic", "hydra.verbose=false", "tracking.note=x"]


def test_what_changes_no_result_makes_no_other_study() -> None:
    plain, other = planned(), planned(*INERT)
    assert other.jobs[0].config != plain.jobs[0].config
    assert plain.typed == other.typed == ()
    assert other.digest == plain.digest
    assert other.name == plain.name == "mine"
    assert other.command == plain.command == "python -m src.ablation ablation=mine"


def test_an_override_makes_another_study_and_so_do_typed_seeds_even_where_they_are_those_of_the_file() -> None:
    for argument in ("train.epochs=3", "data.seed=1", "model.hidden=[3]"):
        other = planned(argument)
        assert other.digest != planned().digest
        assert other.name == f"mine-{other.digest}"
    typed = planned(seeds=["0", "1"], typed_seeds=True)
    assert typed.command == "python -m src.ablation ablation=mine seed=0,1"
    assert typed.name == f"mine-{planned(seeds=['0', '1']).digest}"


def test_everything_that_makes_a_study_makes_its_digest() -> None:
    # The same study, whoever plans it.
    assert planned().digest == planned().digest
    # What the study is called, or how an override is spelt, is not what it compares.
    assert planned(title="Why?").digest == planned().digest
    spelt = VARIANTS | {"tanh": ["model.act=relu", "model.act=tanh"]}
    assert planned(variants=spelt).digest == planned().digest
    backwards = dict(reversed(VARIANTS.items()))
    renamed = {"sigmoid": [], "hyperbolic": ["model.act=tanh"]}
    others = [
        planned(),
        planned(seeds=["0", "1"]),
        planned(seeds=["0", "2", "1"]),
        planned(baseline="tanh"),
        planned(choose_by="valid/loss"),
        planned(cumulative=True),
        planned(variants=backwards),
        planned(variants=renamed),
        planned(variants=VARIANTS | {"relu": ["model.act=relu"]}),
        plan(declare("other", {"title": "?", "baseline": "tanh", "variants": VARIANTS}), SEEDS, [], True, on(*GROUND)),
    ]
    assert len({other.digest for other in others}) == len(others)


@pytest.mark.parametrize("arguments", [[], ["model.hidden=[8, 4]", "optimizer.l2=1e-5"]])
def test_the_command_comes_to_the_same_study(arguments: list[str]) -> None:
    first = planned(*arguments, seeds=["0", "1"], typed_seeds=True)
    python, m, module, study, *typed = shlex.split(first.command)
    assert [python, m, module, study] == ["python", "-m", "src.ablation", "ablation=mine"]
    seeds = [value for argument in typed if (value := argument.removeprefix("seed=")) != argument]
    others = [argument for argument in typed if not argument.startswith("seed=")]
    assert len(seeds) == 1
    assert planned(*others, seeds=seeds[0].split(","), typed_seeds=True) == first


# --- the studies that are shipped ------------------------------------------------------------------------------------

STUDIES = [name for name in choices("ablation") if name not in ("exercise", "replicas", "twin")]  # comparisons


def differences(one: Config, other: Config) -> dict[str, Any]:
    """The semantic keys in which a configuration differs from another, with its own values."""
    there = dict(flatten(other.semantic()))
    return {key: value for key, value in flatten(one.semantic()) if there.get(key) != value}


# Digests by the code of version 1, when all runs were native. They name the studies in people's reports/ and MLflow
# stores: never edit one. An option that is added changes none, as `plain(semantic_only=True)` leaves it out as before.
NATIVE = "train.arithmetic=native"
DIGESTS = {
    "depth": "48eebcef",
    "l2": "a2f69a6c",
    "ladder": "acf00a29",  # portable, as one_factor
    "learning_rate": "7ea63e1b",
    "one_factor": "7496f01c",
    "width": "54cfa546",
}
OTHER_DIGESTS = [
    ("218c0f96", "ladder", (NATIVE,), ()),
    ("ee2c8b63", "one_factor", (NATIVE,), ()),
    ("a885d133", "ladder", ("train.epochs=3", NATIVE), ()),
    ("3bba1cc1", "ladder", (NATIVE,), ("0", "1")),
    ("23f56fd7", "one_factor", (NATIVE, "data=digits", "optimizer.l2=1e-5", "model.hidden=[16,8]"), ()),
    ("cc14c0f7", "width", ("tracking=off", "data=spiral", "rng=legacy"), ()),  # other points since 2026-11
]


def file_of(study: str) -> Any:
    return read_yaml(ROOT / "conf" / "ablation" / f"{study}.yaml")


@functools.cache
def shipped(study: str, arguments: tuple[str, ...] = (), typed_seeds: tuple[str, ...] = ()) -> Comparison:
    """The plan of a study of conf/ablation/."""
    seeds = typed_seeds or [str(seed) for seed in range(5)]
    declaration = declare(study, file_of(study)["ablation"])
    return plan(declaration, seeds, arguments, declared=not typed_seeds, compose=on(f"ablation={study}"))


@pytest.mark.parametrize(("digest", "study", "arguments", "seeds"), OTHER_DIGESTS)
def test_a_study_with_overrides_keeps_its_digest(
    digest: str, study: str, arguments: tuple[str, ...], seeds: tuple[str, ...]
) -> None:
    found = shipped(study, arguments, seeds)
    assert found.digest == digest
    assert found.name == f"{study}-{digest}"


@pytest.mark.parametrize("study", sorted({*STUDIES, *DIGESTS}))
def test_a_shipped_study_keeps_its_digest_and_asks_one_question_with_five_seeds(study: str) -> None:
    tree, found = file_of(study), shipped(study)
    declaration = found.declaration
    assert found.digest == DIGESTS[study]
    assert tree["hydra"] == {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "range(5)"}}}
    assert (declaration.name, declaration.title[-1]) == (study, "?")
    assert {"baseline", "choose_by", "report_on"} <= set(tree["ablation"])
    assert (declaration.choose_by, declaration.report_on) == ("valid/accuracy", "test/accuracy")
    assert not found.typed
    assert len(found.jobs) == 5 * len(declaration.variants)
    assert found.jobs[0].config.tracking.name == "mlflow"
    # On a shrunken setting only that is different.
    last = found.jobs[-1]
    small = composed(f"ablation={study}", *last.overrides, "data=digits", "train.epochs=1")
    assert {key for key in differences(small, last.config) if key[:5] != "data."} == {"train.epochs"}
    assert small.data == composed("data=digits").data


def test_one_factor_changes_one_thing_at_a_time() -> None:
    found = shipped("one_factor")
    configs = {job.variant: job.config for job in found.jobs if job.config.seed == 0}
    changed = [list(differences(config, configs["baseline"])) for config in configs.values()]
    act, momentum, init, dropout = (["model.act"], ["optimizer.momentum"], ["model.init"], ["model.dropout"])
    assert changed == [[], act, act, momentum, init, init, dropout, dropout]  # to which values is in the digest
    base = configs["baseline"]
    assert (base.model.act, base.model.init, base.model.dropout) == ("sigmoid", "normal", 0.0)


def test_the_ladder_takes_one_step_at_a_time() -> None:
    found = shipped("ladder")
    assert found.declaration.cumulative
    configs = [job.config for job in found.jobs if job.config.seed == 0]
    assert (configs[0].model.output, configs[0].model.loss) == ("sigmoid", "mse")
    steps = [differences(after, before) for before, after in itertools.pairwise(configs)]
    # Cross-entropy has other slopes than the mean square, and so another rate; a decay is another schedule.
    assert [set(step) for step in steps] == [
        {"model.output", "model.loss", "optimizer.lr"},
        {"model.act"},
        {"optimizer.name", "optimizer.momentum", "optimizer.rate_in_velocity"},
        {"schedule.name", "schedule.final", "schedule.by"},
        {"model.init"},
        {"model.dropout"},
    ]


@pytest.mark.parametrize("study", ["width", "depth", "learning_rate", "l2"])
def test_the_exercises_studies_are_variants_of_its_experiment(study: str) -> None:
    longer = ("train.epochs=40",) if study in ("learning_rate", "l2") else ()
    faster = ("optimizer.lr=0.03",) if study == "l2" else ()
    common = composed(f"ablation={study}", "model.hidden=[1024]").semantic()
    assert common == composed("experiment=exercise", *longer, *faster).semantic()
