"""Slips on the command line: each message says what to type."""

import re
import subprocess
import sys

import pytest

from src.config.composition import check_overrides
from src.config.reference import help_text, keys
from src.foundation.schema import flatten
from tests.conftest import ROOT
from tests.helpers.composing import compose, composed
from tests.helpers.refusals import refusal

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
    "seed=range(3": "a bracket is not closed",
    "optimizer.lr 0.1": "did you mean optimizer.lr=0.1?",
    "lr = 0.1": "did you mean optimizer.lr=0.1?",
    "model.act: relu": "did you mean model.act=relu?",
    "relu": "did you mean model.act=relu?",
    "quick": "did you mean experiment=quick?",
    "learning_rate=0.1": "did you mean optimizer.lr=0.1?",
    "activation=relu": "did you mean model.act=relu?",
    "batch=32": "did you mean train.batch_size=32?",
    "solver=sgd": "did you mean optimizer=sgd?",
    "experiment": "did you mean experiment=VALUE?",
    "model.act=relu;tanh": "allowed: KEY=VALUE, with special characters in quotes",
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


@pytest.mark.parametrize("typed", ["name='a[b'", 'name="(x"', "model.hidden=[64,32]", "seed=3"])
def test_what_is_no_slip_is_left_alone(typed: str) -> None:
    check_overrides([typed])


def test_a_list_that_the_shell_has_cut_is_put_together() -> None:
    message = refusal(check_overrides, ["model.hidden=64", "32"])
    assert message == "32: did you mean 'model.hidden=[64,32]'?"


def test_a_command_that_is_started_as_a_file_says_how_to_start_it() -> None:
    run = subprocess.run([sys.executable, "src/train.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"error: src/train.py: start it from {ROOT}, as: python -m src.train\n"


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
