"""Copies of the repository in which tests run commands, and the environment that commands get there."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Shell = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    """The environment for commands in a checkout: this Python first on the path, and no settings of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "HYDRA_", "DVC_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONWARNINGS": "default",
    }


def make_checkout(folder: Path) -> Path:
    """Copies what Git tracks, or would, into a Git repository of its own; compiled modules, too, to save the time."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    compiled = [str(file.relative_to(ROOT)) for file in ROOT.glob("src/**/__pycache__/*.pyc")]
    for name in [*names, *compiled]:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "init", "-q"], cwd=folder, check=True)
    subprocess.run([*git, "add", "-A"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-qm", "as it is"], cwd=folder, check=True)
    return folder


def shell_in(checkout: Path) -> Shell:
    """Runs a command in a checkout, with this Python first on the path and no MLflow settings of the user's."""

    def run(*command: str, **more: object) -> subprocess.CompletedProcess[str]:
        given = {"cwd": checkout, "env": environment(), "capture_output": True, "text": True, "timeout": 600}
        return subprocess.run(command, **{**given, **more})  # type: ignore[call-overload,no-any-return]

    return run


def edit(file: Path, *changes: tuple[str, str]) -> None:
    """Replaces texts in a file, which has them."""
    text = file.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)


def furnish(checkout: Path, digits_folder: Path, empty_store: Path) -> Path:
    """Puts the prepared digits and an empty MLflow store into a checkout."""
    shutil.copytree(digits_folder / "data", checkout / "data", dirs_exist_ok=True)
    shutil.copy(empty_store, checkout / "mlflow.db")
    return checkout


def _status_files(checkout: Path) -> list[dict[str, Any]]:
    """What the status file of each run in a checkout says."""
    found = []
    for file in checkout.glob("runs/*/status.json"):
        with contextlib.suppress(FileNotFoundError):  # the run begins at this moment
            found.append(json.loads(file.read_text()))
    return found


def statuses(checkout: Path) -> list[str]:
    """The status of each run in a checkout, sorted."""
    return sorted(file["status"] for file in _status_files(checkout))


def running(checkout: Path) -> list[int]:
    """The processes of the runs that are under way."""
    return [file["pid"] for file in _status_files(checkout) if file["status"] == "running"]
