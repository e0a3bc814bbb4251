"""MLflow has what the run folder has: each metric once, whatever happened."""

import contextlib
import dataclasses
import functools
import os
import random
import resource
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock

import numpy as np
import pytest

from src.config.tracking import Tracking
from src.config.tree import Config
from src.data.dataset import Dataset
from src.data.recipes import prepare
from src.figures.run_figures import RunFigures
from src.foundation.errors import RunFailed, UserError
from src.foundation.schema import flatten, show
from src.recording import mlflow_run, writer
from src.recording.outbox import Outbox
from src.recording.outbox_mirror import sync
from src.recording.own_store import prepare_to_open
from src.recording.reading import artifact
from src.recording.recording import Recording
from src.recording.store import holds_experiment, open_store, store_uri
from src.recording.store_errors import as_user_errors, one_line
from src.runs.fingerprint import fingerprint
from src.runs.finished import FinishedRun
from src.runs.folder import RunFolder
from src.runs.tracker import Tracker, TrackerGroup
from src.runs.training_run import Outcome, run
from src.runs.usage import USAGE
from src.sweeps import start
from tests.faults.trainings import InterruptsAfter
from tests.helpers.composing import Small, compose
from tests.helpers.processes import until
from tests.helpers.refusals import refusal
from tests.helpers.stores import assert_mirrored, client_of, database, stored
from tests.recording.conftest import InThread, fail

pytestmark = pytest.mark.usefixtures("in_thread")


class Recorded(NamedTuple):
    outcome: Outcome
    run_id: str


def recorded(config: Config, dataset: Dataset, *more: Tracker, **tracking: str) -> Recorded:
    with Recording(Tracking(**tracking)) as recording:
        folder = RunFolder.of(fingerprint(config, dataset)["fingerprint"])
        entry = recording.run(config.run_name, folder, fresh=config.train.fresh)
        outcome = run(config, dataset, TrackerGroup([RunFigures(dataset), *more]))
    return Recorded(outcome, recording.run_id(entry))


def recorded_below(
    config: Config, dataset: Dataset, parent: str, name: str, variant: str, study: str | None = "ladder"
) -> str:
    """Trains a run, or reuses it, and records it below a parent, of a study or a plain sweep; returns its id."""
    with Recording(Tracking()) as recording, recording.parent("a study", study, parent, about="About.") as above:
        folder = run(config, dataset, Tracker()).folder
        entry = recording.run(name, folder, study=above.study, parent=above.identity, variant=variant)
    return recording.run_id(entry)


def test_mlflow_has_what_the_run_folder_has_and_recording_changes_no_bit(
    home: Path, digits: Dataset, small: Small
) -> None:
    config = small()
    outcome, run_id = recorded(config, digits)
    assert_mirrored(home, outcome.folder.path)
    client = client_of(home)
    kept = client.get_run(run_id)
    assert kept.info.run_name == "digits s0"
    assert kept.data.params == {key: show(value) for key, value in flatten(config.semantic(complete=True))}
    assert kept.data.params["model.act"] == "relu"
    digests, tags = outcome.folder.run()["digests"], kept.data.tags
    assert tags["fingerprint"] == digests["fingerprint"] == outcome.folder.path.name
    assert tags["data.sha256"] == digests["data"] == digits.sha256
    assert (tags["code.sha256"], tags["env.sha256"]) == (digests["code"], digests["env"])
    assert {"git.commit", "git.dirty", "study", "variant"} <= set(tags)
    [dataset_input] = kept.inputs.dataset_inputs
    assert digits.sha256.startswith(dataset_input.dataset.digest)
    assert f"```\npython -m src.replay {run_id}\n```" in tags["mlflow.note.content"]
    assert (tags["data"], tags["experiment"]) == ("digits", "digits")
    result, timing = outcome.result, outcome.folder.timing()
    for key, value in {
        "train/seconds": timing["seconds"],
        **{f"train/{name}": timing[name] for name in USAGE},
        "kept/epoch": result["kept_epoch"],
        "kept/valid/loss": result["valid"]["loss"],
        "kept/valid/accuracy": result["valid"]["accuracy"],
    }.items():
        [last] = client.get_metric_history(run_id, key)
        assert (last.step, last.timestamp, last.value) == (0, kept.info.end_time, value)
    figures = {Path(artifact.path).name for artifact in client.list_artifacts(run_id, "figures")}
    assert {"curves.png", "confusion_test.png", "failures.png", "hidden_weights.png"} <= figures
    model = Path(client.download_artifacts(run_id, "model.npz", str(home))).read_bytes()
    assert model == (outcome.folder.path / "model.npz").read_bytes()

    alone = run(small("train.fresh=true"), digits, Tracker())
    assert alone.result == outcome.result
    assert (alone.folder.path / "model.npz").read_bytes() == model


