"""Lineage: the commit, a patch that gives back the tree, and no secret."""

import importlib.metadata
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from src.foundation.files import sha256, write_text
from src.runs import lineage as module
from src.runs.lineage import CUT, VARIABLES, diff, fetching, lineage, surroundings
from tests.conftest import ROOT

Git = Callable[..., str]
TRACKED = {
    "src/a.py": b"one\ntwo\nthree\n",
    "src/with space.py": b"hello\n",
    "src/latin.txt": "gr\u00fcn\n".encode("latin-1"),
    "src/windows.py": b"a\r\nb\r\n",
    "src/unended.py": b"no newline",
    "src/run.sh": b"#!/bin/sh\n",
    "conf/config.yaml": b"seed: 0\n",
    "docs/picture.png": bytes(range(256)),
    "dvc.lock": b"stages\n",
    "metrics/test.json": b"{}\n",
    ".dvc/config": b"[core]\n",
    ".gitignore": b"*.tmp\n",
}


@pytest.fixture(autouse=True)
def _uncached() -> Iterator[None]:
    module._tree.cache_clear()
    yield
    module._tree.cache_clear()


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small Git checkout in the place of this one."""
    folder = tmp_path / "a check out"
    for name, content in TRACKED.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    monkeypatch.setattr(module, "ROOT", folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout.decode()


def content(folder: Path) -> dict[str, tuple[bytes, bool]]:
    files = (file for file in folder.rglob("*") if file.is_file() and ".git" not in file.relative_to(folder).parts)
    return {str(file.relative_to(folder)): (file.read_bytes(), os.access(file, os.X_OK)) for file in files}


def rebuilt(tree: Path, beside: Path) -> Path:
    """A clean checkout of the commit that the lineage names, with the patch applied."""
    git(tree.parent, "clone", "-q", str(tree), str(beside))
    git(beside, "checkout", "-q", lineage()["git.commit"])
    write_text(tree.parent / "patch", diff())
    git(beside, "apply", str(tree.parent / "patch"))
    return beside


def test_a_clean_checkout_is_its_commit_and_stays_so_for_a_process(tree: Path) -> None:
    (tree / "dvc.lock").write_text("changed\n")
    (tree / "metrics/test.json").write_text("changed\n")
    (tree / ".dvc/config").write_text("password = secret\n")
    (tree / "src/left.tmp").write_text("ignored\n")
    (tree / "notes.txt").write_text("no code\n")
    os.utime(tree / "src/a.py", (0, 0))  # a file that only looks changed is not
    found = lineage()
    assert found["git.commit"] == git(tree, "rev-parse", "HEAD").strip()
    assert found["git.dirty"] == "false"
    assert diff() == ""
    (tree / "src/a.py").write_text("edited while the process runs\n")
    assert lineage() == found
    assert diff() == ""


# For the eyes, as a user may have set them; `git apply` reads another form.
SETTINGS = {"diff.noprefix": "true", "color.ui": "always", "diff.external": "false", "diff.context": "0"}
SETTINGS |= {"diff.renames": "copies", "core.quotePath": "false"}


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("staged", [False, True])
def test_the_patch_gives_back_the_tree(tree: Path, tmp_path: Path, staged: bool, encoding: str) -> None:
    if staged:
        for key, value in SETTINGS.items():
            git(tree, "config", key, value)
    (tree / "src/a.py").write_text("one\n2\nthree\n")
    (tree / "src/with space.py").write_text("hello again\n")
    (tree / "src/windows.py").write_bytes(b"a\r\nb\r\nc\r\n")
    (tree / "src/unended.py").write_text("still no newline")
    (tree / "src/run.sh").chmod(0o755)
    (tree / "src/run.sh").rename(tree / "src/moved \u00e9.sh")
    (tree / "docs/picture.png").write_bytes(bytes(reversed(range(256))))
    (tree / "conf/config.yaml").unlink()
    (tree / "conf/deep/new group").mkdir(parents=True)
    (tree / "conf/deep/new group/added.yaml").write_text("a: 1\n")
    (tree / "src/new [a-z] :(glob) \u00e9.py").write_text("# \u00e9\n")
    (tree / "src/empty.py").touch()
    (tree / "src/data.bin").write_bytes(bytes(1000))
    if encoding == "latin-1":
        (tree / "src/latin.txt").write_bytes("gr\u00fcner\n".encode(encoding))
    if staged:
        git(tree, "add", "-A")
        (tree / "src/a.py").write_text("one\n2\n3\n")
    else:
        (tree / ".git/index.lock").touch()  # as while the user commits
    before = git(tree, "status", "--porcelain")
    assert lineage()["git.dirty"] == "true"
    assert content(rebuilt(tree, tmp_path / "beside")) == content(tree)
    assert git(tree, "status", "--porcelain") == before


def test_a_patch_that_is_too_large_says_what_is_left_out_and_still_applies(tree: Path, tmp_path: Path) -> None:
    (tree / "src/a.py").write_text("changed\n")
    (tree / "src/large.bin").write_bytes(os.urandom(2 << 20))
    (tree / "src/z.py").write_text("added\n")
    patch = diff()
    assert len(patch.encode()) < 1 << 20
    assert patch.startswith(CUT)
    assert "src/large.bin" in patch.splitlines()[0]
    there, here = content(rebuilt(tree, tmp_path / "beside")), content(tree)
    assert here.keys() - there.keys() == {"src/large.bin"}
    assert there.items() <= here.items()


def test_outside_of_git_or_without_it_the_commit_is_unknown(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert lineage()["git.commit"] == lineage()["git.dirty"] == "unknown"
    module._tree.cache_clear()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = lineage()
    assert (found["git.commit"], found["git.dirty"], diff()) == ("no Git", "unknown", "")
    assert found["dvc.lock.sha256"] == found["requirements.lock.sha256"] == "none"


def test_locks_and_the_packages_that_the_project_names_are_recorded() -> None:
    for name in ("dvc.lock", "requirements.lock"):
        assert lineage()[f"{name}.sha256"] == sha256((ROOT / name).read_bytes())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {re.split(r"[<>=!~ \[;]", dependency)[0] for dependency in project["dependencies"]}
    assert surroundings()["packages"] == {name: importlib.metadata.version(name) for name in named}


def test_a_project_file_that_is_being_edited_stops_no_training(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOT", tree)
    for text in ("[project\n", "", "[project]\n", "[project]\ndependencies = 3\n"):
        (tree / "pyproject.toml").write_text(text)
        module._packages.cache_clear()
        assert surroundings()["packages"] == {}
    (tree / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=1", "nosuch"]\n')
    module._packages.cache_clear()
    assert surroundings()["packages"] == {"numpy": importlib.metadata.version("numpy"), "nosuch": "none"}
    module._packages.cache_clear()


def test_of_the_environment_only_what_decides_numbers_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name != "PATH":
            monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    assert surroundings()["variables"] == {"OMP_NUM_THREADS": "3"}
    assert not [name for name in VARIABLES if re.search("KEY|TOKEN|PASS|SECRET|USER", name)]


@pytest.mark.parametrize("inside", [False, True])
def test_the_git_of_another_checkout_is_not_this_one_s(
    tree: Path, tmp_path: Path, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(tree, "rev-parse", "HEAD").strip()
    if inside:  # as a ZIP download that is unpacked in a checkout
        (tree / "unpacked").mkdir()
        monkeypatch.setattr(module, "ROOT", tree / "unpacked")
        assert (lineage()["git.commit"], lineage()["git.dirty"], diff()) == ("no Git", "unknown", "")
        return
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-qm", "other", "--allow-empty")
    for name, value in {"GIT_DIR": ".git", "GIT_WORK_TREE": "", "GIT_INDEX_FILE": ".git/index"}.items():  # as in a hook
        monkeypatch.setenv(name, str(other / value))
    assert (lineage()["git.commit"], diff()) == (commit, "")


def test_a_checkout_that_git_does_not_trust_is_a_warning_with_the_cure(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert lineage()["git.commit"] == "unknown"
    cure = f"git config --global --add safe.directory '{tree}'"
    assert capsys.readouterr().err == f"warning: Git does not trust this checkout, so runs name no commit: {cure}\n"


def test_a_commit_that_a_clone_lacks_comes_by_the_command_that_is_named(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(tree, "rev-parse", "HEAD").strip()
    git(tree, "commit", "-qm", "second", "--allow-empty")
    shallow, whole, worktree = (tmp_path / name for name in ("shallow", "whole", "worktree"))
    git(tmp_path, "clone", "-q", "--depth=1", tree.as_uri(), str(shallow))
    git(tmp_path, "clone", "-q", tree.as_uri(), str(whole))
    git(shallow, "worktree", "add", "-q", str(worktree))
    git(tree, "commit", "-qm", "third", "--allow-empty")
    third = git(tree, "rev-parse", "HEAD").strip()
    for clone, commit, cure in (
        *((tree, commit, "") for commit in (first, third)),
        (worktree, first, "git fetch --unshallow && "),
        (shallow, first, "git fetch --unshallow && "),
        (worktree, first, ""),
        (whole, third, "git fetch --all && "),
        (whole, third, ""),
    ):
        monkeypatch.setattr(module, "ROOT", clone)
        assert fetching(commit) == cure
        if cure and clone != worktree:
            git(clone, *cure.split()[1:-1])
    (whole / ".git").rename(whole / "git")
    assert fetching(first) == "in a clone of the repository, "
