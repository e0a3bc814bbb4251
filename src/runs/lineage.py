"""Where a run comes from: the commit, the uncommitted changes, and the machine with its packages.

Git is asked once per process, when the first run starts: later edits do not affect imported code. Only the
environment variables of a list are read, so no secret is recorded.
"""

import contextlib
import functools
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from src.foundation.files import ROOT, sha256_file

UNKNOWN = "unknown"
NO_GIT = "no Git"
# The pipeline rewrites these without changing the code; and .dvc/config may hold a remote's password.
_APART = (":!dvc.lock", ":!metrics", ":!.dvc")
# Folders where an untracked file can change what a run does.
_CODE = ("src", "conf", "hydra_plugins")
_LARGEST_DIFF = 1 << 20  # bytes
CUT = "# a part of the difference"  # how an incomplete patch begins
_OF_ANOTHER_CHECKOUT = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE")
# The user's settings shape `git diff` for reading; this is for `git apply`.
_PLAIN_DIFF = ("-c", "core.quotePath=true", "diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv",
               "--no-renames", "--no-relative", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/")  # fmt: skip

# What can decide numbers: threads, and which kernels NumPy, its BLAS and the C library choose.
VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "OPENBLAS_CORETYPE", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "GLIBC_TUNABLES",
    "PYTHONHASHSEED",
)  # fmt: skip

WITHOUT_EFFECT = "_THREADS"  # the end of some: a training sets its number of threads, and records it


def lineage() -> dict[str, str]:
    """Facts by which runs are searched: commit, dirty ("true" or "false"), locks, Python, NumPy and CPU.

    Outside of a Git checkout, `git.commit` is "no Git"; where Git fails, it and `git.dirty` are "unknown".
    """
    commit, patch = _tree()
    locks = {name: ROOT / name for name in ("dvc.lock", "requirements.lock")}
    return {
        "git.commit": commit or (UNKNOWN if (ROOT / ".git").exists() else NO_GIT),
        "git.dirty": UNKNOWN if patch is None else str(patch != "").lower(),
        **{f"{name}.sha256": sha256_file(file) if file.is_file() else "none" for name, file in locks.items()},
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpu": _cpu(),
    }


def diff() -> str:
    """The patch with which `git apply` turns a clean checkout of the commit into this tree; "" if it is clean.

    Changes of tracked files, and untracked files of src, conf and hydra_plugins. If the patch is larger than 1 MiB,
    its first line names the files that are left out.
    """
    return _tree()[1] or ""


def fetching(commit: str) -> str:
    """How to get a commit that this checkout lacks, as the beginning of a command; empty if it is there."""
    if not (ROOT / ".git").exists():
        return "in a clone of the repository, "
    try:
        _git("cat-file", "-e", f"{commit}^{{commit}}")
    except (OSError, subprocess.SubprocessError):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            shallow = _git("rev-parse", "--is-shallow-repository").strip() == b"true"
            return f"git fetch {'--unshallow' if shallow else '--all'} && "
    return ""


def surroundings() -> dict[str, Any]:
    """The machine and the packages. `fingerprint.environment` has what decides floating-point results."""
    return {
        "python": {"version": platform.python_version(), "implementation": platform.python_implementation()},
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()).strip() or UNKNOWN,
        "cpu": {"model": _cpu(), "count": os.cpu_count()},
        "packages": dict(_packages()),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


@functools.cache
def _tree() -> tuple[str | None, str | None]:
    """The commit and the patch of the checkout; None where Git has no answer."""
    commit = None
    if not (ROOT / ".git").exists():  # a ZIP download may be unpacked in another checkout
        return None, None
    try:
        commit = _git("rev-parse", "--verify", "HEAD").decode().strip()
        return commit, _capped(_diff())
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        if cure := re.search(rb"git config --global --add safe.directory .*", said):  # another owner's checkout
            print(
                f"warning: Git does not trust this checkout, so runs name no commit: {os.fsdecode(cure[0])}",
                file=sys.stderr,
            )
        return commit, None


def _diff() -> str:
    with tempfile.TemporaryDirectory() as temporary:
        index = None
        if added := _git("ls-files", "--others", "--exclude-standard", "-z", "--", *_CODE):
            # They are added to a copy of Git's index, so that they are part of the same diff.
            index = Path(temporary, "index")
            shutil.copy2(ROOT / os.fsdecode(_git("rev-parse", "--git-path", "index")).removesuffix("\n"), index)
            names = ("--pathspec-from-file=-", "--pathspec-file-nul")
            _git("--literal-pathspecs", "add", "--intent-to-add", *names, index=index, given=added)
        asked = (*_PLAIN_DIFF, "HEAD", "--", ".", *_APART)
        try:
            return _git(*asked, index=index).decode()
        except UnicodeDecodeError:  # a file in another encoding: all as binary files, which are written in ASCII
            attributes = Path(temporary, "attributes")
            attributes.write_text("* -diff\n")
            return _git("-c", f"core.attributesFile={attributes}", *asked, index=index).decode()


def _capped(patch: str) -> str:
    if len(patch.encode()) <= _LARGEST_DIFF:
        return patch
    kept, left_out, room = [], [], _LARGEST_DIFF
    _, *files = re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE)
    for of_file in files:  # whole files, which `git apply` accepts
        size = len(of_file.encode())
        if size <= room:
            kept.append(of_file)
            room -= size
        else:
            left_out.append(of_file.partition("\n")[0].removeprefix("diff --git "))
    return "".join([f"{CUT} of at most {_LARGEST_DIFF} bytes, without {'; '.join(left_out)}\n", *kept])


def _git(*arguments: str, index: Path | None = None, given: bytes = b"") -> bytes:
    # A hook names its own repository. Without optional locks: a job that only reads must not block the user's command.
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_CHECKOUT}
    environment |= {"GIT_OPTIONAL_LOCKS": "0"} | ({"GIT_INDEX_FILE": str(index)} if index else {})
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True, timeout=30, check=True)
    return done.stdout


@functools.cache
def _packages() -> dict[str, str]:
    """The versions of the distributions that pyproject.toml names; requirements.lock has their dependencies, too."""
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # being edited: that stops no training
        named = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
        return {name: _version(name) for name in (re.split(r"[^\w.-]", each)[0] for each in named)}
    return {}


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "none"


@functools.cache
def _cpu() -> str:
    """The processor's model, if the system names it."""
    with contextlib.suppress(OSError):
        listed = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        if model := re.search(r"^model name\s*:(.*)$", listed, re.MULTILINE):
            return model[1].strip()
    return platform.processor() or platform.machine() or UNKNOWN
