"""Brings all stores level with the run folders, as far as no living command is at it."""

from dataclasses import dataclass, field
from itertools import groupby

from src.recording.orphans import Orphans
from src.recording.records import Record, Records
from src.recording.store import connect, one_line, tracking_of


@dataclass
class Synced:
    """What came of it."""

    brought: list[Record] = field(default_factory=list)  # level now
    left: list[Record] = field(default_factory=list)  # still being trained
    failures: list[str] = field(default_factory=list)


def sync(everything: bool = False) -> Synced:
    """Brings level what has lost its owner; with `everything`, also what was level when it was last looked at."""
    synced = Synced()
    with Records() as records:
        waiting = [*records.orphans(), *(records.level() if everything else ())]
        # Stable: parents stay before what stands below them.
        for (uri, experiment), there in groupby(sorted(waiting, key=_place), _place):
            orphans = Orphans(records, list(there))
            try:
                for _ in orphans.look(connect(tracking_of(uri or None, experiment))):
                    pass
            except Exception as error:
                synced.failures.append(f"the MLflow store {uri or 'of this repository'} failed: {one_line(error)}")
            synced.failures += [f"{record.name}: {wrong}" for record, wrong in orphans.damaged]
            synced.brought += orphans.brought
            synced.left += orphans.left
    return synced


def _place(record: Record) -> tuple[str, str]:
    return record.uri or "", record.experiment
