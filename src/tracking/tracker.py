"""What follows a run: the protocol, and the trackers that need no library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

from src.errors import UserError, masked

# Figures that a run may have beside the standard ones; src/reporting/gallery.py draws them.
GALLERY = (
    "samples",
    "sheet",
    "versions",
    "turned",
    "pca",
    "scatter",
    "boundaries",
    "activation",
    "perceptrons",
    "confusion_pair",
    "steps",
)


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where and how a run is recorded: the group `tracking` of the configuration. No result depends on it."""

    name: Annotated[str, ("mlflow", "off")] = "mlflow"
    uri: str | None = None  # of the MLflow store; null: MLFLOW_TRACKING_URI, else mlflow.db in the repository
    experiment: str = "mlp"  # the MLflow experiment
    figures: bool = True  # draw each run's figures and log them
    gallery: tuple[Annotated[str, GALLERY], ...] = ()  # further figures of each run; none without `figures`
    study: str | None = None  # what a group of runs is called; a study of conf/ablation/ has its own name

    def __post_init__(self) -> None:
        if self.uri is not None and masked(self.uri) != self.uri:
            raise UserError(
                f"tracking.uri={self.uri}: a password would stand in every record; give it by "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (http), or the whole address by "
                "MLFLOW_TRACKING_URI: they are in no record"
            )


class Tracker(Protocol):
    """Told where a run's folder is and that something new stands in it; all it needs to know is in the folder."""

    def started(self, folder: Path) -> None:
        """The folder holds a run's configuration and identity, and its first epoch is about to start."""

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        """The journal has one epoch more: `record`."""

    def ended(self, folder: Path) -> None:
        """The status is final: finished (the results stand in the folder), failed or killed."""


class Null:
    """Follows nothing."""

    def started(self, folder: Path) -> None:
        pass

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        pass

    def ended(self, folder: Path) -> None:
        pass


class Several:
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
