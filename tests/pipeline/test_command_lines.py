"""Command lines: what `--help` teaches, and mistakes, in them or in a study's file: one line each, before any start."""

import re
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from hydra._internal.config_loader_impl import ConfigLoaderImpl

from src.check import check
from src.foundation.errors import RunFailed, UserError
from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.composing import compose
from tests.helpers.refusals import assert_rejected

# --- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "taught"),
    [
        ("predict", ["digit.png", "points.csv", "points.npy", "X1=0.1 X2=0.1", "--json", "exit codes", "examples:"]),
        ("score", ["data=spiral", "part=valid", "--json", "exit codes", "examples:"]),
        ("show", ["data=RECIPE", "index=N", "angle=DEGREES", "--pictures", "--json", "exit codes", "examples:"]),
        ("runs", ["--where", "model.act ==", "--columns '?'", "runs_frame", "exit codes", "examples:"]),
        ("runs tag", ["--remove", "tracking.tags=[draft,paper:icml]", "examples:"]),
        ("runs note", ["tracking.note=", "examples:"]),
        ("runs adopt", ["a checkout", "examples:", "exit codes"]),
        ("runs du", ["--json"]),
        ("runs rm", ["--dry-run", "RUN", "exit codes", "examples:"]),
        ("runs prune", ["--dry-run", "--keep-best", "exit codes", "examples:"]),
        ("train", ["model.act=relu", "leaky_relu, linear", "activation function", "A small network and two epochs"]),
        ("compare", ["RUN", "McNemar", "Newcombe", "--json", "exit codes", "examples:"]),
        ("sync", ["python -m src.sync --all", "Exit codes"]),
        ("doctor", ["A checkpoint that does not match its digest."]),
        *((stage, ["KEY=VALUE"]) for stage in ("check", "fetch", "split", "normalize", "evaluate", "compose")),
    ],
)
def test_help_teaches(command: str, taught: list[str]) -> None:
    done = run_main(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert [words for words in taught if words not in done.stdout] == []


# --- mistakes --------------------------------------------------------------------------------------------------------

TINY: dict[str, Any] = {
    "ablation": {"title": "Which?", "baseline": "cold", "variants": {"cold": [], "hot": ["optimizer.lr=0.2"]}},
    "hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "range(3)"}}},
}
CLAIMS = [{"metric": "test/accuracy", "value": 0.9, "digits": 1}]
TOYS = {
    "title": "?",
    "texts": {"book": {"title": "A book"}},
    "published": {"quick": {"text": "book", "claims": CLAIMS}},
}


def of_variants(**variants: Any) -> dict[str, Any]:
    return TINY | {"ablation": TINY["ablation"] | {"variants": {"cold": []} | variants}}


def of_hydra(**hydra: Any) -> dict[str, Any]:
    return TINY | {"hydra": TINY["hydra"] | hydra}


# Those that planning finds are tested beside it.
FILES: dict[str, tuple[Any, str]] = {
    "a variant twice": ("ablation: {variants: {cold: [], cold: []}}", "found duplicate key cold"),
    "no YAML": ("ablation: {variants: {[", "not valid YAML"),
    "a sweep inside a variant": (of_variants(hot=["optimizer.lr=0.2,0.3"]), "optimizer.lr=0.2,0.3: a study"),
    "a seed inside a variant": (of_variants(hot=["seed=9"]), "seed=9: a variant can't set a seed"),
    "no seeds": (of_hydra(sweeper={}), "seed: none"),
    "a sweep beside the seeds": (
        of_hydra(sweeper={"params": {"seed": "range(3)", "train.epochs": 3}}),
        "train.epochs=3: only seed is allowed here",
    ),
    "no mode": (of_hydra(mode=None), "its file needs `hydra: {mode: MULTIRUN}`"),
    "no study in it": ({"hydra": TINY["hydra"]}, "its file declares no study"),
}
STUDY = "give one RUN, or --all with --study NAME: python -m src.replay --all --study ladder"
# Of overrides only what the command itself or a sweep rejects: tests/config/ has the rest.
COMMANDS = {
    "ablation": "allowed: depth, exercise, l2, ladder",
    "ablation ablation=ladde": "did you mean ladder?",
    "ablation ablation=tiny ablation=ladder": "give one study, like ablation=ladder",
    "ablation -m ablation=tiny,ladder": "ablation=tiny,ladder: no such study",
    "ablation ablation=tiny train.epochs=1,2": "train.epochs=1,2: a study sweeps only its variants and seeds",
    "ablation ablation=toys train.epochs=1,2": "train.epochs=1,2: a study sweeps only its variants and seeds",
    "ablation ablation=tiny seed=range(0)": "seed: none",
    "ablation --stage": "--stage",
    "ablation --stage toys": "--stage toys: only a comparison of variants can run as a stage",
    "train ablation=tiny": "python -m src.ablation ablation=tiny",
    "train -m ablation=tiny,ladder": "python -m src.ablation ablation=tiny",
    "train optimizer=sgdx": "optimizer=sgdx",
    "train model.act=relu,tanh": "model.act",
    "train -m optimizer=adam,sgdx": "optimizer=sgdx",
    "train -m model.act=relu,rleu": "model.act=rleu: unknown; did you mean relu?",
    "train tracking.sheet=curves": "tracking.sheet=curves: a sheet shows several runs; add -m",
    "train -m model.act=relu,tanh tracking.sheet=curve": "tracking.sheet=curve: unknown; did you mean curves?",
    "ablation ablation=tiny tracking.sheet=curves": "tracking.sheet=curves: is for `python -m src.train -m`",
    "train --config-name nope": "--config-name",
    "train train.start_from=none.npz": "train.start_from=none.npz: no such file",
    "train train.start_from=0123456789": "train.start_from=0123456789: no run's id begins so",
    "train train.start_from=1234567890": "in quotes, if it looks like a number: train.start_from=\"'...'\"",
    "train train.start_from=runs/nothing": "train.start_from=runs/nothing: not a run folder",
    "train -m train.start_from=none.npz,README.md": "train.start_from=none.npz: no such file",
    "train train.start_from=README.md": "train.start_from=README.md: not a model of this project, or damaged",
    "train train.start_optimizer=true": "train.start_optimizer=true: needs train.start_from",
    "check train.start_from=none.npz": "train.start_from=none.npz: not in the pipeline",
    "score": "give a model: `python -m src.score models/model.npz data=mnist part=test`",
    "score data=mnist": "data=mnist: give the model first: python -m src.score MODEL data=mnist",
    "score none.npz": "none.npz: no such file",
    "score none.npz part=tests": "part=tests: unknown; did you mean test? (allowed: test, train, valid)",
    "score none.npz part=test part=valid": "part=valid: part is given twice",
    "score none.npz data.seed=3": "data.seed=3: give the recipe, too: data=RECIPE data.seed=3",
    "score none.npz seed=3 data=digits": "seed=3: no such setting; allowed: data, data.KEY, part",
    "score none.npz data=digist": "data=digist: no such choice; did you mean digits?",
    "score none.npz --yaml": "--yaml: no such option of `python -m src.score`; allowed: --as-is, --help, --json",
    "predict": "give a model and inputs: `python -m src.predict models/model.npz digit.png`",
    "predict X1=0.1": "give the model first: python -m src.predict MODEL X1=0.1",
    "predict README.md": "README.md: not a model of this project, or damaged",
    "predict README.md a.png": "; give the model first, then what it is to predict",
    "predict models/none.npz a.png": "models/none.npz: no such file; `dvc repro` makes models/model.npz",
    "predict zzzz a.png": "zzzz: no id of a run",
    "predict 0123456789 a.png": "no run's id begins so",
    "predict abc a.png": "abc: give at least 4 characters of an id",
    "predict runs/nothing a.png": "runs/nothing: not a run folder",
    "predict --jsn": "--jsn: no such option of `python -m src.predict`; did you mean --json?",
    "show": "give data or a model: `python -m src.show data=mnist`",
    "show data=mnsit": "data=mnsit: no such choice; did you mean mnist?",
    "show data.seed=3": "data.seed=3: give the recipe, too: data=RECIPE data.seed=3",
    "show data=mnist data.sede=3": "data.sede",
    "show data=mnist,digits": "data=mnist,digits: several values",
    "train experiment=quick -m seed=0,1": "-m: move it before the first KEY=VALUE; Hydra does not read seed=0,1",
    "train seed=3 --cfg job model.act=relu": "--cfg: move it before the first KEY=VALUE",
    "ablation ablation=tiny -m seed=0": "-m: move it before the first KEY=VALUE",
    "runs rm --where seed==1 --where seed==2": "--where: given twice; give it once",
    "runs prune --older-than 1d --older-than=0d": "--older-than: given twice; give it once",
    "add data mine x.csv --label a --label b": "--label: given twice; give it once",
    "add data mine x.csv --up": "--up: no such option of `python -m src.add`; did you mean --update?",
    "train -m": "-m: nothing to sweep; give alternatives, like -m model.act=relu,tanh",
    "train -m profile=true seed=0,1": "profile=true: is for a single training",
    "train -m seed=28,28 data=digits": "seed=28: the same run as an earlier job, seed=28; leave one of them out",
    "train -m data=digits optimizer.lr=0.1,1e-1": "the same run as an earlier job, optimizer.lr=0.1",
    "train -m data=digits name=a,b": "name=b: the same run as an earlier job, name=a",
    "train -m seed=0,1 hydra.launcher.n_jobs=0": "hydra.launcher.n_jobs=0: must be a number of workers, or -1",
    "train -m seed=0,1 hydra.launcher.n_jobs=two": "hydra.launcher.n_jobs=two: ",
    "train -m seed=0,1 hydra.launcher.n_jobs=1.5": "hydra.launcher.n_jobs=1.5: ",
    "train -m seed=0,1 hydra.launcher.n_jobs=null": "hydra.launcher.n_jobs=null: ",
    "train -m seed=0,1 hydra.launcher.n_jobs=true": "hydra.launcher.n_jobs=true: ",
    "ablation ablation=tiny hydra.launcher.n_jobs=0": "hydra.launcher.n_jobs=0: must be a number of workers",
    "show data=mnist idnex=3": "idnex=3: no such setting; did you mean index?",
    "show data=mnist seed=3 seed=4": "seed=4: seed is given twice",
    "show data=mnist index=first": "index=first: must be an integer",
    "show data=mnist part=tset": "part=tset: unknown; did you mean test?",
    "show data=mnist angle=90": "angle=90.0: only for an example of a model",
    "show README.md": "README.md: not a model of this project, or damaged",
    "show README.md other": "README.md other: give one model",
    "show README.md label=3": "label=3: only for pictures of data",
    "show README.md --pictures README.md": "--pictures README.md: not a folder",
    "show models/none.npz": "models/none.npz: no such file",
    "show conf": "conf: a folder without model.npz; give a model file, a run folder, or the beginning of an id",
    "show optimizer.npz": "optimizer.npz: the state of an optimizer, not a model; the run's model is model.npz",
    "score predictions.npz": "predictions.npz: the predictions of a test set, not a model",
    "train train.start_from=optimizer.npz": "train.start_from=optimizer.npz: the state of an optimizer, not a model",
    "show zzzz": "zzzz: no id of a run",
    "report laddr": "laddr: no such study; did you mean ladder? (allowed: ",
    "report depth": "depth: no results of this study; run `python -m src.ablation ablation=depth`",
    "replay": "give a run: ",
    "replay zzzz": "zzzz: no id of a run",
    "replay 0123456789": "no run's id begins so",
    "replay runs/nothing": "runs/nothing: not a run folder",
    "replay --all": STUDY,
    "replay --study tiny": STUDY,
    "replay --all --study nosuch": "--study=nosuch: no finished run of it",
    "replay 0123456789 --bound -1": "--bound=-1.0: must be >= 0 and < 1",
}


@pytest.mark.parametrize(
    ("study", "command", "message"),
    [
        *((study, "ablation ablation=wrong", message) for study, message in FILES.values()),
        *((TINY, command, message) for command, message in COMMANDS.items()),
    ],
    ids=[*FILES, *COMMANDS],
)
def test_a_mistake_is_one_line_and_nothing_starts(
    study: Any, command: str, message: str, home: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = home / "conf"
    shutil.copytree(ROOT / "conf", conf)
    for name, tree in {"wrong": study, "tiny": TINY, "toys": TINY | {"ablation": TOYS}}.items():
        text = tree if isinstance(tree, str) else yaml.safe_dump(tree, sort_keys=False)
        (conf / f"ablation/{name}.yaml").write_text("# @package _global_\n" + text)
    shutil.copy(empty_store, home)
    for file in ("README.md", "optimizer.npz", "predictions.npz"):
        (home / file).write_text("# Not a model\n")
    for module in ("src.config.groups", "src.cli.stage"):
        monkeypatch.setattr(f"{module}.ROOT", home)
    for module in ("composition", "groups"):
        monkeypatch.setattr(f"src.config.{module}.CONF", str(conf))
    monkeypatch.chdir(home)
    before = set(home.rglob("*"))
    assert_rejected(run_main(*command.split()), message)
    made = set(home.rglob("*")) - before
    assert not [path for path in made if path.is_file() and ".lock" not in str(path)]  # a lock says who may begin


def test_a_single_run_composes_once_and_hydra_mode_makes_a_sweep_nevertheless(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = Mock(side_effect=ConfigLoaderImpl.load_configuration)
    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", lambda *args, **more: composed(*args, **more))
    assert_rejected(run_main("train", "optimizer.lr=-1"), "optimizer.lr=-1: must be")
    assert composed.call_count == 1
    assert_rejected(run_main("train", "optimizer.lr=-1,-2"), "optimizer.lr=-1,-2: several values")
    for several in ("hydra.mode=MULTIRUN", "-m"):
        assert_rejected(run_main("train", several, "optimizer.lr=-1,-2"), "optimizer.lr=-1: must be")


@pytest.mark.parametrize(
    "bug", [ValueError("ours"), KeyError("ours"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "ours")]
)
@pytest.mark.parametrize(
    ("where", "command"),
    [
        ("src.sweeps.jobs.multirun", "train -m seed=0,1"),  # in Hydra's hands
        ("src.sweeps.start.start", "train"),
        ("src.config.tree.Config.__post_init__", "train"),
        ("src.sweeps.run_study.run_study", "ablation ablation=width"),
    ],
)
def test_a_bug_is_not_called_the_users_mistake(
    bug: Exception, where: str, command: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, Mock(side_effect=bug))
    with pytest.raises(type(bug), match="ours"):  # of which Python prints a traceback, and exits with 1
        run_main(*command.split())


@pytest.mark.parametrize(
    "command", ["predict {} a.png", "score {}", "show {}", "replay {}", "train train.start_from={}"]
)
def test_an_id_of_no_run_is_named_where_nothing_is_recorded_yet(command: str, home: Path) -> None:
    said = "0123456abc: no run's id begins so; `python -m src.runs` lists them"
    assert_rejected(run_main(*command.format("0123456abc").split()), said)


@pytest.mark.parametrize("content", [None, "", "- a list", "model: ["])
def test_a_damaged_snapshot_stops_every_stage(content: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = home / "params.yaml"
    monkeypatch.setattr("src.config.tree.SNAPSHOT", snapshot)
    monkeypatch.setattr("src.config.tree.read_snapshot.__defaults__", (snapshot,))
    monkeypatch.setattr("src.cli.stage.ROOT", home)
    if content is not None:
        snapshot.write_text(content)
    for command in (["check"], ["fetch"], ["train", "--stage"], ["evaluate"]):
        assert_rejected(run_main(*command), "python -m src.compose")
    assert run_main("compose", "--check").returncode in (1, 2)
    assert run_main("compose").returncode == 0
    assert run_main("compose", "--check").returncode == 0


def test_composing_says_what_changes_and_that_dvc_composes_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.config.tree.SNAPSHOT", home / "params.yaml")
    assert run_main("compose").stdout == "wrote params.yaml; changed: all of it\n"
    told = run_main("compose", "model.act=tanh", "model.hidden=[8,4]").stdout
    assert told.startswith("wrote params.yaml; changed: model.act, model.hidden\n")
    assert told.endswith("dvc exp run -S model.act=tanh -S 'model.hidden=[8,4]'\n")
    assert run_main("compose").stdout == "wrote params.yaml; changed: model.act, model.hidden\n"  # lost: it says so
    assert run_main("compose").stdout == "wrote params.yaml; changed: no value\n"
    assert re.search(r"changed: (\S+, ){7}\S+ and \d+ more$", run_main("compose", "experiment=digits").stdout, re.M)


@pytest.mark.parametrize(
    ("place", "stale", "message"),
    [
        ("tracked", True, "run `python -m src.compose`"),
        (".dvc/tmp/exps/tmp1", True, "run `git add -N conf`, then queue it again"),  # a copy, which lacks a new file
        ("a {x} b", False, "DVC can't work in a folder with {"),
    ],
)
def test_the_check_says_what_to_do_in_each_place(
    place: str, stale: bool, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose([])
    monkeypatch.setattr("src.check.ROOT", tmp_path / place)
    monkeypatch.setattr("src.check.home", lambda: tmp_path if ".dvc" in place else tmp_path / place)
    monkeypatch.setattr("src.check.conf_digest", lambda: "another" if stale else config.conf_digest)
    with pytest.raises((UserError, RunFailed), match=re.escape(message)):
        check(config)


@pytest.mark.parametrize(("jobs", "said"), [(20, ""), (21, "checking 21 jobs\n")])
def test_a_sweep_of_many_jobs_says_at_once_that_it_checks_them(jobs: int, said: str) -> None:
    done = run_main("train", "-m", "experiment=digits", f"seed=range({jobs})", "profile=true")  # which no sweep can do
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{said}error: profile=true: ")
