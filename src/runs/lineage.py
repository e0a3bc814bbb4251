"""Where a run comes from: the commit, and whether the tree differed from it."""

import subprocess

from src.files import ROOT

# What running the pipeline rewrites does not make the code another one.
_WRITTEN_BY_RUNS = (":!dvc.lock", ":!metrics")
# Where a file that Git does not know yet can change what a run does.
_CODE = ("src", "conf", "hydra_plugins")


def lineage() -> dict[str, str]:
    """`git.commit` and `git.dirty` ("true" or "false"); both "unknown" outside a Git checkout."""
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_WRITTEN_BY_RUNS)
    added = _git("ls-files", "--others", "--exclude-standard", "--", *_CODE)
    if commit is None or changed is None or added is None:
        return {"git.commit": "unknown", "git.dirty": "unknown"}
    return {"git.commit": commit, "git.dirty": "true" if changed or added else "false"}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
