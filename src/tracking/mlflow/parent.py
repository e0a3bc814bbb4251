"""The MLflow run under which the runs of a multirun stand."""

from src.tracking.mlflow.store import open_store, store_errors_told, warning_only
from src.tracking.tracker import Tracking


class ParentRun:
    """An open MLflow run without metrics of its own; the UI shows its children below it."""

    def __init__(self, tracking: Tracking, name: str) -> None:
        self._client, experiment = open_store(tracking)
        with store_errors_told(tracking):
            self.run_id = str(self._client.create_run(experiment, run_name=name).info.run_id)

    def close(self, status: str) -> None:
        """Ends the run: FINISHED, FAILED or KILLED."""
        with warning_only("the parent run stays open in the store"):
            self._client.set_terminated(self.run_id, status)
