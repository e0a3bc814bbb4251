"""`make setup`, with either installer, from a package that the test makes: no index is asked."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.conftest import ROOT

METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1\nRequires-Dist: another\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
LOCK = "tiny==1 \\\n    --hash=sha256:{digest}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Makefile, and a package to be installed from a folder beside it."""
    folder = tmp_path / "a checkout"
    (folder / "wheels").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    files = {"tiny.py": "", "tiny-1.dist-info/METADATA": METADATA, "tiny-1.dist-info/WHEEL": WHEEL}
    with zipfile.ZipFile(folder / "wheels/tiny-1-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr("tiny-1.dist-info/RECORD", "".join(f"{name},,\n" for name in files))
    return folder


# Another Python, which can't make an environment.
OTHER = """#!/bin/sh
[ "$1" = -V ] && echo Python {version} && exit
[ "$1" = -c ] && exec {python} -c "import sys; sys.version_info = ({commas}, 0, 'final', 0); $2"
exit 1
"""


@pytest.mark.parametrize("version", ["2.7", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"])
def test_a_python_that_pyproject_leaves_out_is_refused_in_one_line(checkout: Path, version: str) -> None:
    allowed = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    other = checkout / "another python"
    other.write_text(
        OTHER.format(version=version, commas=version.replace(".", ", "), python=shlex.quote(sys.executable))
    )
    other.chmod(0o755)
    (checkout / "requirements.lock").touch()
    done = subprocess.run(
        ["make", "setup", f"PYTHON={other}"], cwd=checkout, capture_output=True, text=True, check=False
    )
    refused = f"error: PYTHON={other}: Python 3.11, 3.12 or 3.13 is needed, as in: make setup PYTHON=python3.13"
    assert (refused not in done.stderr) == ("Setting up" in done.stdout) == allowed.contains(version)


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_only_packages_with_the_hash_of_the_lock_are_installed_and_only_once(checkout: Path, installer: str) -> None:
    if installer == "uv" and not shutil.which("uv"):
        pytest.skip("uv is not installed")
    ours = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels", "UV_FIND_LINKS": "wheels", "UV_OFFLINE": "1"}
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "MAKE"))}

    def setup() -> subprocess.CompletedProcess[str]:
        command = ["make", "setup", f"PYTHON={sys.executable}", *(["UV="] if installer == "pip" else [])]
        return subprocess.run(command, cwd=checkout, env=others | ours, capture_output=True, text=True, timeout=300)

    python, ready, lock = checkout / ".venv/bin/python", checkout / ".venv/ready", checkout / "requirements.lock"
    lock.write_text(LOCK.format(digest="0" * 64))
    refused = setup()
    assert refused.returncode != 0
    assert "hash" in refused.stderr.lower()
    assert not ready.exists()

    lock.write_text(LOCK.format(digest=hashlib.sha256(next(checkout.glob("wheels/*")).read_bytes()).hexdigest()))
    done = setup()
    assert done.returncode == 0, done.stderr
    assert f"with {installer};" in done.stdout
    assert ready.exists()
    subprocess.run([python, "-c", "import tiny"], check=True)

    (checkout / "wheels").rename(checkout / "gone")
    again = setup()
    assert (again.returncode, again.stdout) == (0, ""), again.stderr

    moved = checkout.with_name("moved")  # scripts in .venv/bin name the folder that they are in
    (checkout / "gone").rename(checkout / "wheels")
    checkout.rename(moved)
    checkout = moved
    assert "Setting up" in setup().stdout
    assert setup().stdout == ""
    script = (moved / ".venv/bin/activate").read_text()
    assert str(moved) in script
    shared = moved.with_name("shared")
    (moved / ".venv").rename(shared)
    (moved / ".venv").symlink_to(shared)  # whose packages must not be removed
    refused = setup()
    assert (refused.returncode, refused.stderr.count("error: .venv is a link to")) == (2, 1)
    assert (shared / "bin/python").exists()
