"""What follows a run: the protocol, and the trackers that need no library."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """Told where a run's folder is and that something new stands in it; all it needs to know is in the folder."""

    def started(self, folder: Path) -> None:
        """The folder holds a run's configuration and identity, and its first epoch is about to start."""

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        """The journal has one epoch more: `record`."""

    def ended(self, folder: Path) -> None:
        """The status is final: finished (the results stand in the folder), failed or killed."""


class NullTracker:
    """Follows nothing."""

    def started(self, folder: Path) -> None:
        pass

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        pass

    def ended(self, folder: Path) -> None:
        pass


class TrackerGroup:
    """Tells several trackers, in order."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = trackers

    def started(self, folder: Path) -> None:
        for tracker in self._trackers:
            tracker.started(folder)

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        for tracker in self._trackers:
            tracker.advanced(folder, record)

    def ended(self, folder: Path) -> None:
        errors = []
        for tracker in self._trackers:  # each is told of the end, whatever the others make of it
            try:
                tracker.ended(folder)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]


class InMemory:
    """Remembers what it was told, as (event, folder) pairs."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Path]] = []

    def started(self, folder: Path) -> None:
        self.events.append(("started", folder))

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.events.append(("advanced", folder))

    def ended(self, folder: Path) -> None:
        self.events.append(("ended", folder))
