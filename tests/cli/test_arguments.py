"""A command's mistyped option gets one line, like any other mistake."""

import subprocess

import pytest

from tests.conftest import ROOT, environment
from tests.helpers.commands import run_main

COMMANDS = ("check", "compose", "doctor", "evaluate", "fetch", "normalize", "replay", "report", "split", "sync")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_is_none_is_told_in_one_line(command: str) -> None:
    done = run_main(command, "--nosuch")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: ")
    assert f"`python -m src.{command} --help`" in done.stderr
    assert done.stdout == ""


def test_a_value_that_is_none_is_named() -> None:
    command = ["python", "-m", "src.replay", "--bound", "x", "0123"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert done.returncode == 2
    told = "argument --bound: invalid float value: 'x'"
    assert done.stderr == f"error: {told}; `python -m src.replay --help` lists what is allowed\n"
