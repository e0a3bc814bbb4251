"""What MLflow lacks: entries of the outbox whose commands died, or found no store."""

from collections.abc import Iterator
from pathlib import Path

from src.foundation.errors import RunFailed
from src.health.finding import Finding
from src.recording.outbox import Outbox


def unrecorded_runs(root: Path) -> Iterator[Finding]:
    """Runs that MLflow may lack, and that no living command is recording."""
    folder = root / "runs" / ".records"
    if not folder.is_dir():
        return
    # A run that has outlived the command that recorded it is recorded when it has ended.
    lacking = [entry for entry in Outbox().orphans() if entry.idle()]
    if lacking:
        names = ", ".join(entry.name for entry in lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        what = f"MLflow may lack {len(lacking)} run{'s'[: len(lacking) != 1]} ({names})"
        yield Finding(what, folder, _sync, "recorded, as by `python -m src.sync`")


def _sync() -> None:
    from src.recording.outbox_mirror import sync

    if failures := sync(everything=False).failures:
        raise RunFailed("; ".join(failures))
