"""MLflow has what the run folder has: each metric once, whatever happened."""

import functools
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from src.config.tracking import Tracking
from src.config.tree import Config
from src.data.dataset import Dataset
from src.figures.run_figures import RunFigures
from src.foundation.errors import RunFailed, UserError
from src.foundation.schema import flatten, show
from src.recording import writer, writer_process
from src.recording.entry import identity_of_run
from src.recording.outbox import Outbox
from src.recording.recording import Announcing, Recording
from src.recording.store import open_store, store_uri
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker, TrackerGroup
from src.runs.training_run import Outcome, run
from tests.helpers.stores import client_of, stored

if TYPE_CHECKING:
    from mlflow import MlflowClient

Small = Callable[..., Config]
# MLflow's own, as it makes or reads its database.
pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::ResourceWarning", "default::FutureWarning"),
    pytest.mark.usefixtures("in_thread"),
]

RESULTS = ("test/loss", "test/accuracy", "train/seconds")
CURVES = ("train/loss", "train/accuracy", "valid/loss", "valid/accuracy")


class Recorded(NamedTuple):
    outcome: Outcome
    run_id: str


def recorded(config: Config, dataset: Dataset, *more: Tracker, **tracking: str) -> Recorded:
    with Recording(Tracking(**tracking)) as recording:
        announcing = Announcing(recording, config.run_name, None)
        outcome = run(config, dataset, TrackerGroup([announcing, RunFigures(dataset), *more]))
    return Recorded(outcome, announcing.run_id)


def recorded_below(config: Config, dataset: Dataset, parent: str, name: str, variant: str) -> str:
    """Trains a run, or reuses it, and records it below a parent; returns its id."""
    with Recording(Tracking()) as recording, recording.parent("a study", "ladder", parent) as above:
        folder = run(config, dataset, Tracker()).folder.path.name
        identity = identity_of_run(folder, above.identity, variant)
        entry = recording.entry(
            identity=identity, name=name, folder=folder, parent=above.identity, variant=variant, study="ladder"
        )
        recording.follow(entry)
    return recording.run_id(entry)


def steps(client: "MlflowClient", run_id: str, key: str) -> list[tuple[int, float]]:
    return [(metric.step, metric.value) for metric in client.get_metric_history(run_id, key)]


class Acting(Tracker):
    """Does something after some epoch."""

    def __init__(self, epoch: int, act: Callable[[], object]) -> None:
        self.epoch, self.act = epoch, act

    def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
        if record["epoch"] == self.epoch:
            self.act()


