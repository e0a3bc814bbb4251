"""Slips on the command line: each message says what to type."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from src.config import composition
from src.config.composition import check_overrides
from src.config.reference import help_text, keys
from src.foundation.errors import UserError
from src.foundation.schema import flatten
from tests.conftest import ROOT
from tests.helpers.commands import run_main
from tests.helpers.composing import compose, composed
from tests.helpers.refusals import assert_rejected, refusal

_PRINT = shlex.join([sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))"])

CURES = {
    "act=relu": "did you mean model.act=relu?",
    "lr=0.1": "did you mean optimizer.lr=0.1?",
    "train.lr=0.1": "did you mean optimizer.lr=0.1?",
    "epochs=5": "did you mean train.epochs=5?",
    "batch-size=32": "did you mean train.batch_size=32?",
    "dropout=0.5": "did you mean model.dropout=0.5?",
    "MODEL.ACT=relu": "did you mean model.act=relu?",
    "--lr=0.1": "did you mean optimizer.lr=0.1?",
    "--epochs 5": "did you mean train.epochs=5?",
    "model=relu": "did you mean model.act=relu?",
    "optimizer=Adam": "did you mean adam?",
    "model.hidden=[64, 32]": "quote it, so that the shell keeps it whole: 'model.hidden=[64,32]'",
    "model.hidden=[10 20]": "quote it, so that the shell keeps it whole: 'model.hidden=[10,20]'",
    "model.hidden=[10 20 30]": "'model.hidden=[10,20,30]'",
    "model.hidden=[ 10 ,20 ]": "'model.hidden=[10,20]'",
    "tracking.tags=[a b]": "'tracking.tags=[a,b]'",
    "data.leave_out={a b": "a bracket is not closed",
    "seed=range(3": "a bracket is not closed",
    "optimizer.lr 0.1": "did you mean optimizer.lr=0.1?",
    "lr = 0.1": "did you mean optimizer.lr=0.1?",
    "model.act: relu": "did you mean model.act=relu?",
    "relu": "did you mean model.act=relu?",
    "quick": "did you mean experiment=quick?",
    "learning_rate=0.1": "did you mean optimizer.lr=0.1?",
    "activation=relu": "did you mean model.act=relu?",
    "batch=32": "did you mean train.batch_size=32?",
    "experiments=xor_tanh": "did you mean experiment=xor_tanh?",
    "expriment=quick": "did you mean experiment=quick?",
    "exp=quick": "did you mean experiment=quick?",
    "optimiser=sgd": "did you mean optimizer=sgd?",
    "sched=linear": "did you mean schedule=linear?",
    "ablation.seeds=2": "did you mean seed=2?",
    "seeds=2": "did you mean seed=2?",
    "data.seeds=2": "did you mean data.seed=2 or seed=2?",
    "data.split=[0.8,0.2]": "has keys of its own, which are set one by one: data.split.train, ",
    "train.unit_targets.x=3": "train.unit_targets",
    "ab=3": "no such key; allowed: data, draws, model, name, ",
    "conf_digest=abc": "is the digest of the files in conf/, which nobody sets; leave it out",
    "hydra.job.chdir=true": "this key of Hydra can't be set",
    "studies=[ladder,ladder]": "studies=[ladder,ladder]: contains ladder twice",
    "studies=[laddr]": "studies=[laddr]: no such study; did you mean ladder?",
    "solver=sgd": "did you mean optimizer=sgd?",
    "experiment": "did you mean experiment=VALUE?",
    "model.act=relu;tanh": "did you mean 'model.act=[relu,tanh]'?",
    "model.hidden=(64,32)": "did you mean 'model.hidden=[64,32]'?",
    "model.act=ReLU": "did you mean relu?",
    "optimizer.lr=0,1": "with a decimal point: optimizer.lr=0.1",
    "optimizer.lr=#1": "allowed: a finite number > 0",
    "seed=0..3": "did you mean -m 'seed=range(0,4)'?",
    "seed=0:3": "did you mean -m 'seed=range(0,3)'?",
    "seed=[0,1]": "did you mean -m seed=0,1?",
    "model.act=[relu,sigmoid]": "did you mean -m model.act=relu,sigmoid?",
    "experiment=conf/experiment/quick.yaml": "did you mean quick?",
    "experiment=Quick": "did you mean quick?",
    "experiment=Mine": "no such choice; allowed: digits",
    "model.act==relu": "did you mean model.act=relu?",
    "+model.act=relu": "did you mean model.act=relu?",
    "model_act=relu": "did you mean model.act=relu?",
    "model.hidden=64-32": "did you mean 'model.hidden=[64,32]'?",
    "train.epoch=5": "did you mean train.epochs=5?",
    "optimizer.nesterov=true": "did you mean optimizer=nesterov?",
    "-M model.act=relu": "did you mean -m?",
    "\u2013m model.act=relu": "did you mean -m?",
    "\u2014multirun model.act=relu": "did you mean --multirun?",
    "\u201cmodel.act=tanh\u201d": "did you mean model.act=tanh?",
    "optimizer.lr=1e\u22123": "did you mean optimizer.lr=1e-3?",
    "experiment quick": "did you mean experiment=quick?",
    "train.epochs": "did you mean train.epochs=VALUE?",
    "nonsense": "allowed: KEY=VALUE for a key that --help lists",
    "--multirun=x": "--multirun takes no value",
    "model.act=relu,tanh": "trains with each of them; as one list: 'model.act=[relu,tanh]'",
    "seed=range(3)": "`python -m src.train -m` trains with each of them",
}


@pytest.mark.parametrize("typed", CURES)
def test_a_slip_gets_a_line_that_names_the_cure(typed: str) -> None:
    words = typed.split()
    message = refusal(compose if "," in typed or "=" in typed else check_overrides, words)
    assert message.startswith(words[0].split(",")[0])
    assert CURES[typed] in message
    assert "\n" not in message


@pytest.mark.parametrize("sign", [" ", "\t", "\xa0", "\u200b"])
def test_overrides_that_no_plain_space_separates_are_taken_apart(sign: str) -> None:
    message = refusal(compose, [f"data=digits{sign}model.act=tanh"])
    assert message.endswith("can't be read; did you mean data=digits model.act=tanh, as 2 words?")


# What Hydra's grammar has no place for, or a meaning of its own: as a shell would pass it on.
TEXTS = [
    "#x",
    "it's",
    "~/x",
    "a=b",
    'say "x"',
    "!x",
    "$#",
    "\u00e9",
    "it\u2019s",
    "a (b",
    "[x",
    "{",
    "a;b & c",
    "\\'",
    "a, b",
]


def test_a_text_that_has_to_be_quoted_is_shown_in_quotes() -> None:
    shown = []
    for text in TEXTS:
        message = refusal(compose, [f"tracking.note={text}"])
        assert message.startswith(f"tracking.note={text}: ")
        shown += re.findall(r"(?:for Hydra|as one text): (['\"]tracking.note=.*)$", message)
    typed = f"{_PRINT} {' '.join(shown)}"
    words = json.loads(subprocess.run(["bash", "-c", typed], capture_output=True, check=True).stdout)
    assert [override.value() for override in OverridesParser.create().parse_overrides(words)] == TEXTS


@pytest.mark.parametrize("command", ["train -m", "ablation ablation=width", "compose"])
def test_each_command_shows_it(command: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("src.config.tree.SNAPSHOT", home / "params.yaml")
    assert_rejected(
        run_main(*command.split(), "name=#x"), "name=#x: can't be read; quote it, for the shell and for Hydra"
    )
    assert_rejected(run_main(*command.split(), "--epochs", "5"), "--epochs: did you mean train.epochs=5?")
    assert_rejected(run_main(*command.split(), "model.hidden=[64 32]"), "did you mean 'model.hidden=[64,32]'?")
    if command == "train -m":
        said = "did you mean 'model.hidden=[64,32]', or -m 'model.hidden=[64],[32]'?"
        assert_rejected(run_main("train", "-m", "model.hidden=64,32"), said)
        assert_rejected(run_main("train", "-m", "seed=range(0)", "model.act=tanh"), "nothing to sweep")
    for braces in (["model.act=relu", "model.act=tanh"], ["optimizer=sgd", "optimizer=adam", "optimizer=momentum"]):
        key, values = braces[0].partition("=")[0], ",".join(word.partition("=")[2] for word in braces)
        said = f"{' '.join(braces)}: the same key again; did you mean -m {key}={values}?"
        assert_rejected(run_main(*command.split(), *braces), said)


@pytest.mark.parametrize("typed", ["name='a[b'", 'name="(x"', "model.hidden=[64,32]", "seed=3"])
def test_what_is_no_slip_is_left_alone(typed: str) -> None:
    check_overrides([typed])


def test_a_list_that_the_shell_has_cut_is_put_together() -> None:
    message = refusal(check_overrides, ["model.hidden=64", "32"])
    assert message == "32: did you mean 'model.hidden=[64,32]'?"
    assert refusal(check_overrides, ["model.act=", "relu"]) == "relu: did you mean model.act=relu?"
    assert refusal(check_overrides, ["seed=1,", "2"]) == "2: did you mean seed=1,2?"


def test_a_command_that_is_started_as_a_file_says_how_to_start_it() -> None:
    run = subprocess.run([sys.executable, "src/train.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"error: src/train.py: start it from {ROOT}, as: python -m src.train\n"


@pytest.mark.parametrize("name", ["train", "Train", "tran", "train.py"])
def test_a_command_that_is_typed_as_a_word_says_how_to_start_it(name: str) -> None:
    run = subprocess.run([sys.executable, "-m", "src", name, "name=a b"], cwd=ROOT, capture_output=True, text=True)
    assert_rejected(run, f"error: {name}: did you mean `python -m src.train 'name=a b'`?")


def test_the_commands_are_listed() -> None:
    run = subprocess.run([sys.executable, "-m", "src"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^  (\w+) +\w", run.stdout, re.MULTILINE))
    files = {file.stem for file in (ROOT / "src").glob("[a-z]*.py")}
    assert listed == files - {"src"} | {"runs"}


def test_help_explains_every_key_and_shows_what_overrides_give() -> None:
    typed = {key for key, _ in flatten(composed().plain())} - {"conf_digest", "studies"}
    chosen = {"optimizer.name", "schedule.name", "tracking.name"}
    text = help_text(composed("experiment=quick", "model.act=tanh").plain())
    assert {key for key in typed - chosen if not re.search(rf"^  {re.escape(key)}=", text, re.MULTILINE)} == set()
    assert typed <= keys().keys() | chosen | {"data.columns"}
    assert "  model.act=tanh " in text
    assert "  model.hidden=[32] " in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model: {act: tanh}\n", "experiment: the file in conf/experiment/ needs the first line `# @package _global_`"),
        ("# @package _global_\ndefaults:\n  - override /tracking: off\n", 'needs quotes, like "off"'),
        (
            "# @package _global_\ndefaults:\n  - override /data: digist\n",
            "data=digist: no such choice; did you mean digits?",
        ),
        ("# @package _global_\nmodel:\n\tact: tanh\n", "a file in conf/ is not valid YAML"),
        ("name: gr\xfcn\n", "a file in conf/ is not valid YAML"),
        ("# @package _global_\ndefaults: [mine]\n", "conf/experiment/mine.yaml: the defaults lead in a circle; remove"),
        (
            "# @package _global_\ndefaults: [quick, other]\n",
            "conf/experiment/mine.yaml, conf/experiment/other.yaml: the defaults lead in a circle; remove one of them",
        ),
    ],
)
def test_a_slip_in_an_experiment_gets_one_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "conf", conf := tmp_path / "conf")
    (conf / "experiment/mine.yaml").write_text(text, encoding="latin-1")
    (conf / "experiment/other.yaml").write_text("# @package _global_\ndefaults: [mine]\n")
    monkeypatch.setattr("src.config.groups.ROOT", tmp_path)
    for module in ("composition", "groups"):
        monkeypatch.setattr(f"src.config.{module}.CONF", str(conf))
    with pytest.raises(UserError) as caught:
        composition.compose(["experiment=mine"])
    assert said in str(caught.value)
