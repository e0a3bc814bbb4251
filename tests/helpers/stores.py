"""The MLflow store as tests read it. MLflow, whose import takes seconds, is imported when a test first asks."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def client_of(store: str | Path) -> "MlflowClient":
    """A client of a store, which is named by its address or by the checkout that it lies in."""
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{store}/mlflow.db" if isinstance(store, Path) else store)


def stored(store: str | Path) -> "list[Run]":
    """The runs in a store, the newest first; none where the experiment is not there yet."""
    client = client_of(store)
    experiment = client.get_experiment_by_name("mlp")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []
