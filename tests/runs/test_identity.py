"""The same fingerprint means the same bits: whatever decides results decides it, over the whole schema, and no more."""

import dataclasses
import functools
import operator
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest

from src.config import tree as configuration
from src.config.tree import Config
from src.data.dataset import Dataset, Examples
from src.data.recipe import AS_BEFORE
from src.nn.losses import HEADS
from src.optim.optimizers import OPTIMIZERS
from src.optim.schedules import SCHEDULES
from src.runs import fingerprint as identity
from src.runs.fingerprint import environment, fingerprint
from src.studies.comparisons.declare import declare
from src.studies.plan import plan
from src.training.loop import Training
from tests.helpers.annotations import hints
from tests.helpers.composing import compose, put

OWN = {"path": "p", "sha256": "0" * 64, "labels": ["a", "b"], "scaling": "per_feature"}
OF_A_TABLE = OWN | {"source": "table", "label": "class", "columns": {"height": "number"}, "separator": ";"}
OF_ARRAYS = OWN | {"source": "arrays", "image": [8, 8]}
OTHER = {"model.loss": "binary_cross_entropy", "data.sha256": "1" * 64, "data.image": [4, 16]}
NOTHING = Examples(None, None)  # type: ignore[arg-type]
DATASET = Dataset(
    recipe={}, labels=(), image=None, scaling={}, sha256="a" * 64, train=NOTHING, valid=NOTHING, test=NOTHING
)


@functools.cache
def composed(*overrides: str) -> Config:
    return compose(["train=native", "model.output=sigmoid", "model.loss=mse", "schedule.warmup=1", *overrides])


def of(config: Config, dataset: Dataset = DATASET) -> str:
    return fingerprint(config, dataset)["fingerprint"]


# --- the schema, leaf by leaf ----------------------------------------------------------------------------------------


def leaves(kind: Any, value: Any, key: str = "", semantic: bool = True) -> Iterator[tuple[str, Any, Any, bool]]:
    """Every leaf of a configuration: its dotted key, annotation and value, and whether it decides results."""
    for field in dataclasses.fields(kind):
        entry, counts = getattr(value, field.name), semantic and field.metadata.get("semantic", True)
        if dataclasses.is_dataclass(entry):
            yield from leaves(type(entry), entry, f"{key}{field.name}.", counts)
        else:
            yield f"{key}{field.name}", hints(kind)[field.name], entry, counts


def another(hint: Any, value: Any) -> Any:
    """A plain value that the annotation allows, and that is not `value`."""
    if get_origin(hint) is Annotated:
        hint, *metadata = get_args(hint)
        for table in metadata:
            if not isinstance(table, str) and str in (hint, *get_args(hint)):
                return next(entry for entry in table if entry != value)
    if get_origin(hint) is Mapping:
        return {**value, "another": "number"}
    if get_origin(hint) is tuple:
        return [*value, another(get_args(hint)[0], 1)]
    if options := get_args(hint):  # of a union
        kinds = {get_args(option)[0] if get_origin(option) is Annotated else option: option for option in options}
        return another(options[0] if value is None else kinds[type(value)], value)
    if hint is bool:
        return not value
    if hint is str:
        return f"{value or ''}x"
    return {int: 2, float: 0.5}[hint] if value is None else value + 1 if hint is int else value / 2 or 0.25


def changed(config: Config, key: str, value: Any) -> Config:
    tree = config.plain()
    put(tree, key, [1, 2] if key == "draws.unit_seeds" else value)  # of one unit, and of the output layer
    if key == "data.split.overlap":  # of sets that are equally large
        tree["data"]["split"]["valid"] = tree["data"]["split"]["test"]
    if key == "train.steps_per_epoch":  # of batches that are drawn
        tree["train"]["order"] = "drawn"
    if key == "train.start_optimizer":  # of a start
        tree["train"]["start_from"] = "a start"
    if key == "model.output":  # which comes with a loss of its own
        tree["model"]["loss"] = next(loss for output, loss in HEADS if output == value)
    return configuration.build(tree, "a test")


