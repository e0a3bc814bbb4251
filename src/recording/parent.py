"""The MLflow run of a study, found again, to put a report on it."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from src.config.tracking import Tracking
from src.foundation.errors import UserError
from src.recording import entries
from src.recording.recording import Recording
from src.recording.records import Record, Records
from src.recording.store import is_server, noted_uri, one_line, open_store, store_errors_told, store_uri


class ParentRun:
    """A parent that stands in the store, or will when that is back. `find` makes one."""

    def __init__(self, tracking: Tracking, record: Record) -> None:
        self._tracking = tracking
        self._record = record

    @classmethod
    def find(cls, tracking: Tracking, identity: str) -> "ParentRun | None":
        """The parent of this identity, as the records on the disk tell, or else the store."""
        record = Record(identity=identity, name="", uri=noted_uri(tracking), experiment=tracking.experiment)
        if known := Records().find(record):
            return cls(tracking, known)
        try:
            with store_errors_told(tracking):
                run = entries.find(open_store(tracking), record)
        except UserError as error:
            if not is_server(store_uri(tracking)):
                raise
            print(f"warning: {one_line(error)}", file=sys.stderr)
            return None
        if run is None:
            return None
        info = run.info
        times = {"started": info.start_time / 1000, "ended": (info.end_time or info.start_time) / 1000}
        status = "finished" if info.status == "RUNNING" else info.status.lower()
        return cls(tracking, replace(record, name=info.run_name, run_id=info.run_id, status=status, **times))

    def log(self, metrics: Mapping[str, float], tags: Mapping[str, str], files: Path) -> None:
        """Puts numbers, texts and all files of a folder on the run; a failing store is a warning."""
        with Recording(self._tracking) as recording:
            recording.report(self._record, metrics, tags, files)
