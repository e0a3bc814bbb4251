"""The MLflow run under which the runs of a sweep stand."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from src.errors import interrupts_wait
from src.tracking.mlflow.recorder import Place, Recorder
from src.tracking.mlflow.store import Store, open_store, store_errors_told, warning_only
from src.tracking.tracker import Tracking

_MOST_CHILDREN = 50_000  # that MLflow gives in one answer


class ParentRun:
    """An MLflow run with children; the UI shows them below it. `open` and `find` make one."""

    def __init__(self, tracking: Tracking, store: Store, run_id: str, study: str | None) -> None:
        self.run_id = run_id
        self._tracking = tracking
        self._store = store
        self._client = store.client
        self._study = study

    @classmethod
    def open(cls, tracking: Tracking, name: str, study: str | None = None, identity: str | None = None) -> "ParentRun":
        """A run that is RUNNING: a new one, or the one of this identity, so that a study stands in the store once."""
        study = study or tracking.study
        store = open_store(tracking)
        with interrupts_wait(), store_errors_told(tracking):
            if run_id := identity and _find(store, identity):
                store.client.update_run(run_id, status="RUNNING")
            else:
                tags = {"study": study, "identity": identity}
                given = {tag: value for tag, value in tags.items() if value}
                run_id = str(store.client.create_run(store.experiment_id, run_name=name, tags=given).info.run_id)
        return cls(tracking, store, run_id, study)

    @classmethod
    def find(cls, tracking: Tracking, identity: str) -> "ParentRun | None":
        """The run of this identity, as it stands."""
        store = open_store(tracking)
        with store_errors_told(tracking):
            run_id = _find(store, identity)
        return cls(tracking, store, run_id, None) if run_id else None

    def child(self, name: str, variant: str) -> Recorder:
        """The recorder of a run that stands below this one."""
        place = Place(parent=self.run_id, variant=variant, study=self._study)
        return Recorder(self._tracking, name, place, self._store)

    def log(self, metrics: Mapping[str, float], tags: Mapping[str, str], files: Path) -> None:
        """Puts numbers, texts and all files of a folder on the run; a failing store is a warning."""
        from mlflow.entities import Metric, RunTag

        with interrupts_wait(), warning_only("the report stands on the disk"):
            self._client.log_batch(
                self.run_id,
                metrics=[Metric(_key(name), value, 0, 0) for name, value in metrics.items()],
                tags=[RunTag(name, value) for name, value in tags.items()],
            )
            self._client.log_artifacts(self.run_id, str(files), "report")

    def holds(self, runs: int) -> bool:
        """Whether so many finished runs stand below this one with all that is recorded of them."""
        query = f"tags.`mlflow.parentRunId` = '{self.run_id}'"
        complete = 0
        with warning_only("the same command records again"):
            found = self._client.search_runs([self._store.experiment_id], query, max_results=_MOST_CHILDREN)
            # The digest of the weights is the last thing to be written of a finished run.
            complete = sum("weights.sha256" in run.data.tags for run in found)
        return complete >= runs

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """Ends the run with the block: FINISHED, FAILED where it raises, KILLED where it is interrupted."""
        try:
            yield
        except BaseException as error:
            self._close("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
            raise
        self._close("FINISHED")

    def _close(self, status: str) -> None:
        with interrupts_wait(), warning_only("the parent run stays open in the store"):
            self._client.set_terminated(self.run_id, status)


def _find(store: Store, identity: str) -> str | None:
    found = store.client.search_runs([store.experiment_id], f"tags.identity = '{identity}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def _key(name: str) -> str:
    # MLflow allows letters, digits and a few signs. Its UI puts charts into sections, named by what stands before a
    # metric's last slash, and sorts these: so a study's numbers are one section, below `valid` and the curves there.
    return "variants/" + re.sub(r"[^\w\-. ]", "_", name.replace("/", " "))