def cases(semantic: bool) -> dict[str, tuple[Config, str, Any]]:
    """A configuration with each optimizer and each schedule, and every leaf of it that is new with them: by a name."""
    found: dict[str, tuple[Config, str, Any]] = {}
    choices = [(f"optimizer={name}",) for name in OPTIMIZERS] + [(f"schedule={name}",) for name in SCHEDULES]
    for choice in choices:
        config = composed(*choice)
        for key, hint, value, counts in leaves(Config, config):
            if counts == semantic:
                name = f"{choice[0]} {key}" if key.partition(".")[0] == choice[0].partition("=")[0] else key
                if key.removeprefix("data.") in AS_BEFORE:
                    value = functools.reduce(operator.getitem, key.split("."), _base(choice, key).plain())
                other = OTHER.get(key) or another(hint, value)
                found.setdefault(name, (_base(choice, key), key, other))
    return found


def _base(choice: tuple[str, ...], key: str) -> Config:
    """A configuration of which this key alone may be changed."""
    if (name := key.removeprefix("data.")) in AS_BEFORE:
        tree = composed(*choice).plain()
        tree["data"] |= OF_ARRAYS if name == "image" else OF_A_TABLE
        return configuration.build(tree, "a test")
    if not key.startswith("draws."):
        return composed(*choice)
    shared = [] if key in ("draws.shared", "draws.unit_seeds") else ["draws.shared=true"]
    return composed(*choice, "rng=legacy", "train.unit_targets=[a]", *shared)


def test_every_leaf_of_the_semantic_configuration_is_among_them() -> None:
    loud = {key for _, key, _ in cases(semantic=True).values()}
    for config in (composed(f"optimizer={name}") for name in OPTIMIZERS):
        semantic = {key for key, _, _, counts in leaves(Config, config) if counts}
        assert semantic <= loud
    assert {"data.split.stratify", "data.seed", "model.hidden", "optimizer.beta2", "schedule.by", "seed"} <= loud
    silent = {key for _, key, _ in cases(semantic=False).values()}
    unrelated = {f"train.{name}" for name in ("checkpoint_epochs", "checkpoint_seconds", "resume", "fresh")}
    unrelated |= {
        f"tracking.{name}"
        for name in ("name", "uri", "experiment", "figures", "gallery", "sheet", "study", "tags", "note")
    }
    assert silent == unrelated | {
        "data.mirror",
        "data.folder",
        "data.path",
        "data.test_path",
        "studies",
        "name",
        "conf_digest",
        "profile",
    }


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """One machine for all: to look at the real one takes a while."""
    monkeypatch.setattr(identity, "environment", lambda threads: {})


@pytest.mark.usefixtures("anywhere")
@pytest.mark.parametrize("semantic", [True, False], ids=["decides results", "names, records or locates"])
def test_only_a_change_of_what_decides_results_is_another_run(semantic: bool) -> None:
    for name, (config, key, value) in cases(semantic).items():
        other = changed(config, key, value)
        assert other != config, name
        assert (other.semantic() != config.semantic()) == semantic, name
        assert (of(other) != of(config)) == semantic, name


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOfALaterVersion(Training):
    label_smoothing: float = dataclasses.field(default=0.0, metadata={"before": 0.0})


def later(config: Config, **more: Any) -> Config:
    """The configuration with a key more, as a later version would have it."""
    return dataclasses.replace(config, train=TrainingOfALaterVersion(**vars(config.train), **more))


@pytest.mark.usefixtures("anywhere")
def test_a_key_that_is_added_changes_no_fingerprint_and_no_study_while_it_means_as_before() -> None:
    assert of(later(composed())) == of(composed())
    assert of(later(composed(), label_smoothing=0.1)) != of(composed())
    declaration = declare("mine", {"title": "?", "baseline": "a", "variants": {"a": [], "b": ["model.act=tanh"]}})
    study = plan(declaration, ["0", "1"], [], True, lambda overrides: composed(*overrides))

    def of_a_later_version(**more: Any) -> str:
        jobs = tuple(dataclasses.replace(job, config=later(job.config, **more)) for job in study.jobs)
        return dataclasses.replace(study, jobs=jobs).digest

    assert of_a_later_version() == study.digest
    assert of_a_later_version(label_smoothing=0.1) != study.digest


# --- data, code and machine ------------------------------------------------------------------------------------------