def raising(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def lines(folder: RunFolder) -> list[tuple[int, float, int]]:
    return [(e["epoch"], e["images_per_second"], int(e["time"] * 1000)) for e in folder.journal()]


def rows(client: "MlflowClient", run_id: str) -> list[tuple[int, float, int]]:
    history = client.get_metric_history(run_id, "train/images_per_second")
    return [(metric.step, metric.value, metric.timestamp) for metric in history]


def test_a_run_stands_in_the_store_as_in_its_folder(home: Path, digits: Dataset, small: Small) -> None:
    config = small()
    outcome, run_id = recorded(config, digits)
    client = client_of(home)
    kept = client.get_run(run_id)
    assert kept.info.status == "FINISHED"
    assert kept.info.run_name == "relu-he-adam s0"
    assert kept.data.params == {key: show(value) for key, value in flatten(config.semantic())}
    assert kept.data.params["model.act"] == "relu"
    journal = outcome.folder.journal()
    for key in CURVES:
        assert steps(client, run_id, key) == [(e["epoch"], e[key.replace("/", "_")]) for e in journal]
    assert rows(client, run_id) == lines(outcome.folder)
    assert kept.data.metrics["test/accuracy"] == outcome.result["test"]["accuracy"]
    assert kept.data.metrics["test/loss"] == outcome.result["test"]["loss"]
    digests = outcome.folder.run()["digests"]
    tags = kept.data.tags
    assert tags["fingerprint"] == digests["fingerprint"] == outcome.folder.path.name
    assert tags["data.sha256"] == digests["data"] == digits.sha256
    assert tags["code.sha256"] == digests["code"]
    assert tags["env.sha256"] == digests["env"]
    assert tags["weights.sha256"] == outcome.result["weights_sha256"]
    assert {"git.commit", "git.dirty", "study", "variant"} <= set(tags)
    [dataset_input] = kept.inputs.dataset_inputs
    assert digits.sha256.startswith(dataset_input.dataset.digest)
    artifacts = {artifact.path for artifact in client.list_artifacts(run_id)}
    assert {"config.yaml", "run.json", "history.csv", "model.npz", "figures"} <= artifacts
    assert f"```\npython -m src.replay {run_id}\n```" in tags["mlflow.note.content"]
    end = int(outcome.folder.status()["time"] * 1000)
    assert {m.timestamp for key in RESULTS for m in client.get_metric_history(run_id, key)} == {end}
    assert kept.info.end_time == end
    figures = {Path(artifact.path).name for artifact in client.list_artifacts(run_id, "figures")}
    assert {"curves.png", "confusion_test.png", "failures.png", "hidden_weights.png"} <= figures
    downloaded = client.download_artifacts(run_id, "model.npz", str(home))
    assert Path(downloaded).read_bytes() == (outcome.folder.path / "model.npz").read_bytes()


def test_a_reused_run_is_recorded_once_under_each_parent(home: Path, digits: Dataset, small: Small) -> None:
    _, alone = recorded(small(), digits)
    assert recorded(small(), digits).run_id == alone
    ids = [recorded_below(small(), digits, "its identity", "relu s0", "relu") for _ in range(2)]
    assert ids[0] == ids[1] != alone
    client = client_of(home)
    child = client.get_run(ids[0])
    assert (child.info.run_name, child.data.tags["study"], child.data.tags["variant"]) == ("relu s0", "ladder", "relu")
    for run_id in (alone, ids[0]):
        assert [step for step, _ in steps(client, run_id, "train/loss")] == [1, 2, 3]
    parent = client.get_run(child.data.tags["mlflow.parentRunId"])
    assert (parent.info.status, parent.info.run_name, parent.data.tags["study"]) == ("FINISHED", "a study", "ladder")
    assert len(stored(home)) == 3


def test_figures_that_are_asked_for_later_are_added(home: Path, digits: Dataset, small: Small) -> None:
    _, run_id = recorded(small(), digits)
    client = client_of(home)
    before = {artifact.path for artifact in client.list_artifacts(run_id, "figures")}
    with Recording(Tracking()) as recording:
        announcing = Announcing(recording, small().run_name, None)
        outcome = run(small(), digits, TrackerGroup([announcing, RunFigures(digits, ["samples", "steps"])]))
    assert (outcome.reused, announcing.run_id) == (True, run_id)
    after = {artifact.path for artifact in client.list_artifacts(run_id, "figures")}
    assert after - before == {"figures/samples.png", "figures/steps.png"}


def test_a_report_is_put_on_a_parent_that_is_found_again(home: Path, digits: Dataset, small: Small) -> None:
    child = recorded_below(small(), digits, "its identity", "relu s0", "relu")
    (home / "report").mkdir()
    (home / "report/index.html").write_text("<html>")
    client = client_of(home)
    parent = client.get_run(client.get_run(child).data.tags["mlflow.parentRunId"])
    for forgotten in (False, True):  # as in a clone, whose disk knows of no record
        if forgotten:
            shutil.rmtree(home / "runs/.records")
        for identity in ("its identity", "another"):
            with Recording(Tracking()) as recording:
                recording.report(identity, {"relu/accuracy": 0.5}, {"verdict": f"good {forgotten}"}, home / "report")
        kept = client.get_run(parent.info.run_id)
        assert (kept.info.status, kept.info.end_time) == ("FINISHED", parent.info.end_time)
        assert (kept.data.metrics, kept.data.tags["verdict"]) == (
            {"variants/relu accuracy": 0.5},
            f"good {forgotten}",
        )
        assert [file.path for file in client.list_artifacts(parent.info.run_id, "report")] == ["report/index.html"]
    assert len(stored(home)) == 2


def test_training_anew_is_another_record_in_the_place_of_the_former(home: Path, digits: Dataset, small: Small) -> None:
    """Its metrics have other times: in one record they would stand twice."""
    _, first = recorded(small(), digits)
    outcome, second = recorded(small("train.fresh=true"), digits)
    assert not outcome.reused
    client = client_of(home)
    assert [run.info.run_id for run in stored(home)] == [second]
    assert rows(client, second) == lines(outcome.folder)
    assert client.get_run(first).info.lifecycle_stage == "deleted"


def test_training_anew_that_comes_to_nothing_leaves_the_record_of_what_was_there(
    home: Path, digits: Dataset, small: Small
) -> None:
    """As it does in the folder."""
    outcome, _ = recorded(small(), digits)
    with pytest.raises(KeyboardInterrupt):
        recorded(small("train.fresh=true"), digits, Acting(2, raising(KeyboardInterrupt())))
    client = client_of(home)
    [kept] = stored(home)
    assert (kept.info.status, kept.data.tags["weights.sha256"]) == (
        "FINISHED",
        outcome.folder.result()["weights_sha256"],
    )
    assert rows(client, kept.info.run_id) == lines(outcome.folder)
    assert "reason" not in kept.data.tags


def test_a_record_has_the_times_of_the_run_and_the_name_that_is_asked_for(
    home: Path, digits: Dataset, small: Small
) -> None:
    status = run(small(), digits, Tracker()).folder.status()
    run_id = recorded_below(small(), digits, "its identity", "mine s0", "it's another")
    info = client_of(home).get_run(run_id).info
    assert info.run_name == "mine s0"
    assert (info.start_time, info.end_time) == (int(status["started"] * 1000), int(status["time"] * 1000))


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "KILLED"), (ZeroDivisionError("oh"), "FAILED")])
def test_the_status_is_true_to_what_happened(
    home: Path, digits: Dataset, small: Small, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)):
        recorded(small(), digits, Acting(2, raising(error)))
    client = client_of(home)
    [kept] = stored(home)
    assert kept.info.status == status
    assert kept.data.tags["reason"]
    assert [step for step, _, _ in rows(client, kept.info.run_id)] == [1, 2]
    # The same run, tried again, goes on in the same record.
    outcome, again = recorded(small(), digits)
    assert again == kept.info.run_id
    kept = client.get_run(again)
    assert kept.info.status == "FINISHED"
    assert "reason" not in kept.data.tags
    assert rows(client, again) == lines(outcome.folder)


