"""Closes runs whose process has died: their folders say that they run, and nobody holds their locks."""

from filelock import FileLock, Timeout

from src.runs.folder import RunFolder, Status

_REASON = "its process died"


def living_status(folder: RunFolder) -> Status:
    """The status of a run; one that says `running` of a dead process is made to say `killed`, here and on the disk."""
    status = folder.status()
    if status.get("status") != "running":
        return status
    lock = FileLock(folder.path / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return status
    try:
        if folder.status().get("status") == "running":  # still: another process may have closed or ended it
            folder.end("killed", "died", _REASON)
        return folder.status()
    finally:
        lock.release()
