"""MLflow is level with the run folder: each metric once, whatever happened."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from src.config import Config
from src.data.dataset import Dataset
from src.errors import RunFailed, UserError
from src.reporting.gallery import RunFigures
from src.runs.experiment import Outcome, run
from src.runs.naming import run_name
from src.schema import flatten, show
from src.tracking.mlflow.parent import ParentRun
from src.tracking.mlflow.recorder import Recorder
from src.tracking.mlflow.store import open_store, store_uri
from src.tracking.tracker import Several, Tracking

Small = Callable[..., Config]
# MLflow's own, as it makes or reads its database.
pytestmark = pytest.mark.filterwarnings(
    "default::DeprecationWarning", "default::ResourceWarning", "default::FutureWarning"
)

CURVES = ("train/loss", "train/accuracy", "valid/loss", "valid/accuracy")


@pytest.fixture
def home(home: Path, empty_store: Path) -> Path:
    shutil.copy(empty_store, home / "mlflow.db")
    return home


def recorded(config: Config, dataset: Dataset, **tracking: str) -> tuple[Outcome, Recorder]:
    recorder = Recorder(Tracking(**tracking), run_name(config))
    return run(config, dataset, Several([RunFigures(dataset), recorder])), recorder


def steps(client: MlflowClient, run_id: str, key: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run_id, key)]


def test_a_run_stands_in_the_store_as_in_its_folder(home: Path, digits: Dataset, small: Small) -> None:
    config = small()
    outcome, recorder = recorded(config, digits)
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    assert recorder.run_id is not None
    stored = client.get_run(recorder.run_id)
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == "relu-he-adam s0"
    assert stored.data.params == {key: show(value) for key, value in flatten(config.semantic())}
    assert stored.data.params["model.act"] == "relu"
    journal = outcome.folder.journal()
    for key in CURVES:
        assert steps(client, recorder.run_id, key) == [(e["epoch"], e[key.replace("/", "_")]) for e in journal]
    assert stored.data.metrics["test/accuracy"] == outcome.result["test"]["accuracy"]
    assert stored.data.metrics["test/loss"] == outcome.result["test"]["loss"]
    digests = outcome.folder.run()["digests"]
    tags = stored.data.tags
    assert tags["fingerprint"] == digests["fingerprint"] == outcome.folder.path.name
    assert tags["data.sha256"] == digests["data"] == digits.sha256
    assert tags["code.sha256"] == digests["code"]
    assert tags["env.sha256"] == digests["env"]
    assert tags["weights.sha256"] == outcome.result["weights_sha256"]
    assert {"git.commit", "git.dirty", "study", "variant"} <= set(tags)
    [dataset_input] = stored.inputs.dataset_inputs
    assert digits.sha256.startswith(dataset_input.dataset.digest)
    artifacts = {artifact.path for artifact in client.list_artifacts(recorder.run_id)}
    assert {"config.yaml", "history.csv", "model.npz", "figures"} <= artifacts
    figures = {Path(artifact.path).name for artifact in client.list_artifacts(recorder.run_id, "figures")}
    assert {"curves.png", "confusion_test.png", "failures.png", "hidden_weights.png"} <= figures
    downloaded = client.download_artifacts(recorder.run_id, "model.npz", str(home))
    assert Path(downloaded).read_bytes() == (outcome.folder.path / "model.npz").read_bytes()


def test_a_reused_run_is_recorded_once_under_each_parent(home: Path, digits: Dataset, small: Small) -> None:
    _, alone = recorded(small(), digits)
    _, again = recorded(small(), digits)
    assert alone.run_id == again.run_id
    parent = ParentRun.open(Tracking(), "a study", "ladder", "its identity")
    ids = []
    with parent.closing():
        for _ in range(2):
            recorder = parent.child("relu s0", "relu")
            assert run(small(), digits, recorder).reused
            ids.append(recorder.run_id)
    assert ids[0] == ids[1] != alone.run_id
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    child = client.get_run(str(ids[0]))
    assert child.data.tags["mlflow.parentRunId"] == parent.run_id
    assert (child.info.run_name, child.data.tags["study"], child.data.tags["variant"]) == ("relu s0", "ladder", "relu")
    for run_id in (alone.run_id, ids[0]):
        assert [step for step, _ in steps(client, str(run_id), "train/loss")] == [1, 2, 3]
    assert client.get_run(parent.run_id).info.status == "FINISHED"
    found = ParentRun.find(Tracking(), "its identity")
    assert found is not None
    assert found.run_id == parent.run_id == ParentRun.open(Tracking(), "a study", "ladder", "its identity").run_id
    assert ParentRun.find(Tracking(), "another") is None


def test_a_parent_tells_whether_all_of_its_runs_are_recorded(
    home: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = ParentRun.open(Tracking(), "a study", "ladder", "its identity")
    assert parent.holds(0)
    run(small(), digits, parent.child("relu s0", "relu"))
    assert parent.holds(1)
    with monkeypatch.context() as broken:
        broken.setattr(Recorder, "_record_result", lambda *_: 1 / 0)
        run(small("seed=1"), digits, parent.child("relu s1", "relu"))
    assert not parent.holds(2)
    run(small("seed=1"), digits, parent.child("relu s1", "relu"))
    assert parent.holds(2)


def test_training_anew_adds_no_metric_twice(home: Path, digits: Dataset, small: Small) -> None:
    _, first = recorded(small(), digits)
    outcome, second = recorded(small("train.fresh=true"), digits)
    assert not outcome.reused
    assert second.run_id == first.run_id
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    assert [step for step, _ in steps(client, str(second.run_id), "valid/accuracy")] == [1, 2, 3]


def test_training_anew_that_is_interrupted_is_told_of_a_record_that_was_finished(
    home: Path, digits: Dataset, small: Small
) -> None:
    _, finished = recorded(small(), digits)

    class Interrupted(Recorder):
        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small("train.fresh=true"), digits, Interrupted(Tracking(), "a run"))
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    stored = client.get_run(str(finished.run_id))
    assert (stored.info.status, stored.data.tags["reason"]) == ("KILLED", "interrupted")
    assert "weights.sha256" not in stored.data.tags
    recorded(small(), digits)
    stored = client.get_run(str(finished.run_id))
    assert stored.info.status == "FINISHED"
    assert "reason" not in stored.data.tags
    assert "weights.sha256" in stored.data.tags


def test_a_record_has_the_times_of_the_run_and_the_name_that_is_asked_for(
    home: Path, digits: Dataset, small: Small
) -> None:
    outcome, _ = recorded(small("tracking=off"), digits)
    later = ParentRun.open(Tracking(), "a sweep").child("mine s0", "it's another")
    assert run(small(), digits, later).reused
    stored = MlflowClient(f"sqlite:///{home}/mlflow.db").get_run(str(later.run_id))
    assert stored.info.run_name == "mine s0"
    assert 0 <= stored.info.end_time - stored.info.start_time < 60_000
    status = outcome.folder.status()
    assert stored.info.start_time == int(status["started"] * 1000)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "KILLED"), (ZeroDivisionError("oh"), "FAILED")])
def test_the_status_is_true_to_what_happened(
    home: Path, digits: Dataset, small: Small, error: BaseException, status: str
) -> None:
    class Breaking(Recorder):
        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            super().advanced(folder, record)
            if record["epoch"] == 2:
                raise error

    recorder = Breaking(Tracking(), "a run")
    with pytest.raises(type(error)):
        run(small(), digits, recorder)
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    stored = client.get_run(str(recorder.run_id))
    assert stored.info.status == status
    assert [step for step, _ in steps(client, str(recorder.run_id), "train/loss")] == [1, 2]
    # The same run, tried again, goes on in the same record.
    _, again = recorded(small(), digits)
    assert again.run_id == recorder.run_id
    assert client.get_run(str(recorder.run_id)).info.status == "FINISHED"
    assert [step for step, _ in steps(client, str(recorder.run_id), "train/loss")] == [1, 2, 3]


def test_a_diverged_run_is_recorded_as_failed_with_its_reason(home: Path, digits: Dataset, small: Small) -> None:
    recorder = Recorder(Tracking(), "a run")
    with pytest.raises(RunFailed):
        run(small("optimizer=sgd", "optimizer.lr=1e8", "schedule=constant"), digits, recorder)
    stored = MlflowClient(f"sqlite:///{home}/mlflow.db").get_run(str(recorder.run_id))
    assert (stored.info.status, stored.data.tags["reason"]) == ("FAILED", "diverged at epoch 1")


def test_recording_changes_no_bit(home: Path, digits: Dataset, small: Small) -> None:
    outcome, _ = recorded(small(), digits)
    recorded_model = (outcome.folder.path / "model.npz").read_bytes()

    class Nobody:
        started = advanced = ended = lambda self, *_: None

    alone = run(small("train.fresh=true"), digits, Nobody())
    assert alone.result == outcome.result
    assert (alone.folder.path / "model.npz").read_bytes() == recorded_model


def test_metrics_are_written_at_most_once_a_second(home: Path, digits: Dataset, small: Small) -> None:
    recorder = Recorder(Tracking(), "a run")
    writes: list[float] = []
    log_batch = recorder._client.log_batch

    def counting(*arguments: Any, **named: Any) -> Any:
        if named.get("metrics"):
            writes.append(time.monotonic())
        return log_batch(*arguments, **named)

    recorder._client.log_batch = counting  # type: ignore[method-assign]
    start = time.monotonic()
    run(small("train.epochs=300"), digits, recorder)
    # One at the start, one a second, and at the end the last epochs (of 1 800 metrics, 1 000 a call) and the result.
    assert len(writes) <= time.monotonic() - start + 1 + 2 + 1
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    assert [step for step, _ in steps(client, str(recorder.run_id), "train/loss")] == list(range(1, 301))


def test_a_store_that_fails_in_mid_run_costs_a_warning_and_no_training(
    home: Path, digits: Dataset, small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(Tracking(), "a run")
    log_batch = recorder._client.log_batch

    def away_for_a_while(*arguments: Any, **named: Any) -> Any:
        if named.get("metrics") and not list(home.glob("runs/*/result.json")):
            raise mlflow.exceptions.MlflowException("the server is away")
        return log_batch(*arguments, **named)

    recorder._client.log_batch = away_for_a_while  # type: ignore[method-assign]
    outcome = run(small(), digits, recorder)
    assert outcome.folder.status()["status"] == "finished"
    assert capsys.readouterr().err.count("the server is away") == 1
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    assert [step for step, _ in steps(client, str(recorder.run_id), "train/loss")] == [1, 2, 3]


def test_a_data_set_that_a_parallel_job_records_at_the_same_moment_is_recorded(
    home: Path, digits: Dataset, small: Small
) -> None:
    recorder = Recorder(Tracking(), "a run")
    log_inputs = recorder._client.log_inputs
    calls = []

    def slower_than_another(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise mlflow.exceptions.MlflowException("UNIQUE constraint failed: datasets.experiment_id, ...")
        log_inputs(*arguments)

    recorder._client.log_inputs = slower_than_another  # type: ignore[method-assign]
    run(small(), digits, recorder)
    stored = MlflowClient(f"sqlite:///{home}/mlflow.db").get_run(str(recorder.run_id))
    assert len(stored.inputs.dataset_inputs) == 1


def test_the_environment_names_the_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_uri(Tracking()) == f"sqlite:///{home}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/x.db")
    assert store_uri(Tracking()) == "sqlite:////elsewhere/x.db"
    assert store_uri(Tracking(uri="sqlite:////typed.db")) == "sqlite:////typed.db"


@pytest.mark.parametrize("folder", ["my stores", "100%41 sure"])
def test_a_repository_in_a_path_of_any_letters_has_its_store(
    tmp_path: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    for module in ("src.runs.store", "src.tracking.mlflow.store"):
        monkeypatch.setattr(f"{module}.home", lambda: tmp_path / folder)
    _, recorder = recorded(small(), digits)
    assert (tmp_path / folder / "mlflow.db").exists()
    stored = open_store(Tracking()).client.get_run(str(recorder.run_id))
    assert stored.info.status == "FINISHED"
    assert (tmp_path / folder / "mlartifacts" / str(recorder.run_id) / "artifacts" / "model.npz").exists()


def test_the_store_of_a_checkout_that_was_copied_is_refused(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(Tracking())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(home / "mlflow.db", elsewhere)
    monkeypatch.setattr("src.tracking.mlflow.store.home", lambda: elsewhere)
    with pytest.raises(UserError, match=r"tracking\.experiment=mlp: its artifacts belong in"):
        open_store(Tracking())
    assert open_store(Tracking(experiment="another")).experiment_id


def test_a_store_that_is_not_one_is_refused(tmp_path: Path, home: Path) -> None:
    (tmp_path / "text.db").write_text("hello, this is no database, but it is long enough to look at" * 100)
    for uri in (f"sqlite:///{tmp_path}/text.db", "sqlite:////proc/nowhere/x.db", f"sqlite:///{tmp_path}/text.db/x.db"):
        with pytest.raises(UserError, match="store") as refused:
            open_store(Tracking(uri=uri))
        assert "\n" not in str(refused.value)


def _open(uri: str) -> None:
    open_store(Tracking(uri=uri))


@pytest.mark.slow
def test_several_processes_may_open_a_fresh_store_at_once(tmp_path: Path, home: Path) -> None:
    uri = f"sqlite:///{tmp_path}/fresh.db"
    spawning = multiprocessing.get_context("spawn")
    openers = [spawning.Process(target=_open, args=(uri,)) for _ in range(4)]
    for process in openers:
        process.start()
    for process in openers:
        process.join(120)
    assert [process.exitcode for process in openers] == [0, 0, 0, 0]
    assert len(open_store(Tracking(uri=uri)).client.search_experiments()) == 2  # Default, and ours


@pytest.mark.slow
def test_a_store_whose_making_was_killed_opens_afterwards(tmp_path: Path, home: Path) -> None:
    uri = f"sqlite:///{tmp_path}/fresh.db"
    spawning = multiprocessing.get_context("spawn")
    for _ in range(3):
        process = spawning.Process(target=_open, args=(uri,))
        process.start()
        beside = tmp_path / ".fresh.db.init"
        deadline = time.monotonic() + 60
        while not beside.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert process.pid is not None
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not (tmp_path / "fresh.db").exists()
    assert open_store(Tracking(uri=uri)).experiment_id
    with sqlite3.connect(tmp_path / "fresh.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_telemetry_is_off() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
