"""What a dead command had to record is found, and afterwards is in MLflow."""

from pathlib import Path

import pytest

from src.config.tracking import Tracking
from src.data.dataset import Dataset
from src.foundation.errors import RunFailed
from src.foundation.locks import locked
from src.health.store import unrecorded_runs
from src.recording.outbox import Outbox
from src.recording.store import open_store
from src.runs.tracker import Tracker
from src.runs.training_run import run
from tests.health.mending import mend
from tests.helpers.composing import Small
from tests.helpers.stores import entry_of


def test_a_record_without_its_command_is_brought_level_once_its_store_can_be_used(
    home: Path, small: Small, digits: Dataset
) -> None:
    folder = run(small(), digits, Tracker()).folder
    with Outbox() as outbox:
        outbox.note(entry_of(folder))
        assert not list(unrecorded_runs(home))
    with locked(folder.path / "lock", str):
        assert not list(unrecorded_runs(home))
    (home / "mlflow.db").write_text("no database at all, but a file that is in the way")
    with pytest.raises(RunFailed, match="MLflow store"):
        mend(unrecorded_runs, home)
    (home / "mlflow.db").unlink()
    assert "1 run (a run)" in mend(unrecorded_runs, home).what
    assert not list(unrecorded_runs(home))
    store = open_store(Tracking())
    [recorded] = store.client.search_runs([store.experiment_id])
    assert recorded.data.tags["fingerprint"] == folder.path.name
    assert recorded.info.status == "FINISHED"
