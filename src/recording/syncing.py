"""Records what the outbox has for all stores, unless a living command is at it: passes without a writer."""

from dataclasses import dataclass, field

from src.recording.entry import Entry
from src.recording.outbox import Outbox
from src.recording.outbox_mirror import OutboxMirror
from src.recording.store import connect, one_line, tracking_of


@dataclass
class Synced:
    """The result."""

    recorded: list[Entry] = field(default_factory=list)
    left: list[Entry] = field(default_factory=list)  # still being trained
    failures: list[str] = field(default_factory=list)


def sync(everything: bool = False) -> Synced:
    """Records pending entries that have no living owner; with `everything`, also settled ones again."""
    synced = Synced()
    with Outbox() as outbox:
        entries = [*outbox.orphans(), *(outbox.settled() if everything else ())]
        for uri, experiment in sorted({entry.place for entry in entries}):
            tracking = tracking_of(uri or None, experiment)
            mirror = OutboxMirror(outbox, tracking)
            try:
                mirror.mirror(connect(tracking), last=True, everything=everything)
            except Exception as error:
                synced.failures.append(f"the MLflow store {uri or 'of this repository'} failed: {one_line(error)}")
            synced.failures += [f"{entry.name}: {wrong}" for entry, wrong in mirror.damaged.values()]
            synced.recorded += mirror.recorded.values()
            synced.left += mirror.left.values()
    return synced
