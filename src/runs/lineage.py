"""Where a run comes from: the commit, and whether the tree differed from it."""

import subprocess

from src.files import ROOT

# What DVC rewrites as it runs the pipeline does not make the code another one.
_WRITTEN_BY_RUNS = (":!dvc.lock", ":!metrics", ":!params.yaml")


def lineage() -> dict[str, str]:
    """`git.commit` and `git.dirty` ("true" or "false"); both "unknown" outside a Git checkout."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *_WRITTEN_BY_RUNS)
    if commit is None or changes is None:
        return {"git.commit": "unknown", "git.dirty": "unknown"}
    return {"git.commit": commit, "git.dirty": "true" if changes else "false"}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
