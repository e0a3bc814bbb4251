"""Where and how a run is recorded: the group `tracking` of the configuration."""

import re
from dataclasses import dataclass
from typing import Annotated

from src.config.figure_names import ON_REQUEST, SHEETS, names
from src.foundation.errors import UserError, masked
from src.foundation.schema import show

GALLERY = names(ON_REQUEST)
# Tags of MLflow runs that the project itself sets. Its others have a dot in their names.
_OURS = (
    *("attempt", "cpu", "current", "data", "experiment", "fingerprint", "folder", "identity", "note", "numpy"),
    *("command", "python", "reason", "study", "variant", "replay"),
)
_LONGEST_TAG = 250  # characters of a key, or of a value


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
    tags: tuple[str, ...] = ()  # of the runs: words, or KEY:VALUE
    note: str | None = None  # on the runs

    def __post_init__(self) -> None:
        for tag in self.tags:
            tag_of(tag, "tracking.tags=")
        if self.uri is not None and masked(self.uri) != self.uri:
            raise UserError(
                f"tracking.uri={self.uri}: a password here would be recorded with every run; set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (http), or put the whole address into "
                "MLFLOW_TRACKING_URI; these are not recorded"
            )


def tag_of(text: str, option: str = "") -> tuple[str, str]:
    """The key and the value of a tag, `KEY:VALUE`, or `KEY`, whose value is empty.

    Raises:
        UserError: it is no tag; the message names it after `option`.
    """
    key, _, value = text.partition(":")
    if not re.fullmatch(r"[\w-]+", key) or not value.isprintable() or max(len(key), len(value)) > _LONGEST_TAG:
        allowed = "a word of letters, digits, _ and -, or KEY:VALUE, such as paper:icml"
        raise UserError(f"{option}{show(text) or 'an empty text'}: no tag; allowed: {allowed}")
    if key in _OURS:
        raise UserError(f"{option}{show(text)}: the tag {key} is set by the project itself; choose another key")
    return key, value