def test_the_writer_of_a_single_run_starts_before_the_run_unless_it_is_settled(
    home: Path, digits: Dataset, small: Small, in_thread: list[InThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So MLflow is imported while the run begins."""
    writers: list[int] = []
    monkeypatch.setattr(start, "prepare", lambda recipe: digits)
    monkeypatch.setattr(start, "run", lambda *given: (writers.append(len(in_thread)), run(*given))[1])
    config = dataclasses.replace(small(), tracking=Tracking(figures=False))
    assert [start.start(config)[0].reused for _ in range(2)] == [False, True]
    assert writers == [1, 1]
    assert len(in_thread) == 1


def test_a_reused_run_is_recorded_once_under_each_parent_with_its_own_times(
    home: Path, digits: Dataset, small: Small
) -> None:
    outcome, alone = recorded(small(), digits)
    assert recorded(small(), digits).run_id == alone
    ids = [recorded_below(small(), digits, "its identity", "mine s0", "it's mine") for _ in range(2)]
    assert ids[0] == ids[1] != alone
    assert_mirrored(home, outcome.folder.path)
    client = client_of(home)
    child = client.get_run(ids[0])
    assert (child.info.run_name, child.data.tags["study"]) == ("mine s0", "ladder")
    assert child.data.tags["variant"] == "it's mine"
    assert child.data.tags["copy.of"] == alone
    found = client.search_runs([child.info.experiment_id], 'tags.data = "digits" and tags."copy.of" IS NULL')
    assert [run.info.run_id for run in found] == [alone]  # the query of the docs
    assert child.info.start_time == int(outcome.folder.status()["started"] * 1000)
    parent = client.get_run(child.data.tags["mlflow.parentRunId"])
    assert (parent.info.status, parent.info.run_name, parent.data.tags["study"]) == ("FINISHED", "a study", "ladder")
    assert len(stored(home)) == 3


def test_a_plain_sweep_lists_a_reused_run_in_place_of_a_copy(home: Path, digits: Dataset, small: Small) -> None:
    alone = recorded(small(), digits).run_id
    for sweep in ("one", "another", "one"):
        assert recorded_below(small(), digits, sweep, "0.1 s0", "lr=0.1", study=None) == alone
    below = recorded_below(small("seed=1"), digits, "one", "s1", "seed=1", study=None)
    assert recorded(small("seed=1"), digits).run_id == below  # nor is there a copy of a run of a sweep
    runs = {run.info.run_id: run for run in stored(home)}
    parents = [run for run in runs.values() if "fingerprint" not in run.data.tags]
    assert len(parents) == len(runs) - 2 == 2
    for parent in parents:
        note = parent.data.tags["mlflow.note.content"]
        assert note.startswith("About.\n")
        assert f"/runs/{alone}?workflowType=machine_learning)" in note
    assert runs[below].data.tags["mlflow.parentRunId"] in {parent.info.run_id for parent in parents}


def test_a_copy_of_a_run_that_was_trained_again_is_none(home: Path, digits: Dataset, small: Small) -> None:
    recorded(small(), digits)
    run(small("train.fresh=true"), digits, Tracker())
    child = recorded_below(small(), digits, "its identity", "relu s0", "relu")
    assert "copy.of" not in client_of(home).get_run(child).data.tags


def test_what_lies_in_the_trash_of_the_store_is_named_with_the_command_that_restores_it(
    home: Path, digits: Dataset, small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = recorded(small(), digits).run_id
    client = client_of(home)
    client.delete_run(run_id)
    capsys.readouterr()
    assert recorded(small(), digits).run_id == run_id
    assert f"`mlflow runs restore --run-id {run_id}`" in capsys.readouterr().err
    client.restore_run(run_id)
    experiment = client.get_run(run_id).info.experiment_id
    client.delete_experiment(experiment)
    for uri, where in ((None, "`"), (f"sqlite:///{home}/./mlflow.db", f"`MLFLOW_TRACKING_URI=sqlite:///{home}/./")):
        with pytest.raises(UserError, match=f"mlflow experiments restore --experiment-id {experiment}`") as refused:
            recorded(small(), digits, **({"uri": uri} if uri else {}))
        assert where in str(refused.value)
    client.restore_experiment(experiment)
    assert recorded(small(), digits).run_id == run_id


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


def test_a_run_that_is_trained_again_replaces_the_mlflow_run_once_it_has_finished(
    home: Path, digits: Dataset, small: Small
) -> None:
    """Its metrics have other times: in one run each would be there twice."""
    outcome, first = recorded(small(), digits)
    with pytest.raises(KeyboardInterrupt):
        recorded(small("train.fresh=true"), digits, InterruptsAfter(2))
    assert_mirrored(home, outcome.folder.path)  # which has the finished attempt again
    [kept] = stored(home)
    assert (kept.info.status, "reason" in kept.data.tags) == ("FINISHED", False)
    outcome, second = recorded(small("train.fresh=true"), digits)
    assert not outcome.reused
    assert_mirrored(home, outcome.folder.path)
    assert [run.info.run_id for run in stored(home)] == [second]
    assert client_of(home).get_run(first).info.lifecycle_stage == "deleted"


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "KILLED"), (ZeroDivisionError("oh"), "FAILED")])
def test_a_run_that_did_not_finish_has_its_status_and_reason_and_can_be_resumed(
    home: Path, digits: Dataset, small: Small, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)):
        recorded(small(), digits, InterruptsAfter(2, error))
    [kept] = stored(home)
    [folder] = home.glob("runs/[0-9a-f]*/")
    assert_mirrored(home, folder)
    assert (kept.info.status, bool(kept.data.tags["reason"])) == (status, True)
    outcome, again = recorded(small(), digits)
    assert again == kept.info.run_id
    assert "reason" not in client_of(home).get_run(again).data.tags
    assert_mirrored(home, outcome.folder.path)


def test_a_diverged_run_is_recorded_as_failed_with_its_reason(home: Path, digits: Dataset, small: Small) -> None:
    with pytest.raises(RunFailed):
        recorded(small("optimizer=sgd", "optimizer.lr=1e20", "schedule=constant"), digits)
    [kept] = stored(home)
    assert (kept.info.status, kept.data.tags["reason"]) == ("FAILED", "diverged at epoch 1")


def test_epochs_that_the_journal_lost_and_were_trained_again_are_there_once(
    home: Path, digits: Dataset, small: Small
) -> None:
    """As after a power cut: the store knows lines that the disk has lost."""
    with pytest.raises(KeyboardInterrupt):
        recorded(small("train.epochs=5"), digits, InterruptsAfter(3))
    [kept] = stored(home)
    [journal] = home.glob("runs/*/journal.jsonl")
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:1]))
    outcome, run_id = recorded(small("train.epochs=5"), digits)
    assert [run.info.run_id for run in stored(home)] == [run_id] != [kept.info.run_id]
    assert_mirrored(home, outcome.folder.path)


def test_more_metrics_and_the_untrained_network_are_recorded_too(home: Path, digits: Dataset, small: Small) -> None:
    more = ("train.metrics=[f1,squared_error]", "train.evaluate_dropout=true", "model.dropout=0.2")
    outcome, _ = recorded(small(*more, "train.evaluate_at_start=true", "train.evaluate_every=2"), digits)
    journal = outcome.folder.journal()
    assert [epoch["epoch"] for epoch in journal] == [0, 2, 3]
    assert {"valid/f1", "train/squared_error", "valid/accuracy_with_dropout"} <= journal[0]["metrics"].keys()
    assert "f1_with_dropout" in outcome.result["test"]
    assert_mirrored(home, outcome.folder.path)


def test_losses_of_updates_are_recorded_evenly_thinned_with_the_first_and_the_last(home: Path) -> None:
    short = ("train.epochs=3", "train.steps_per_epoch=500", "train.unit_steps=50")
    config = compose(["experiment=perceptrons_xor", *short])
    outcome, run_id = recorded(config, prepare(config.data))
    assert_mirrored(home, outcome.folder.path)
    losses, client = FinishedRun(outcome.folder.path).steps, client_of(home)
    for key, name, points in (
        ("train/step_loss", "network", 320),
        ("unit/lower_left/step_loss", "unit_0", 50),
        ("unit/upper_right/step_loss", "unit_1", 50),
    ):
        history = sorted((metric.step, metric.value) for metric in client.get_metric_history(run_id, key))
        assert len(history) == points
        steps, values = np.array(history).T
        np.testing.assert_array_equal(values, losses[name][steps.astype(int) - 1, 0])
        assert (steps[0], steps[-1]) == (1, len(losses[name]))
        assert np.ptp(np.diff(steps)) <= 1
    assert "steps.npz" in {artifact.path for artifact in client.list_artifacts(run_id)}


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
    outcome, _ = recorded(small("train.epochs=300"), digits)
    # One at the start, one a second, and at the end the last epochs (of 1 800 metrics, 996 a call) and the result.
    assert len(writes) <= time.monotonic() - start + 1 + 2 + 1
    assert_mirrored(home, outcome.folder.path)


def test_a_store_that_fails_in_mid_run_costs_a_warning_and_no_training(
    home: Path, digits: Dataset, small: Small, capsys: pytest.CaptureFixture[str], otherwise: Callable[..., None]
) -> None:
    def away_for_a_while(log_batch: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if named.get("metrics") and not list(home.glob("runs/*/result.json")):
            fail("the server is away")
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

    outcome, _ = recorded(small(), digits, Waiting())
    errors += capsys.readouterr().err
    assert errors.count("the server is away") == errors.count("warning") == 1
    assert "the MLflow store is back" in errors
    assert_mirrored(home, outcome.folder.path)


def test_a_run_whose_end_the_store_lost_has_no_id(
    home: Path, digits: Dataset, small: Small, otherwise: Callable[..., None]
) -> None:
    otherwise(set_terminated=lambda method, *arguments, **named: fail("the store failed"))

    class Waiting(Tracker):
        """Trains no more than an epoch until the store has begun with the run."""

        def advanced(self, folder: Path, record: Mapping[str, Any]) -> None:
            until(lambda: any(entry.run_id for entry in Outbox().pending()))

    assert recorded(small(), digits, Waiting()).run_id == ""
    [entry] = Outbox().pending()
    assert entry.run_id


def test_artifacts_on_a_disk_that_is_not_there_are_named_and_recorded_once_it_is(
    home: Path, digits: Dataset, small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    open_store(Tracking())
    (link := home / "mlartifacts").symlink_to("/nowhere/mlartifacts")
    outcome, run_id = recorded(small(), digits)
    assert run_id == ""
    errors = capsys.readouterr().err
    assert errors.count(f" failed: {link} is a link to /nowhere/mlartifacts, which is not there; ") == 1
    assert "MLflow lacks some of this" in errors
    link.unlink()
    assert not sync().failures
    assert_mirrored(home, outcome.folder.path)


def test_a_data_set_that_a_parallel_job_records_at_the_same_moment_is_recorded(
    home: Path, digits: Dataset, small: Small, otherwise: Callable[..., None]
) -> None:
    calls = []

    def slower_than_another(log_inputs: Callable[..., Any], *arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            fail("UNIQUE constraint failed: datasets.experiment_id, ...")
        log_inputs(*arguments)

    otherwise(log_inputs=slower_than_another)
    _, run_id = recorded(small(), digits)
    kept = client_of(home).get_run(run_id)
    assert kept.inputs is not None
    assert len(kept.inputs.dataset_inputs) == 1


CALLS = ("create_run", "log_batch", "set_tag", "delete_tag", "log_inputs", "set_terminated", "update_run", "delete_run")


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
            fail("the reply was lost")
        return reply

    with pytest.raises(KeyboardInterrupt):  # so that there are a reason to be forgotten, and a record to be reopened
        recorded(small("train.epochs=4"), digits, InterruptsAfter(2))
    otherwise(**{name: functools.partial(losing, name) for name in CALLS})
    outcome, _ = recorded(small("train.epochs=4"), digits)
    recorded_below(small("train.epochs=4"), digits, "its identity", "relu s0", "relu")
    assert lost
    runs = stored(home)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(runs) == 3  # with the parent
    assert_mirrored(home, outcome.folder.path)
    assert Outbox().pending() == []


def test_the_environment_names_the_store(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_uri(Tracking()) == f"sqlite:///{home}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////elsewhere/x.db")
    assert store_uri(Tracking()) == "sqlite:////elsewhere/x.db"
    assert store_uri(Tracking(uri="sqlite:////typed.db")) == "sqlite:////typed.db"


def test_a_repository_in_a_path_of_any_letters_has_its_store(
    tmp_path: Path, digits: Dataset, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my stores, 100%41 sure? #1: {x}"
    folder.mkdir()
    for module in ("src.runs.folder", "src.recording.own_store"):
        monkeypatch.setattr(f"{module}.home", lambda: folder)
    _, run_id = recorded(small(), digits)
    assert (folder / "mlflow.db").exists()
    kept = open_store(Tracking()).client.get_run(run_id)
    assert kept.info.status == "FINISHED"
    assert (folder / "mlartifacts" / run_id / "artifacts" / "model.npz").exists()


def test_an_environment_whose_path_mlflow_cannot_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.prefix", "/home/you/50%20x/.venv")
    assert "50%20x/.venv: MLflow can't work with % in the path of its code" in refusal(open_store, Tracking())


def test_the_store_of_a_checkout_that_was_moved_or_copied_goes_along(
    tmp_path: Path,
    digits: Dataset,
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def at(folder: Path) -> None:
        for module in ("src.runs.folder", "src.recording.own_store"):
            monkeypatch.setattr(f"{module}.home", lambda: folder)

    before, after = tmp_path / "it's 100%41", tmp_path / "später"
    before.mkdir()
    at(before)
    _, run_id = recorded(small(), digits)
    before.rename(after)
    at(after)
    assert not holds_experiment(Tracking())  # so that it is opened, and changed
    store = open_store(Tracking())
    assert capsys.readouterr().err.endswith(f"the checkout was at {before}\n")
    assert artifact(Tracking(), run_id, "result.json", tmp_path).read_bytes()
    assert str(store.client.get_run(run_id).info.artifact_uri).startswith(after.as_uri())
    open_store(Tracking())
    assert capsys.readouterr().err == ""
    store.client.create_experiment("mine", (tmp_path / "mine").as_uri())  # made by hand
    with pytest.raises(UserError, match=r"tracking\.experiment=mine: its artifacts belong in"):
        open_store(Tracking(experiment="mine"))


def test_a_store_that_is_not_one_is_refused(tmp_path: Path, home: Path) -> None:
    (tmp_path / "text.db").write_text("hello, this is no database, but it is long enough to look at" * 100)
    for uri in (f"sqlite:///{tmp_path}/text.db", "sqlite:////proc/nowhere/x.db", f"sqlite:///{tmp_path}/text.db/x.db"):
        with pytest.raises(UserError, match="store") as refused, as_user_errors(Tracking(uri=uri)):
            open_store(Tracking(uri=uri))
        assert "\n" not in str(refused.value)
    for uri in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        with pytest.raises(UserError, match="in memory and keeps nothing"):
            open_store(Tracking(uri=uri))
    (home / "mlflow.db").unlink()
    (home / "mlflow.db").symlink_to("/nowhere/mlflow.db")
    with pytest.raises(UserError, match="is a link to /nowhere/mlflow"), as_user_errors(Tracking()):
        open_store(Tracking())
    assert (home / "mlflow.db").is_symlink()
    with pytest.raises(ModuleNotFoundError) as lacking:
        open_store(Tracking(uri="mssql+pyodbc://localhost/x"))
    assert one_line(lacking.value) == "it needs the Python package pyodbc, which is not installed"


def dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as opened:
        return list(opened.iterdump())


@pytest.mark.parametrize(("revision", "copied"), [("bda7b8c39065", True), ("of another day", False), (None, False)])
def test_a_store_of_an_older_mlflow_is_copied_before_this_one_changes_it(
    home: Path, revision: str | None, copied: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "mlflow.db"
    if revision:
        database(path, f"UPDATE alembic_version SET version_num = '{revision}'")  # MLflow 3.1 has the first one
    for _ in range(2):
        prepare_to_open(path)
        found = [dump(file) for file in home.glob(f"mlflow.db.{revision}")]
        assert found == ([dump(path)] if copied else [])
    assert capsys.readouterr().err.count("a copy is kept: mlflow.db.") == copied


def test_a_store_that_can_not_be_copied_is_not_changed_and_a_part_of_a_copy_is_none(home: Path) -> None:
    path, revision = home / "mlflow.db", "bda7b8c39065"
    database(path, f"UPDATE alembic_version SET version_num = '{revision}'")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, limits[1]))  # the disk is full
    try:
        with pytest.raises(UserError, match="can't be used"), as_user_errors(Tracking()):
            open_store(Tracking())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not [*home.glob("mlflow.db.*")]
    before = dump(path)
    assert f"'{revision}'" in "".join(before)
    prepare_to_open(path)
    assert dump(home / f"mlflow.db.{revision}") == before
    assert not [*home.glob(".mlflow.db.init*")]


@pytest.mark.parametrize(
    ("damage", "can_wait"),
    [
        (lambda path: None, True),
        (lambda path: path.unlink(), False),
        (lambda path: path.write_text("no database, but long enough to be looked at" * 100), False),
        (lambda path: database(path, "UPDATE experiments SET lifecycle_stage = 'deleted'"), False),
        (lambda path: database(path, "UPDATE experiments SET artifact_location = 'file:///another/checkout'"), False),
        (lambda path: database(path, "DROP TABLE experiments"), False),
    ],
    ids=["has the experiment", "gone", "no database", "deleted", "moved", "another program's"],
)
def test_only_a_store_that_has_the_experiment_can_be_opened_later(
    home: Path, damage: Callable[[Path], None], can_wait: bool
) -> None:
    assert not holds_experiment(Tracking())
    open_store(Tracking())
    damage(home / "mlflow.db")
    assert holds_experiment(Tracking()) == holds_experiment(Tracking(uri=f"sqlite:///{home}/mlflow.db")) == can_wait
    assert not holds_experiment(Tracking(experiment="another"))
    for uri in (f"file://{home}", f"sqlite:///{home}", "sqlite:///", "nonsense"):
        assert not holds_experiment(Tracking(uri=uri))


def test_telemetry_is_off() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_table_of_many_columns_fits_into_mlflow() -> None:
    columns = {f"column number {k}": ("number", "category")[k % 10 == 0] for k in range(5000)}
    about: dict[str, Any] = {
        "source": "table",
        "path": "/a.csv",
        "sha256": "0" * 64,
        "label": "y",
        "scaling": "per_feature",
    }
    labels = tuple(f"the class with the number {k}" for k in range(100))
    config = compose(["data=digits"])
    recipe = dataclasses.replace(config.data, **about, labels=labels, columns=columns)
    config = dataclasses.replace(config, data=recipe)
    store, recorded = Mock(), Mock(inputs=None, data=Mock(params={}, tags={}), info=Mock(run_id="1", run_name="x"))
    params = {param.key: param.value for param in mlflow_run.description(recorded, config)[0]}
    mlflow_run.add_data(store, recorded, config, "0" * 64)
    assert params["data.columns"] == "500 category, 4500 number"
    assert max(map(len, params.values())) <= 6000
    [given] = store.client.log_inputs.call_args.args[1]
    assert "4500 number" in given.dataset.source
    assert len(given.dataset.source) <= 65535
