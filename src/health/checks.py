"""The table of checks: functions that yield findings. `--help` shows their docstrings."""

from collections.abc import Callable, Iterator
from pathlib import Path

from src.foundation.errors import is_machine_error, machine_error
from src.health.dvc import stale_locks, torn_lockfile
from src.health.finding import Finding
from src.health.git import setting_without_git
from src.health.leftovers import leftovers
from src.health.links import lost_links
from src.health.own_data import changed_originals
from src.health.pipeline import damaged_data, damaged_model, other_environment, stale_snapshot
from src.health.runs import damaged_checkpoints, damaged_results, orphaned_runs, unreadable_runs
from src.health.store import half_made_store, moved_store, unrecorded_runs

Check = Callable[[Path], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    setting_without_git,
    lost_links,
    orphaned_runs,
    unreadable_runs,
    damaged_checkpoints,
    damaged_results,
    stale_locks,
    torn_lockfile,
    half_made_store,
    moved_store,
    damaged_data,
    changed_originals,
    leftovers,
    stale_snapshot,
    damaged_model,
    other_environment,
    unrecorded_runs,
)


def examine(root: Path) -> Iterator[Finding]:
    """All findings in the checkout at `root`. A check that fails is itself a finding; the others still run.

    A disk that can't be written, or has no locks, is one finding, however many checks fail for it.
    """
    found = set[int | None]()
    for check in CHECKS:
        try:
            yield from check(root)
        except Exception as error:
            what = f"the check {check.__name__} failed ({type(error).__name__}: {' '.join(str(error).split())})"
            if isinstance(error, OSError) and is_machine_error(error):
                if error.errno in found:
                    continue
                found.add(error.errno)
                what = machine_error(error)
            yield Finding(what, root, None, "fix the cause, then run this again")
