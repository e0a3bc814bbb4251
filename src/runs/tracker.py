"""What follows a run, such as what draws its figures or records it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Tracker:
    """Follows nothing; subclasses override what they follow. All they need to know of a run is in its folder."""

    def started(self, folder: Path) -> None:
        """The folder has the run's configuration and identity; the first epoch is about to start."""

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        """The journal has another epoch: `record`."""

    def ended(self, folder: Path) -> None:
        """The status is final: finished (the folder has the results), failed or killed."""


class TrackerGroup(Tracker):
    """Calls several trackers, in order."""

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
        for tracker in self._trackers:  # each learns of the end, even if another one fails
            try:
                tracker.ended(folder)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
