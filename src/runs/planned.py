"""A run that is planned: a job of a sweep, composed and checked, before it is launched."""

from dataclasses import dataclass

from src.config.tree import Config


@dataclass(frozen=True)
class Planned:
    """One job, by what the parent of a sweep knows of it."""

    label: str  # what tells it from the other jobs
    name: str  # of its MLflow run
    variant: str  # of its MLflow run, too: what it is a case of
    config: Config
    overrides: tuple[str, ...]  # which make the configuration in another process
