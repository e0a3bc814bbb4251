"""The commands that take the name of a run or a model: a mistake gets one line and exit code 2, and changes nothing."""

import shutil
from pathlib import Path

import pytest

from tests.helpers.commands import run_main
from tests.helpers.refusals import assert_rejected

STUDY = "give one RUN, or --all with --study NAME: python -m src.replay --all --study ladder"
MISTAKES = [
    ("predict", "", "give a model and inputs: `python -m src.predict models/model.npz digit.png`"),
    ("predict", "X1=0.1", "give the model first: python -m src.predict MODEL X1=0.1"),
    ("predict", "README.md", "README.md: not a model of this project, or damaged"),
    ("predict", "README.md", "; give the model first: python -m src.predict MODEL INPUT"),
    ("predict", "models/none.npz a.png", "models/none.npz: no such file; `dvc repro` makes models/model.npz"),
    ("predict", "zzzz a.png", "zzzz: no id of an MLflow run"),
    ("predict", "0123456789 a.png", "no MLflow run's id begins so"),
    ("predict", "abc a.png", "abc: give at least 4 characters of an id"),
    ("predict", "runs/nothing a.png", "runs/nothing: not a run folder"),
    ("predict", "--jsn", "unrecognized arguments: --jsn"),
    ("replay", "", "give a run: "),
    ("replay", "zzzz", "zzzz: no id of an MLflow run"),
    ("replay", "0123456789", "no MLflow run's id begins so"),
    ("replay", "runs/nothing", "runs/nothing: not a run folder"),
    ("replay", "--all", STUDY),
    ("replay", "--study tiny", STUDY),
    ("replay", "--all --study nosuch", "--study=nosuch: no finished run of it"),
    ("replay", "0123456789 --bound -1", "--bound=-1.0: must be >= 0 and < 1"),
]


@pytest.mark.parametrize(("command", "arguments", "message"), MISTAKES)
def test_a_mistake_gets_one_line(
    command: str, arguments: str, message: str, home: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    shutil.copy(empty_store, home)
    (home / "README.md").write_text("# Not a model\n")
    assert_rejected(run_main(command, *arguments.split()), message)
    assert not (home / "runs").exists()
