"""Where and how a run is recorded: the group `tracking` of the configuration."""

from dataclasses import dataclass
from typing import Annotated

from src.config.figure_names import ON_REQUEST, SHEETS, names
from src.foundation.errors import UserError, masked

GALLERY = names(ON_REQUEST)


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """Where and how a run is recorded: the group `tracking` of the configuration. No result depends on it."""

    name: Annotated[str, ("mlflow", "off")] = "mlflow"
    uri: str | None = None  # of the MLflow store; null: MLFLOW_TRACKING_URI, else mlflow.db in the repository
    experiment: str = "mlp"  # the MLflow experiment
    figures: bool = True  # draw each run's figures and log them
    gallery: tuple[Annotated[str, GALLERY], ...] = ()  # additional figures, if `figures`
    sheet: Annotated[str, tuple(SHEETS)] | None = None  # a figure of all runs of a multirun
    study: str | None = None  # name of a group of runs; studies in conf/ablation/ set their own

    def __post_init__(self) -> None:
        if self.uri is not None and masked(self.uri) != self.uri:
            raise UserError(
                f"tracking.uri={self.uri}: a password here would be recorded with every run; set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (http), or put the whole address into "
                "MLFLOW_TRACKING_URI; these are not recorded"
            )