def test_epochs_that_the_journal_lost_and_were_trained_again_stand_once(
    home: Path, digits: Dataset, small: Small
) -> None:
    """As after a power cut: the store knows lines that the disk has lost."""
    with pytest.raises(KeyboardInterrupt):
        recorded(small("train.epochs=5"), digits, Acting(3, raising(KeyboardInterrupt())))
    client = client_of(home)
    [kept] = stored(home)
    [journal] = home.glob("runs/*/journal.jsonl")
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:1]))
    outcome, run_id = recorded(small("train.epochs=5"), digits)
    assert [run.info.run_id for run in stored(home)] == [run_id] != [kept.info.run_id]
    assert rows(client, run_id) == lines(outcome.folder)


def test_a_diverged_run_is_recorded_as_failed_with_its_reason(home: Path, digits: Dataset, small: Small) -> None:
    with pytest.raises(RunFailed):
        recorded(small("optimizer=sgd", "optimizer.lr=1e20", "schedule=constant"), digits)
    [kept] = stored(home)
    assert (kept.info.status, kept.data.tags["reason"]) == ("FAILED", "diverged at epoch 1")


def test_recording_changes_no_bit(home: Path, digits: Dataset, small: Small) -> None:
    outcome, _ = recorded(small(), digits)
    recorded_model = (outcome.folder.path / "model.npz").read_bytes()
    alone = run(small("train.fresh=true"), digits, Tracker())
    assert alone.result == outcome.result
    assert (alone.folder.path / "model.npz").read_bytes() == recorded_model


