"""The MLflow store as tests read it. MLflow, whose import takes seconds, is imported when a test first asks."""

import contextlib
import json
import os
import sqlite3
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from src.recording.entry import Entry, identity_of_run
from src.runs.folder import RunFolder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_COLUMNS = {f"{part}/{what}": f"{part}_{what}" for part in ("train", "valid") for what in ("loss", "accuracy")}
_COLUMNS |= {"train/lr": "lr", "train/images_per_second": "images_per_second"}
_ARTIFACTS = {"config.yaml", "run.json", "history.csv", "result.json", "test.json", "model.npz"}


def database(path: Path, *statements: str) -> None:
    """Changes a database by statements of SQL."""
    with contextlib.closing(sqlite3.connect(path)) as opened:
        for statement in statements:
            opened.execute(statement)
        opened.commit()


def entry_of(run: RunFolder, **fields: Any) -> Entry:
    """An entry of the outbox about a run folder."""
    name = run.path.name
    return Entry(**{"identity": identity_of_run(name), "name": "a run", "experiment": "mlp", "folder": name, **fields})


def client_of(store: str | Path) -> "MlflowClient":
    """A client of a store, which is named by its address or by the checkout that it lies in."""
    from mlflow import MlflowClient

    # By default a connection is kept: a test that removes the database and copies another one there would read the old.
    with patch.dict(os.environ, MLFLOW_SQLALCHEMYSTORE_POOLCLASS="NullPool"):
        return MlflowClient(f"sqlite:///{store}/mlflow.db" if isinstance(store, Path) else store)


def stored(store: str | Path) -> "list[Run]":
    """The runs in a store, the newest first; none where the experiment is not there yet."""
    client = client_of(store)
    experiment = client.get_experiment_by_name("mlp")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def children(store: str | Path, study: str = "none") -> "list[Run]":
    """The runs of a study, its parent run apart; those that belong to no study have the study "none"."""
    runs = [run for run in stored(store) if "fingerprint" in run.data.tags]
    return [run for run in runs if run.data.tags["study"].startswith(study)]


def family(store: str | Path, study: str) -> "tuple[Run, dict[str, Run]]":
    """The one parent run of a study, and its children by name, none of which is there twice."""
    runs = [run for run in stored(store) if run.data.tags.get("study") == study]
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1
    assert max(Counter(run.info.run_name for run in children).values()) == 1
    return parent, {run.info.run_name: run for run in children}


def assert_mirrored(store: str | Path, *folders: Path) -> None:
    """The store has each folder's run, and none twice: its status, every epoch once, its results; all to the bit."""
    client, runs = client_of(store), stored(store)
    assert len({run.data.tags["identity"] for run in runs}) == len(runs)
    by_folder = [(f, run) for f in folders for run in runs if run.data.tags.get("fingerprint") == f.name]
    assert {folder for folder, _ in by_folder} == set(folders)
    for folder, run in by_folder:
        run_id, status = run.info.run_id, json.loads((folder / "status.json").read_text())
        assert (run.info.status, run.info.end_time) == (status["status"].upper(), int(status["time"] * 1000))
        journal = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
        epochs = [{**{key: e[column] for key, column in _COLUMNS.items()}, **e.get("metrics", {})} for e in journal]
        moments = [(e["epoch"], int(e["time"] * 1000)) for e in journal]
        for key in {key for epoch in epochs for key in epoch}:
            history = sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run_id, key))
            assert history == [(*moment, epoch[key]) for moment, epoch in zip(moments, epochs, strict=True)], key
        if status["status"] == "finished":
            result = json.loads((folder / "result.json").read_text())
            for name, value in result["test"].items():
                [last] = client.get_metric_history(run_id, f"test/{name}")
                assert (last.step, last.value, last.timestamp) == (0, value, run.info.end_time)
            assert run.data.tags["weights.sha256"] == result["weights_sha256"]
            assert {artifact.path for artifact in client.list_artifacts(run_id)} >= _ARTIFACTS
