"""What `dvc repro` costs with nothing to do: `python -m benchmarks.noop [--rounds 15]`.

Printed, as medians of the rounds: CPU seconds (user and system) of `dvc repro` in a copy of this repository and in a
repository of one stage, which take turns, and the ratio of both. In the copy nothing is trained: every out of the
pipeline is a placeholder, and `dvc commit` makes all of them up to date.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from src.cli.command import run_command
from src.foundation.files import ROOT

_TRACKED = ("src", "conf", "hydra_plugins", "params.yaml", "dvc.yaml", ".dvcignore")
_ONE_STAGE = "stages:\n  one:\n    cmd: cp in out\n    deps: [in]\n    outs: [out]\n"
_FILES = {"models": 106, "reports": 20}  # in a study's results and in its report
_FILES_OF_DATA = 7


def main() -> None:
    """Runs both in turns and prints the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        pipeline, one = _pipeline(Path(folder) / "pipeline"), _one_stage(Path(folder) / "one")
        for repository in (pipeline, one):
            _dvc(repository, "commit", "--force", "--quiet")
            _repro(repository)
        seconds = [(_repro(pipeline), _repro(one)) for _ in range(rounds)]
    ours, theirs = map(median, zip(*seconds, strict=True))
    ratio = median(our / their for our, their in seconds)
    print(f"pipeline {ours:.2f} s, one stage {theirs:.2f} s, ratio {ratio:.2f}")


def _pipeline(folder: Path) -> Path:
    for name in _TRACKED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    _begin(folder)
    subprocess.run([sys.executable, "-m", "src.code"], cwd=folder, check=True)
    for out in map(Path, _outs(folder)):
        if out.suffix:
            (folder / out).parent.mkdir(parents=True, exist_ok=True)
            (folder / out).write_text("{}" if out.suffix == ".json" else str(out))
        elif not (folder / out).exists():
            (folder / out).mkdir(parents=True)
            count = _FILES.get(out.parts[0], _FILES_OF_DATA)
            for name in ("dataset.json", *map(str, range(1, count))):
                (folder / out / name).write_text(f"{out} {name}")
    return folder


def _one_stage(folder: Path) -> Path:
    folder.mkdir()
    (folder / "dvc.yaml").write_text(_ONE_STAGE)
    for name in ("in", "out"):
        (folder / name).touch()
    _begin(folder)
    return folder


def _begin(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    _dvc(folder, "init", "--quiet")
    _dvc(folder, "config", "core.analytics", "false")


def _outs(folder: Path) -> Iterator[str]:
    """The outs of all stages, with the values of params.yaml in their names."""
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    params: dict[str, Any] = yaml.safe_load((folder / "params.yaml").read_text())
    for stage in stages.values():
        for item in params["studies"] if "foreach" in stage else [""]:
            declared: Mapping[str, Any] = stage.get("do", stage)
            for out in (*declared.get("outs", ()), *declared.get("metrics", ())):
                name = out if isinstance(out, str) else next(iter(out))
                for key, value in {
                    "item": item,
                    **{f"data.{key}": value for key, value in params["data"].items()},
                }.items():
                    name = name.replace(f"${{{key}}}", str(value))
                yield name


def _repro(folder: Path) -> float:
    """CPU seconds of a `dvc repro` that has nothing to do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = _dvc(folder, "repro")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if "up to date" not in printed:
        raise SystemExit(f"{folder}: there was something to do: {printed}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _dvc(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"dvc {' '.join(arguments)} ended with exit code {done.returncode}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    run_command(main)