def test_further_metrics_scores_and_the_untrained_network_stand_there_too(
    home: Path, digits: Dataset, small: Small
) -> None:
    further = ("train.metrics=[f1,squared_error]", "train.evaluate_dropout=true", "model.dropout=0.2")
    outcome, run_id = recorded(small(*further, "train.evaluate_at_start=true", "train.evaluate_every=2"), digits)
    client, journal = client_of(home), outcome.folder.journal()
    assert [epoch["epoch"] for epoch in journal] == [0, 2, 3]
    assert steps(client, run_id, "train/loss") == [(e["epoch"], e["train_loss"]) for e in journal]
    for key in ("valid/f1", "train/squared_error", "valid/accuracy_with_dropout"):
        assert steps(client, run_id, key) == [(e["epoch"], e["metrics"][key]) for e in journal]
    kept = client.get_run(run_id).data.metrics
    for name, value in outcome.result["test"].items():
        assert kept[f"test/{name}"] == value
    assert "f1_with_dropout" in outcome.result["test"]
    assert {"test.json", "result.json"} <= {file.path for file in client.list_artifacts(run_id)}


def test_metrics_are_written_at_most_once_a_second(
    home: Path, digits: Dataset, small: Small, otherwise: Callable[..., None]
) -> None:
    writes: list[float] = []

    def counting(log_batch: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if named.get("metrics"):
            writes.append(time.monotonic())
        return log_batch(*arguments, **named)

    otherwise(log_batch=counting)
    start = time.monotonic()
    outcome, run_id = recorded(small("train.epochs=300"), digits)
    # One at the start, one a second, and at the end the last epochs (of 1 800 metrics, 996 a call) and the result.
    assert len(writes) <= time.monotonic() - start + 1 + 2 + 1
    assert rows(client_of(home), run_id) == lines(outcome.folder)


@pytest.mark.parametrize("terminal", [True, False])
def test_only_a_person_is_told_that_a_store_is_slow(
    home: Path,
    digits: Dataset,
    small: Small,
    otherwise: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
) -> None:
    told, errors = "waiting for the MLflow store; Ctrl-C leaves the rest to `python -m src.sync`\n", ""

    def slow(set_terminated: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        nonlocal errors
        deadline = time.monotonic() + (60 if terminal else 0.5)
        while told not in errors and time.monotonic() < deadline:
            time.sleep(0.01)
            errors += capsys.readouterr().err
        return set_terminated(*arguments, **named)

    otherwise(set_terminated=slow)
    monkeypatch.setattr(writer_process, "_SECONDS_UNTIL_NOTICE", 0.1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    recorded(small(), digits)
    assert (told in errors + capsys.readouterr().err) == terminal


def test_a_store_that_fails_in_mid_run_costs_a_warning_and_no_training(
    home: Path, digits: Dataset, small: Small, capsys: pytest.CaptureFixture[str], otherwise: Callable[..., None]
) -> None:
    def away_for_a_while(log_batch: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if named.get("metrics") and not list(home.glob("runs/*/result.json")):
            from mlflow.exceptions import MlflowException

            raise MlflowException("the server is away")
        return log_batch(*arguments, **named)

    otherwise(log_batch=away_for_a_while)
    errors = ""

    class Waiting(Tracker):
        """Trains no more than an epoch until the store has failed."""

        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            nonlocal errors
            deadline = time.monotonic() + 60
            while "the server is away" not in errors and time.monotonic() < deadline:
                time.sleep(0.01)
                errors += capsys.readouterr().err

    outcome, run_id = recorded(small(), digits, Waiting())
    assert outcome.folder.status()["status"] == "finished"
    errors += capsys.readouterr().err
    assert errors.count("the server is away") == errors.count("warning") == 1
    assert "the MLflow store is back" in errors
    assert rows(client_of(home), run_id) == lines(outcome.folder)


def test_a_data_set_that_a_parallel_job_records_at_the_same_moment_is_recorded(
    home: Path, digits: Dataset, small: Small, otherwise: Callable[..., None]
) -> None:
    calls = []

    def slower_than_another(log_inputs: Callable[..., Any], *arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            from mlflow.exceptions import MlflowException

            raise MlflowException("UNIQUE constraint failed: datasets.experiment_id, ...")
        log_inputs(*arguments)

    otherwise(log_inputs=slower_than_another)
    _, run_id = recorded(small(), digits)
    kept = client_of(home).get_run(run_id)
    assert kept.inputs is not None
    assert len(kept.inputs.dataset_inputs) == 1


LOSING = (
    "create_run",
    "log_batch",
    "set_tag",
    "delete_tag",
    "log_inputs",
    "set_terminated",
    "update_run",
    "delete_run",
)


@pytest.mark.parametrize("seed", range(3))
def test_replies_that_are_lost_leave_no_ghosts_and_no_metric_twice(
    home: Path,
    digits: Dataset,
    small: Small,
    otherwise: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Each call is served, and of some the reply is lost."""
    monkeypatch.setattr(writer, "_SECONDS_AFTER_A_FAILURE", 0.01)
    monkeypatch.setattr(writer, "_MOST_TRIES", 1000)
    lost: Counter[str] = Counter()
    draws = random.Random(seed)

    def losing(name: str, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        reply = call(*arguments, **named)
        if draws.random() < 0.3:
            lost[name] += 1
            from mlflow.exceptions import MlflowException

            raise MlflowException("the reply was lost")
        return reply

    with pytest.raises(KeyboardInterrupt):  # so that there are a reason to be forgotten, and a record to be reopened
        recorded(small("train.epochs=4"), digits, Acting(2, raising(KeyboardInterrupt())))
    otherwise(**{name: functools.partial(losing, name) for name in LOSING})
    outcome, run_id = recorded(small("train.epochs=4"), digits)
    below = recorded_below(small("train.epochs=4"), digits, "its identity", "relu s0", "relu")
    assert lost
    client = client_of(home)
    runs = stored(home)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(runs) == 3  # with the parent
    for recorded_id in (run_id, below):
        assert rows(client, recorded_id) == lines(outcome.folder)
    assert Outbox().pending() == []


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
    for module in ("src.runs.folder", "src.recording.store"):
        monkeypatch.setattr(f"{module}.home", lambda: tmp_path / folder)
    _, run_id = recorded(small(), digits)
    assert (tmp_path / folder / "mlflow.db").exists()
    kept = open_store(Tracking()).client.get_run(run_id)
    assert kept.info.status == "FINISHED"
    assert (tmp_path / folder / "mlartifacts" / run_id / "artifacts" / "model.npz").exists()


def test_the_store_of_a_checkout_that_was_copied_is_refused(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(Tracking())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(home / "mlflow.db", elsewhere)
    monkeypatch.setattr("src.recording.store.home", lambda: elsewhere)
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


def _die_at_opening(uri: str, beside: Path) -> None:
    def made() -> int:
        try:
            return beside.stat().st_ctime_ns
        except FileNotFoundError:
            return 0

    left = made()  # by the one that was killed before

    def die() -> None:
        while made() in (0, left):
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=die, daemon=True).start()
    _open(uri)


@pytest.mark.slow
def test_a_store_whose_making_was_killed_opens_afterwards(tmp_path: Path, home: Path) -> None:
    uri, beside = f"sqlite:///{tmp_path}/fresh.db", tmp_path / ".fresh.db.init"
    spawning = multiprocessing.get_context("spawn")
    for _ in range(3):
        process = spawning.Process(target=_die_at_opening, args=(uri, beside))
        process.start()
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
        assert not (tmp_path / "fresh.db").exists()
    assert open_store(Tracking(uri=uri)).experiment_id
    with sqlite3.connect(tmp_path / "fresh.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_telemetry_is_off() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