def test_another_optimizer_or_schedule_is_another_run_and_so_are_other_data_whatever_their_recipe() -> None:
    configs = [composed(f"optimizer={name}", f"schedule={by}") for name in ("sgd", "adam") for by in ("step", "linear")]
    assert len({of(config) for config in configs}) == len(configs)
    config = composed()
    assert of(config, dataclasses.replace(DATASET, sha256="b" * 64)) != of(config)
    assert of(config, dataclasses.replace(DATASET, recipe={"name": "mine"})) == of(config)


def test_another_environment_of_which_the_number_of_threads_is_part_is_another_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, found = environment(1), {of(composed())}
    assert here.keys() == {"machine", "numpy", "blas", "threads", "simd", "flush_to_zero"}
    assert environment(2) == here | {"threads": 2}
    for what in here:
        monkeypatch.setattr(identity, "environment", lambda threads, what=what: here | {what: "another"})
        found.add(of(composed()))
    assert len(found) == 1 + len(here)


# What computes. An edit of any other file, such as one that records, draws, reports, plans, fetches or types, decides
# nothing: rooms and files, each with a file of it.
NUMERIC = ["nn", "optim", "training", "runs/training_run.py"]
OTHERS = ["analysis", "cli", "config", "figures", "health", "prediction", "recording", "replays", "reporting"]
OTHERS += ["studies", "sweeps", "data/mnist.py", "data/recipes.py", "foundation/errors.py", "foundation/files.py"]
OTHERS += [f"runs/{name}.py" for name in ("fingerprint", "folder", "journal", "lineage", "resuming", "tracker")]
OTHERS += ["train.py", "ablation.py", "report.py", "evaluate.py"]


@pytest.fixture
def src(tree: Path, anywhere: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `src/`, to edit; fingerprints look at its files at every call."""
    for name in ("code_digest", "_trees"):
        monkeypatch.setattr(identity, name, getattr(identity, name).__wrapped__)
    return tree / "src"


def edited(file: Path, edit: str = "edited = 1") -> str:
    """The fingerprint of a run with a line added at the end of a file."""
    whole = file.read_bytes()
    file.write_bytes(whole + f"\n{edit}\n".encode())
    try:
        return of(composed())
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("name", [*NUMERIC, *OTHERS])
def test_an_edit_of_code_that_computes_is_another_run_and_no_other_edit_is(src: Path, name: str) -> None:
    files, whole = [src / name] if name.endswith(".py") else sorted((src / name).rglob("*.py")), of(composed())
    assert files
    for file in files if name in NUMERIC else files[:3]:
        assert (edited(file) != whole) == (name in NUMERIC), file
        assert name not in NUMERIC or edited(file, "# why") == whole, file


def test_a_file_that_numeric_code_comes_to_import_is_part_of_it(src: Path) -> None:
    added, losses, whole = src / "nn" / "added.py", src / "nn" / "losses.py", of(composed())
    added.write_text('"""New."""\n')
    assert edited(added) == whole
    losses.write_text(f"{losses.read_text()}\nfrom src.nn import added\n")
    assert edited(added) != of(composed())


def test_portable_runs_are_the_same_in_every_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    portable = "train.arithmetic=portable"
    run = of(composed(portable))
    assert run != of(composed())
    assert of(composed(portable, "train.threads=2")) == run
    monkeypatch.setattr(identity, "environment", lambda threads: {"numpy": "another"})
    assert of(composed(portable)) == run
    assert of(composed(portable, "train.dtype=float64")) != run


def test_portable_runs_with_legacy_draws_are_the_same_where_their_start_values_are(
    digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = composed("train.arithmetic=portable", "rng=legacy")
    digests = fingerprint(config, digits)
    assert (
        digests["start"] != fingerprint(composed("train.arithmetic=portable", "rng=legacy", "seed=1"), digits)["start"]
    )
    monkeypatch.setattr(identity, "environment", lambda threads: {"numpy": "another"})
    assert fingerprint(config, digits) == digests
    monkeypatch.setattr("src.runs.model.weights_digest", lambda network: "what another C library draws")
    other = fingerprint(config, digits)
    assert {key for key in other if other[key] != digests[key]} == {"start", "fingerprint"}
