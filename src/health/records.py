"""What is to stand in MLflow and does not: records whose commands died, or found no store."""

from collections.abc import Iterator
from pathlib import Path

from src.foundation.errors import RunFailed
from src.health.finding import Finding
from src.recording.records import Records
from src.runs.folder import RunFolder


def unrecorded_runs(root: Path) -> Iterator[Finding]:
    """Runs of which MLflow lacks something, with no command that is recording them."""
    folder = root / "runs" / ".records"
    if not folder.is_dir():
        return
    # One whose run has outlived the command that recorded it is brought level when the run has ended.
    lacking = [r for r in Records().orphans() if r.folder is None or RunFolder(root / "runs" / r.folder).idle()]
    if lacking:
        names = ", ".join(record.name for record in lacking[:3]) + (", ..." if len(lacking) > 3 else "")
        advice = "brought level, as by `python -m src.sync`"
        yield Finding(f"MLflow may lack something of {len(lacking)} records ({names})", folder, _sync, advice)


def _sync() -> None:
    from src.recording.syncing import sync

    if failures := sync(everything=False).failures:
        raise RunFailed("; ".join(failures))
